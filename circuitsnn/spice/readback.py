"""Switching times, phases and energies from the waveforms of a simulated oscillator circuit."""

import numpy as np
from numpy.typing import NDArray

from circuitsnn.errors import InputError
from circuitsnn.spice.circuit import Network
from circuitsnn.spice.engines import Waveforms


def switching_times(waveforms: Waveforms, network: Network) -> tuple[NDArray[np.float64], ...]:
    """When each device turned metallic.

    The device's state says which time steps hold a switching; within the step the voltage across the device
    is interpolated to V_H. Where supply and output were not saved, the end of the step is taken: with the
    comparator's usual gain the engine puts it on the threshold.

    Parameters
    ----------
    waveforms
        What ngspice saved.
    network
        The network that was simulated.

    Returns
    -------
    tuple of numpy.ndarray
        For each oscillator its switching times (n_i,), insulating to metallic. [s]
    """
    return tuple(
        _crossings(waveforms, f"osc{i}", float(network.parameters["V_H"][i]), True) for i in range(network.size)
    )


def return_times(waveforms: Waveforms, network: Network) -> tuple[NDArray[np.float64], ...]:
    """When each device turned insulating again.

    Parameters
    ----------
    waveforms
        What ngspice saved.
    network
        The network that was simulated.

    Returns
    -------
    tuple of numpy.ndarray
        For each oscillator its return times (n_i,), metallic to insulating. [s]
    """
    return tuple(
        _crossings(waveforms, f"osc{i}", float(network.parameters["V_L"][i]), False) for i in range(network.size)
    )


def phases(times: tuple[NDArray[np.float64], ...], reference: int = 0) -> NDArray[np.float64]:
    """Phase of each oscillator's last switching before the reference's last one.

    Parameters
    ----------
    times
        Switching times of each oscillator. [s]
    reference
        The oscillator at phase zero.

    Returns
    -------
    numpy.ndarray
        How far each oscillator lags the reference (N,), 0 to 360; NaN if it never switched. [degree]

    Raises
    ------
    InputError
        If the reference switched fewer than two times.
    """
    if times[reference].size < 2:
        raise InputError(f"oscillator {reference} switched {times[reference].size} times; a phase needs two")
    before, last = times[reference][-2:]
    lag = np.full(len(times), np.nan)
    for i, own in enumerate(times):
        earlier = own[own <= last]
        if earlier.size:
            lag[i] = earlier[-1] - last
    return 360.0 * np.mod(lag / (last - before), 1.0)


def last_phases(times: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
    """Phase of each oscillator's switching nearest to the last one of oscillator 0.

    Parameters
    ----------
    times
        Switching times of each oscillator. [s]

    Returns
    -------
    numpy.ndarray
        Phases (N,), NaN where an oscillator does not switch, or oscillator 0 not twice. [degree]
    """
    if len(times[0]) < 2:
        return np.full(len(times), np.nan)
    before, last = times[0][-2:]
    nearest = [own[np.argmin(np.abs(own - last))] if own.size else np.nan for own in times]
    return 360.0 * (np.array(nearest) - last) / (last - before)


def energies(waveforms: Waveforms, size: int) -> NDArray[np.float64]:
    """Energy that each supply delivered over the whole run.

    Parameters
    ----------
    waveforms
        What ngspice saved of a circuit with energy meters.
    size
        Number of oscillators.

    Returns
    -------
    numpy.ndarray
        Energy from each supply (N,). [J]
    """
    return np.array([waveforms[f"osc{i}_energy"][-1] for i in range(size)])


def loop_measures(waveforms: Waveforms) -> dict[str, float]:
    """Thresholds and resistances of a device from its current-voltage loop (`hysteresis_circuit`).

    Parameters
    ----------
    waveforms
        What the simulator saved of the DC sweep.

    Returns
    -------
    dict of str to float
        ``v_h`` and ``v_l``, half way between the two points of the sweep that they lie between [V], ``r_ins`` at the
        lower end of the rising branch and ``r_met`` at the upper end of the falling one [ohm]; NaN where a branch has
        no jump.
    """
    found = {}
    for name, branch, resistance in (("v_h", "up", "r_ins"), ("v_l", "down", "r_met")):
        voltage, current = waveforms[branch], waveforms[f"i(v{branch}_current)"]
        alive = np.abs(voltage) > 0.01 * np.max(np.abs(voltage))
        voltage, conductance = voltage[alive], current[alive] / voltage[alive]
        step = np.abs(np.diff(np.log(conductance)))
        k = int(np.argmax(step))
        found[name] = float((voltage[k] + voltage[k + 1]) / 2) if step[k] > 0.5 else np.nan
        found[resistance] = float(1 / conductance[0])
    return found


def _crossings(waveforms: Waveforms, name: str, threshold: float, rising: bool) -> NDArray[np.float64]:
    """Find the times at which one device changed its state."""
    time = waveforms.time
    metallic = waveforms[f"{name}_metallic"] > 0.5
    step = np.flatnonzero((metallic[1:] != metallic[:-1]) & (metallic[1:] == rising))
    if f"{name}_out" not in waveforms or f"{name}_vdd" not in waveforms:
        return time[step + 1]
    across = waveforms[f"{name}_vdd"] - waveforms[f"{name}_out"]
    before, after = across[step], across[step + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (threshold - before) / (after - before)
    # A step that found the threshold to rounding may end on its near side.
    part = np.clip(np.nan_to_num(part, nan=1.0, posinf=1.0, neginf=1.0), 0.0, 1.0)
    return time[step] + part * (time[step + 1] - time[step])
