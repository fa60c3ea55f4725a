"""Outcomes over a window: by the hour over a day, by the day (UTC) over weeks.

Hours that have ended do not change, so they are counted once. Weeks are never counted: their totals are kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, QuerySet, Sum, Value, When

from accounts.models import User
from chronos_site.statements import compiled
from runs import days
from runs.days import JobDay
from runs.models import Outcome, Run, RunStats

HOUR = timedelta(hours=1)
HOURS = 24
# A day is added up some time after it has ended: until then its hours tell.
EARLIER = 2
DAY = timedelta(days=1)
# Days by the word in the address; a day itself is shown by its hours.
WINDOWS = {"24h": 0, "7d": 7, "30d": 30}
# Jobs that are deleted take their runs with them: after this long, what is over is counted again.
REMEMBERED_SECONDS = 3600
# What is not over yet is as old as this, at most, where more than hours is counted.
FRESH_SECONDS = 60
# Runs that end within an hour are all written this long after it.
SETTLED_AFTER = timedelta(minutes=1)

Counts = dict[str, int]


@dataclass(frozen=True)
class Hour:
    """The runs that ended in the hour, or day, from `start` on, by outcome; skipped ticks are no runs."""

    start: datetime
    counts: Counts
    length: timedelta = HOUR

    @property
    def end(self) -> datetime:
        return self.start + self.length

    @property
    def is_day(self) -> bool:
        return self.length == DAY

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Day:
    """The last hours, or days, the current one at the end; `earlier` are some hours before them."""

    hours: Sequence[Hour] = field(default_factory=list)
    earlier: Sequence[Hour] = ()

    @property
    def start(self) -> datetime:
        return self.hours[0].start

    @property
    def end(self) -> datetime:
        return self.hours[-1].end

    @property
    def total(self) -> int:
        return sum(hour.total for hour in self.hours)

    @property
    def succeeded(self) -> int:
        return sum(hour.counts["SUCCESS"] for hour in self.hours)

    @property
    def share(self) -> str:
        """The share that succeeded of what was not cancelled: 98.6%; 100% only when every run did."""
        ended = self.total - sum(hour.counts["CANCELLED"] for hour in self.hours)
        if not ended:
            return "–"
        permille = self.succeeded * 1000 // ended
        return f"{permille // 10}.{permille % 10}%" if permille < 1000 else "100%"


def full_hour(instant: datetime) -> datetime:
    """The hour in UTC that the instant lies in."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day(user: User, at: datetime) -> Day:
    """The last 24 hours up to the instant, in at most one query."""
    current = full_hour(at)
    starts = [current - HOUR * n for n in reversed(range(EARLIER + HOURS))]
    key = f"hours:{len(starts)}:{'all' if user.is_operator else user.pk}"
    known: dict[datetime, Counts] = cache.get(key, {})
    missing = [start for start in starts if start not in known]
    counted = known | _count(user, missing)
    closed = {start: counted[start] for start in starts if start + HOUR + SETTLED_AFTER <= at}
    if closed.keys() - known.keys():
        cache.set(key, closed, REMEMBERED_SECONDS)
    hours = [Hour(start, counted[start]) for start in starts]
    return Day(hours[EARLIER:], hours[:EARLIER])


def _count(user: User, starts: Sequence[datetime]) -> dict[datetime, Counts]:
    """The outcomes of the hours that begin at `starts`, oldest first."""
    found: dict[datetime, Counts] = {start: dict.fromkeys(Outcome.values, 0) for start in starts}
    for row in _outcomes(user, *starts):
        found[starts[row["place"]]][str(row["outcome"])] = row["runs"]
    return found


@compiled
def _outcomes(user: User, *starts: datetime) -> "QuerySet[Run, Any]":
    place = Case(
        *(When(end_time__gte=start, then=Value(n)) for n, start in reversed(list(enumerate(starts))))
    )
    ended = Run.objects.visible_to(user).filter(end_time__gte=starts[0]).order_by()
    # Skipped ticks are CANCELLED too: only there must the rows be looked at, else the index tells all.
    parts = [
        ended.filter(outcome__in=[Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT]),
        ended.filter(outcome=Outcome.CANCELLED, skip_reason=None),
    ]
    counts = [
        part.annotate(place=place).values("outcome", "place").annotate(runs=Count("*")) for part in parts
    ]
    return counts[0].union(counts[1], all=True)


def weeks(user: User, number: int, at: datetime, last: Day) -> Day:
    """The last so many days (UTC) up to the instant, from totals: they know also of runs that were purged.

    `last` are the hours up to the same instant.
    """
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - DAY * n for n in reversed(range(number))]
    key = f"weeks:{'all' if user.is_operator else user.pk}:{number}"
    counted: dict[datetime, Counts] | None = cache.get(key)
    if counted is None or starts[-1] not in counted:
        counted = _of_all(starts) if user.is_operator else _of_one(user, starts, last)
        cache.set(key, counted, FRESH_SECONDS)
    return Day([Hour(start, counted[start], DAY) for start in starts])


def _of_all(starts: Sequence[datetime]) -> dict[datetime, Counts]:
    """Everyone's, from the totals of hours."""
    found: dict[datetime, Counts] = {start: dict.fromkeys(Outcome.values, 0) for start in starts}
    ended = RunStats.objects.filter(
        hour__gte=starts[0], hour__lt=starts[-1] + DAY, outcome__in=Outcome.values
    )
    for hour, outcome, count in ended.order_by().values_list("hour", "outcome").annotate(Sum("count")):
        found[hour.astimezone(UTC).replace(hour=0)][outcome] += count
    return found


_OUTCOMES = {"SUCCESS": "succeeded", "FAILURE": "failed", "TIMEOUT": "timed_out", "CANCELLED": "cancelled"}


def _of_one(user: User, starts: Sequence[datetime], last: Day) -> dict[datetime, Counts]:
    """One person's, from the totals of their jobs' days, and from the runs of days that are not added up."""
    none: Counts = dict.fromkeys(Outcome.values, 0)
    totals = JobDay.objects.filter(job__owner=user, day__gte=starts[0].date()).order_by().values("day")
    sums = {outcome: Sum(name) for outcome, name in _OUTCOMES.items()}
    rows: list[Any] = list(totals.annotate(**sums, rolled_up_to=days.ROLLED_UP_TO))
    by_day = {row["day"]: {outcome: row[outcome] for outcome in _OUTCOMES} for row in rows}
    found = {start: by_day.get(start.date(), none) for start in starts}
    open_ = [start for start in starts if not rows or start.date() > rows[0]["rolled_up_to"]]
    hours = [*last.earlier, *last.hours]
    if not open_ or open_[0] < hours[0].start:
        return found | _count(user, open_) if open_ else found
    return found | {
        start: _sum(hour.counts for hour in hours if start <= hour.start < start + DAY) for start in open_
    }


def _sum(parts: Iterable[Counts]) -> Counts:
    total: Counts = dict.fromkeys(Outcome.values, 0)
    for part in parts:
        for outcome, count in part.items():
            total[outcome] += count
    return total
