"""Whether every tick of a plan is accounted for, once, by a run or by a row that says why there is none."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Account:
    """Ticks without a row, ticks with more than one, and rows that stand for no tick of the plan."""

    missing: list[datetime]
    doubled: list[datetime]
    unplanned: list[datetime]

    @property
    def balanced(self) -> bool:
        return not (self.missing or self.doubled or self.unplanned)


def account(ticks: Sequence[datetime], rows: Iterable[tuple[datetime, int]], until: datetime) -> Account:
    """Hold the rows against the plan's ticks, which are in order and go on a while after `until`.

    A row is the instant of its first tick and for how many it stands. Ticks later than `until` may
    have a row or not: nobody can tell whether the scheduler was to have seen them.
    """
    place = {tick: number for number, tick in enumerate(ticks)}
    covered: Counter[datetime] = Counter()
    unplanned: list[datetime] = []
    for first, count in rows:
        if first in place:
            covered.update(ticks[place[first] : place[first] + count])
        else:
            unplanned.append(first)
    missing = [tick for tick in ticks if tick <= until and not covered[tick]]
    return Account(missing, [tick for tick, times in covered.items() if times > 1], unplanned)
