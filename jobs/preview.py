"""What a schedule will do, for somebody who is writing it: the reading, the next fires, the clock changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

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
    mark: str = ""


@dataclass(frozen=True)
class Preview:
    """What the form shows under a schedule: either `error`, or the rest."""

    zone: str = "UTC"
    reading: str = ""
    fires: Sequence[Fire] = ()
    changes: Sequence[ClockChange] = ()
    error: str = ""


def preview(plan: Plan, at: datetime) -> Preview:
    """The plan as it looks from `at`; a plan that cannot be kept gives its error."""
    try:
        check(plan)
        changes = clock_changes(plan, at, at + AHEAD)[:MOST_CHANGES]
        marks = {tick: _MARKS.get(change.effect, "") for change in changes for tick in change.ticks}
        zone = ZoneInfo(plan.timezone)
        coming = [
            Fire(tick.astimezone(zone), tick.astimezone(UTC), marks.get(tick, ""))
            for tick in fires(plan, at, COUNT)
        ]
        return Preview(plan.timezone, describe(plan), coming, changes)
    except BadSchedule as bad:
        return Preview(error=bad.message)
