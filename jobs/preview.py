"""What a schedule and a retry policy will do, for somebody who is writing them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jobs import retries
from jobs.cron_reading import clock, day, length
from jobs.models import Job
from jobs.schedules import BadSchedule, ClockChange, Plan, check, clock_changes, describe, fires

COUNT = 10
# Clock changes are told a year ahead, so that a schedule written in summer shows both.
AHEAD = timedelta(days=366)
MOST_CHANGES = 2
_MARKS = {"MOVED": "moved by the clock change", "ONCE": "the first time only", "TWICE": "comes twice"}


@dataclass(frozen=True)
class Fire:
    """One coming fire in the job's zone and in UTC; `mark` says what a clock change does to it."""

    local: datetime
    utc: datetime
    mark: str
    # The year of the page, which need not be said.
    year: int

    @property
    def local_words(self) -> str:
        """Sun 29 Mar, 03:00 CEST."""
        return f"{self._words(self.local)} {self.local:%Z}"

    @property
    def utc_words(self) -> str:
        return self._words(self.utc)

    def _words(self, at: datetime) -> str:
        return f"{day(at, year=at.year != self.year)}, {clock(at)}"


@dataclass(frozen=True)
class Preview:
    """What the form shows under a schedule: either `error`, or the rest; nothing for a schedule not begun."""

    zone: str = "UTC"
    reading: str = ""
    fires: Sequence[Fire] = ()
    changes: Sequence[ClockChange] = ()
    error: str = ""

    @property
    def next(self) -> Fire | None:
        return self.fires[0] if self.fires else None


def preview(plan: Plan, at: datetime) -> Preview:
    """The plan as it looks from `at`; a plan that cannot be kept gives its error."""
    try:
        check(plan)
        changes = clock_changes(plan, at, at + AHEAD)[:MOST_CHANGES]
        marks = {tick: _MARKS.get(change.effect, "") for change in changes for tick in change.ticks}
        zone = ZoneInfo(plan.timezone)
        coming = [
            Fire(tick.astimezone(zone), tick.astimezone(UTC), marks.get(tick, ""), at.year)
            for tick in fires(plan, at, COUNT)
        ]
        return Preview(plan.timezone, describe(plan), coming, changes)
    except BadSchedule as bad:
        return Preview(error=bad.message)


def anchored(plan: Plan, job: Job) -> Plan:
    """The plan on the grid of the job it is for: an unchanged one goes on where it stands."""
    stored = job.schedule.plan
    return stored if _said(plan) == _said(stored) else replace(plan, jitter_key=job.pk)


def _said(plan: Plan) -> Plan:
    """What a person says about a plan of its kind, and nothing else."""
    own = {"ONCE": "run_at", "CRON": "cron_expression", "INTERVAL": "interval_seconds"}
    others: dict[str, Any] = {name: None for kind, name in own.items() if kind != plan.kind}
    return replace(plan, anchor_at=None, jitter_key="", **others)


@dataclass(frozen=True)
class Attempt:
    """One attempt in the drawing of a retry policy, `x` from the left.

    `after` says how long after the first failure it comes at the earliest, beside what the attempts take.
    """

    number: int
    x: float
    after: str


WIDTH = 540.0


def attempts(policy: dict[str, Any]) -> list[Attempt]:
    """Where the attempts of a policy stand, evenly from left to right."""
    count = policy["max_attempts"]
    waits = [_least_wait(policy, failures) for failures in range(1, count)]
    return [
        Attempt(n + 1, round(30 + WIDTH / count * n, 1), length(sum(waits[:n])) or "at once")
        for n in range(count)
    ]


def _least_wait(policy: dict[str, Any], failures: int) -> int:
    wait = retries.delay(policy["backoff_strategy"], policy["backoff_seconds"], failures)
    return int((retries.spread(wait, 0) if policy.get("jitter") else wait).total_seconds())
