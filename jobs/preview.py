"""What a schedule will do and would have done, for somebody who is writing it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jobs.cron_reading import clock, day
from jobs.models import Job
from jobs.schedules import BadSchedule, ClockChange, Plan, check, clock_changes, count, describe, fires

COUNT = 10
# Clock changes are told a year ahead, so that a schedule written in summer shows both.
AHEAD = timedelta(days=366)
MOST_CHANGES = 2
BACK = (7, 30)
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
    def clock(self) -> str:
        return clock(self.local)

    @property
    def utc_words(self) -> str:
        return self._words(self.utc)

    def _words(self, at: datetime) -> str:
        return f"{day(at, year=at.year != self.year)}, {clock(at)}"


@dataclass(frozen=True)
class Backtest:
    """How often a schedule would have fired in the last days, and the saved one beside it."""

    days: int
    fires: int
    saved: int | None

    @property
    def far_off(self) -> bool:
        """Whether it fires ten times as often as before, or a tenth: perhaps a slip."""
        if self.saved is None:
            return False
        low, high = sorted((self.fires, self.saved))
        return high >= 10 * max(low, 1)


@dataclass(frozen=True)
class Preview:
    """What the form shows under a schedule: either `error`, or the rest; nothing for a schedule not begun."""

    zone: str = "UTC"
    reading: str = ""
    fires: Sequence[Fire] = ()
    changes: Sequence[ClockChange] = ()
    error: str = ""
    past: Sequence[Backtest] = ()
    # Whether the saved schedule says the same.
    unchanged: bool = False
    # How many other jobs fire next in the same minute; empty for none.
    others: str = ""

    @property
    def next(self) -> Fire | None:
        return self.fires[0] if self.fires else None

    @property
    def gap(self) -> int | None:
        """The seconds between the next two fires."""
        first, second = self.fires[:2] if len(self.fires) > 1 else (None, None)
        return int((second.utc - first.utc).total_seconds()) if first and second else None


def preview(plan: Plan, at: datetime, saved: Plan | None = None) -> Preview:
    """The plan as it looks from `at`, and beside the `saved` one; one that cannot be kept gives its error."""
    try:
        check(plan)
        changes = clock_changes(plan, at, at + AHEAD)[:MOST_CHANGES]
        marks = {tick: _MARKS.get(change.effect, "") for change in changes for tick in change.ticks}
        zone = ZoneInfo(plan.timezone)
        coming = [
            Fire(tick.astimezone(zone), tick.astimezone(UTC), marks.get(tick, ""), at.year)
            for tick in fires(plan, at, COUNT)
        ]
        past = backtest(plan, saved, at)
        return Preview(plan.timezone, describe(plan), coming, changes, past=past, unchanged=plan == saved)
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


def backtest(plan: Plan, saved: Plan | None, at: datetime) -> list[Backtest]:
    """The plan and the saved one put to the last 7 and 30 days; nothing for one that fires but once.

    Raises BadSchedule.
    """
    if plan.kind == "ONCE":
        return []
    before = saved if saved and saved.kind != "ONCE" else None
    return [
        Backtest(days, _fires(plan, at, days), _fires(before, at, days) if before else None) for days in BACK
    ]


def _fires(plan: Plan, at: datetime, days: int) -> int:
    since = at - timedelta(days=days)
    # The grid that an edit begins lies ahead: what counts here is how close its lines are.
    grid = plan if plan.starts_at else replace(plan, anchor_at=since)
    return count(grid, since, at)
