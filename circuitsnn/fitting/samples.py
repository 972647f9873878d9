"""Samples that a card can be fitted to."""

import numpy as np

from circuitsnn.errors import InputError

FEWEST_SAMPLES = 10


def freeze_samples(data: object, *names: str) -> None:
    """Turn sequences of samples, attributes of a frozen dataclass, into read-only arrays of equal length.

    Parameters
    ----------
    data : dataclass instance
        The data.
    *names : str
        Names of the attributes.

    Raises
    ------
    InputError
        If they are not numbers, not finite, not as many, or too few.
    """
    for name in names:
        try:
            values = np.array(getattr(data, name), dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"{name} must be a sequence of numbers") from None
        if values.ndim != 1:
            raise InputError(f"{name} has shape {values.shape}; allowed is one number a sample")
        if not np.all(np.isfinite(values)):
            raise InputError(f"{name} is {values[~np.isfinite(values)][0]} at a sample; allowed are finite numbers")
        values.setflags(write=False)
        object.__setattr__(data, name, values)
    count = len(getattr(data, names[0]))
    for name in names[1:]:
        if len(getattr(data, name)) != count:
            raise InputError(
                f"{names[0]} has {count} samples and {name} {len(getattr(data, name))}; they must be as many"
            )
    if count < FEWEST_SAMPLES:
        raise InputError(f"{count} samples are too few to fit anything to; give {FEWEST_SAMPLES} or more")
