"""How fast the machine is at a moment: a neighbour on its core halves that, and no load average tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from bench.percentiles import percentile

# Two milliseconds of adding up, at full speed.
_TURNS = 60_000


def ms(work: Callable[[], Any]) -> float:
    """Milliseconds that the work takes."""
    started = perf_counter()
    work()
    return (perf_counter() - started) * 1000


def pace() -> float:
    """Milliseconds that always the same piece of work takes now."""
    return ms(_add_up)


def _add_up() -> int:
    total = 0
    for each in range(_TURNS):
        total += each
    return total


@dataclass(frozen=True)
class Paced:
    """How long some work took, and the pace right before and after it, in milliseconds."""

    took: float
    pace: float

    @classmethod
    def of(cls, measured: Callable[[], float]) -> "Paced":
        before = pace()
        took = measured()
        return cls(took, (before + pace()) / 2)


def at_full_speed(times: Sequence[Paced], best: float, percent: int) -> float:
    """What so many percent would not have exceeded, had the machine kept its best pace throughout."""
    return percentile([each.took * best / each.pace for each in times], percent)


def swing(times: Sequence[Paced], best: float, percent: int) -> float:
    """How many times slower than at its best the machine was, or less, in so many percent of the moments."""
    return percentile([each.pace / best for each in times], percent)
