"""What a retry policy will do, drawn on an axis of time for somebody who is writing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from jobs import retries
from jobs.cron_reading import length

LEFT, RIGHT, RADIUS = 30.0, 500.0, 8
# Room for the words over a wait; what is left of the axis is shared out by the length of the waits.
LEAST_GAP = 44.0
# With more, only every other one has words under it.
MOST_TOLD = 6


@dataclass(frozen=True)
class Attempt:
    """One attempt in the drawing of a retry policy, `x` from the left.

    `after` says how long after the first failure it comes at the earliest, beside what the attempts take.
    """

    number: int
    x: float
    after: str
    told: bool = True


@dataclass(frozen=True)
class Wait:
    """The wait between two attempts, drawn from `x1` to `x2`."""

    x1: float
    x2: float
    words: str

    @property
    def middle(self) -> float:
        return round((self.x1 + self.x2) / 2, 1)


@dataclass(frozen=True)
class Retries:
    """A retry policy on an axis of time; all lengths in seconds.

    `limit` is the longest that one attempt may take, `gap` the time between the next two fires, if any.
    """

    attempts: Sequence[Attempt]
    waits: Sequence[Wait]
    waited: int
    limit: int | None = None
    gap: int | None = None

    @property
    def longest(self) -> int:
        """From the fire to the end of the last attempt, if each takes as long as it may."""
        return self.waited + len(self.attempts) * (self.limit or 0)

    @property
    def gives_up(self) -> str:
        """How long after the first failure it gives up, if the attempts after it take no time."""
        return length(self.waited)

    @property
    def at_the_latest(self) -> str:
        return length(self.longest)

    @property
    def next_fire(self) -> str:
        return length(self.gap or 0)

    @property
    def per_attempt(self) -> str:
        return length(self.limit or 0)

    @property
    def verdict(self) -> str:
        """It gives up WELL_BEFORE the next fire, BEFORE it, MAYBE or surely BEYOND it; empty for none."""
        if self.gap is None:
            return ""
        if self.waited >= self.gap:
            return "BEYOND"
        if self.longest >= self.gap:
            return "MAYBE"
        return "WELL_BEFORE" if 2 * self.longest <= self.gap else "BEFORE"


def retries_of(policy: dict[str, Any], *, limit: int | None = None, gap: int | None = None) -> Retries:
    """The attempts and waits of a policy: a longer wait is a longer line, a short one long enough to see."""
    waits = [_least_wait(policy, failures) for failures in range(1, policy["max_attempts"])]
    places = _places(waits)
    attempts = [
        Attempt(n + 1, x, _after(waits[:n]), told=len(places) <= MOST_TOLD or n % 2 == 0)
        for n, x in enumerate(places)
    ]
    drawn = [
        Wait(x1 + RADIUS, x2 - RADIUS, length(wait) or "none")
        for (x1, x2), wait in zip(pairwise(places), waits, strict=True)
    ]
    return Retries(attempts, drawn, sum(waits), limit, gap)


def _after(waits: Sequence[int]) -> str:
    return f"+{length(sum(waits))}" if sum(waits) else "at once"


def _places(waits: Sequence[int]) -> list[float]:
    spare = RIGHT - LEFT - LEAST_GAP * len(waits)
    places = [LEFT]
    for wait in waits:
        share = wait / sum(waits) if sum(waits) else 1 / len(waits)
        places.append(places[-1] + LEAST_GAP + spare * share)
    return [round(place, 1) for place in places]


def _least_wait(policy: dict[str, Any], failures: int) -> int:
    wait = retries.delay(policy["backoff_strategy"], policy["backoff_seconds"], failures)
    return int((retries.spread(wait, 0) if policy.get("jitter") else wait).total_seconds())
