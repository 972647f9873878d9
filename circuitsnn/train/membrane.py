"""Spiking neurons over all time steps, with their gradient by the adjoint recursion."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from circuitsnn.snn.layers import Neuron
from circuitsnn.train.surrogate import Surrogate

__all__ = ["Rule", "spikes"]


_CACHED = 2**16  # values of one step that are worked on at a time


@dataclass(frozen=True)
class Rule:
    """How neurons of a layer behave, and how the gradient passes through them."""

    neuron: Neuron
    """The layer: its resets and its refractory time; threshold and leak are given to `spikes`."""
    surrogate: Surrogate
    """What stands for the derivative of a spike."""
    detach_potential: bool = False
    """Whether the last step's potential counts as an input: no gradient through time along it."""
    detach_reset: bool = False
    """Whether no gradient passes through resets to the spikes that made them."""
    smooth: bool = False
    """Whether spikes are the surrogate's smooth function, for checks of gradients."""


def spikes(drive: Tensor, threshold: Tensor, leak: Tensor, steps: int, series: bool, rule: Rule) -> Tensor:
    """Give the spikes of a layer.

    With m[t] = 0 in the steps after a spike in which a neuron is refractory, else 1, the potential is, for a soft reset
    in the next step, u[t] = leak u[t-1] + m[t] I[t] - V_th R[t] with R[t] = theta R[t-1] + o[t-1]; for one in the same
    step u[t] = leak (u[t-1] - V_th o[t-1]) + m[t] I[t]; for a hard one u[t] = leak u[t-1] (1 - o[t-1]) + m[t] I[t].

    The gradient is that of back-propagation through time, in the adjoint form a[t] = dE/du[t] = dE/do[t] h[t] / V_th +
    kappa[t] a[t+1] (equations 3 and 4 of Muramatsu and Yu 2021, arXiv:2102.10592, corrected: the reset path is in
    kappa = du[t+1]/du[t] alone).

    Parameters
    ----------
    drive : Tensor, shape (n, *shape) or (T, n, *shape)
        I, static or a series. [-]
    threshold, leak : Tensor
        V_th and leak, one number or of a shape that broadcasts to (n, *shape). [-]
    steps : int
        T.
    series : bool
        Whether the drive is a series.
    rule : Rule
        Behaviour.

    Returns
    -------
    Tensor, shape (T, n, *shape)
        Spikes, 0 or 1.
    """
    return _Membrane.apply(drive, threshold, leak, steps, series, rule)


class _Membrane(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, threshold: Tensor, leak: Tensor, steps: int, series: bool, rule: Rule
    ) -> Tensor:
        neuron = rule.neuron
        # Results lie in memory as the drive does.
        potentials = torch.empty_like(drive) if series else _stack_like(drive, steps)
        outputs = torch.empty_like(potentials)
        resets = torch.zeros_like(potentials) if neuron.reset_decay else None
        active = torch.ones_like(potentials) if neuron.refractory else None
        for part in _parts(potentials):
            given = drive[:, part] if series else drive[part].expand(steps, *drive[part].shape)
            _run(rule, given, threshold, leak, *(None if each is None else each[:, part]
                                                 for each in (potentials, outputs, resets, active)))  # fmt: skip
        ctx.save_for_backward(potentials, outputs, threshold, leak, resets, active)
        ctx.rule, ctx.series = rule, series
        return outputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        potentials, outputs, threshold, leak, resets, active = ctx.saved_tensors
        adjoint = torch.empty_like(potentials)
        of_threshold, of_leak = torch.zeros_like(threshold), torch.zeros_like(leak)
        for part in _parts(potentials):
            _run_back(ctx.rule, threshold, leak, of_threshold, of_leak,
                      *(None if each is None else each[:, part]
                        for each in (gradient, potentials, outputs, resets, active, adjoint)))  # fmt: skip
        if active is not None:
            adjoint *= active
        of_drive = adjoint if ctx.series else adjoint.sum(dim=0)
        return of_drive, of_threshold, of_leak, None, None, None


def _run(
    rule: Rule,
    drive: Tensor,
    threshold: Tensor,
    leak: Tensor,
    potentials: Tensor,
    outputs: Tensor,
    resets: Tensor | None,
    active: Tensor | None,
) -> None:
    """Fill in the potentials, outputs, R and m of some samples."""
    neuron = rule.neuron
    resting = None if active is None else torch.zeros_like(drive[0])
    for t, (now, u, o) in enumerate(zip(drive, potentials, outputs, strict=True)):
        if active is not None:
            active[t] = resting == 0
            now = now * active[t]
        if t == 0:
            u.copy_(now)
        else:
            before, spiked = potentials[t - 1], outputs[t - 1]
            if neuron.reset == "soft" and neuron.reset_step == "next":
                if resets is not None:
                    torch.mul(resets[t - 1], neuron.reset_decay, out=resets[t]).add_(spiked)
                    spiked = resets[t]
                torch.mul(before, leak, out=u).add_(now).sub_(threshold * spiked)
            elif neuron.reset == "soft":
                torch.sub(before, threshold * spiked, out=u).mul_(leak).add_(now)
            elif neuron.reset == "hard":
                torch.mul(before, 1.0 - spiked, out=u).mul_(leak).add_(now)
            else:
                torch.mul(before, leak, out=u).add_(now)
        if rule.smooth:
            o.copy_(rule.surrogate.smooth(u / threshold - 1.0))
        else:
            (torch.ge if neuron.at_threshold else torch.gt)(u, threshold, out=o)
        if active is not None:
            o.mul_(active[t])
            resting = torch.where(o > 0, neuron.refractory, (resting - 1).clamp_(min=0))


def _run_back(
    rule: Rule,
    threshold: Tensor,
    leak: Tensor,
    of_threshold: Tensor,
    of_leak: Tensor,
    gradient: Tensor,
    potentials: Tensor,
    outputs: Tensor,
    resets: Tensor | None,
    active: Tensor | None,
    adjoint: Tensor,
) -> None:
    """Fill in the adjoint a of some samples, from the last step to the first, and add to dE/dV_th and dE/dleak."""
    neuron = rule.neuron
    soft_next = neuron.reset == "soft" and neuron.reset_step == "next"
    soft_same = neuron.reset == "soft" and neuron.reset_step == "same"
    hard = neuron.reset == "hard"
    steps = len(potentials)
    of_reset = None if resets is None else torch.zeros_like(potentials[0])
    for t in range(steps - 1, -1, -1):
        u, o, a = potentials[t], outputs[t], adjoint[t]
        # First what the step after makes of this one's potential and spikes, by its adjoint.
        later = adjoint[t + 1] if t < steps - 1 else None
        of_spike = gradient[t]
        if later is not None:
            if soft_next:
                of_threshold -= _product_to(later, o if resets is None else resets[t + 1], threshold)
                back = later * threshold
                if resets is not None:
                    of_reset.mul_(neuron.reset_decay).sub_(back)
                    back = -of_reset
                remaining = u
            elif soft_same:
                of_threshold -= _product_to(later * leak, o, threshold)
                back = later * (leak * threshold)
                remaining = u - threshold * o
            else:
                back = later * leak * u if hard else None
                remaining = u * (1.0 - o) if hard else u
            of_leak += _product_to(later, remaining, leak)
            if back is not None and not rule.detach_reset:
                of_spike = back.neg_().add_(of_spike)
        # Then this step's spikes by its potential; they are none where a neuron is refractory.
        slope = rule.surrogate.derivative((u / threshold).sub_(1.0))
        torch.mul(of_spike, slope, out=a)
        if active is not None:
            a.mul_(active[t])
        a.div_(threshold)
        of_threshold -= _product_to(a, u, threshold) / threshold
        if later is not None and not rule.detach_potential:
            kept = later * leak
            a.add_(kept.mul_(1.0 - o) if hard else kept)


def _parts(values: Tensor) -> list[slice]:
    """Split samples into those worked on at a time: as many as fit into a CPU's cache, all on other devices."""
    samples = values.shape[1]
    size = samples
    if values.device.type == "cpu":
        size = max(1, _CACHED // max(1, values[0, :1].numel()))
    return [slice(start, start + size) for start in range(0, samples, size)]


def _stack_like(one: Tensor, steps: int) -> Tensor:
    """Room for a tensor in each step, each laid out in memory as `one` is."""
    strides = (one.numel(), *torch.empty_like(one).stride())
    return torch.empty_strided((steps, *one.shape), strides, dtype=one.dtype, device=one.device)


def _product_to(left: Tensor, right: Tensor, target: Tensor) -> Tensor:
    """Sum a product over the axes along which `target` was broadcast."""
    product = left * right
    return product.sum() if target.dim() == 0 else product.sum_to_size(target.shape)
