"""How fast the machine is at a moment: a neighbour on its core halves that, and no load average tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, thread_time
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
    """How long some work took, how much of it this thread computed, and the pace around it; milliseconds."""

    took: float
    computed: float
    pace: float

    @classmethod
    def of(cls, measured: Callable[[], float]) -> "Paced":
        """`measured` works, and says how long that took."""
        before, begun = pace(), thread_time()
        took = measured()
        computed = (thread_time() - begun) * 1000
        return cls(took, min(computed, took), (before + pace()) / 2)

    def at(self, best: float) -> float:
        """An estimate of what it would have taken at this pace; what it waited for took what it took."""
        return self.took - self.computed * (1 - min(1.0, best / self.pace))


def at_full_speed(times: Sequence[Paced], best: float, percent: int) -> float:
    """An estimate of what so many percent would not have exceeded, had the machine kept its best pace."""
    return percentile([each.at(best) for each in times], percent)


def swing(times: Sequence[Paced], best: float, percent: int) -> float:
    """How many times slower than at its best the machine was, or less, in so many percent of the moments."""
    return percentile([each.pace / best for each in times], percent)
