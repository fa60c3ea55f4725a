"""How many of a hundred measured times were no longer than what."""

from collections.abc import Sequence
from statistics import quantiles


def percentile(times: Sequence[float], percent: int) -> float:
    """The time that so many percent did not exceed, between two of them where it lies there; 0 of none."""
    if len(times) < 2:
        return times[0] if times else 0.0
    return quantiles(times, n=100, method="inclusive")[percent - 1]
