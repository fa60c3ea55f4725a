"""What ran in each hour of a stretch that is over: by the totals of hours, or by one person's own runs."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncHour

from accounts.models import User
from dashboard.hours import DAY, FRESH_SECONDS, HOUR, REMEMBERED_SECONDS, SETTLED_AFTER
from runs.history import BROKEN
from runs.models import Outcome, Run, RunStats

# Days of runs that a page counts, or fewer once they took so long; the next refresh goes on.
MOST_DAYS, BUDGET_SECONDS = 3, 0.05

Row = tuple[datetime, str, int, int | None]


class RanHour(NamedTuple):
    """The runs that ended between two instants, and for how long they kept slots busy."""

    start: datetime
    end: datetime
    runs: int = 0
    succeeded: int = 0
    broken: int = 0
    took_ms: int = 0

    @property
    def busy(self) -> float:
        """The slots that were busy on average, counted where the runs ended."""
        return self.took_ms / 1000 / (self.end - self.start).total_seconds()

    @property
    def asked(self) -> str:
        """What an address of the list of runs asks to show those that ended in it."""
        return urlencode({"since": self.start.isoformat(), "until": self.end.isoformat()})

    @property
    def cancelled(self) -> int:
        return self.runs - self.succeeded - self.broken

    def plus(self, outcome: str, runs: int, took_ms: int) -> Self:
        return self._replace(
            runs=self.runs + runs,
            succeeded=self.succeeded + runs * (outcome == Outcome.SUCCESS),
            broken=self.broken + runs * (outcome in BROKEN),
            took_ms=self.took_ms + took_ms,
        )


def together(hours: Iterable[RanHour]) -> RanHour:
    """Hours that follow each other as one stretch; there is one at least."""
    first, *others = hours
    for each in others:
        first = RanHour(first.start, each.end, *(a + b for a, b in zip(first[2:], each[2:], strict=True)))
    return first


@dataclass(frozen=True)
class RanHours:
    """The hours (UTC) of the stretch by their starts, those without runs too; `own` are a person's only."""

    hours: dict[datetime, RanHour] = field(default_factory=dict)
    own: bool = False
    complete: bool = True

    @classmethod
    def read(cls, user: User, since: datetime, until: datetime, at: datetime) -> "RanHours":
        """From hour to hour, in one query for those who see everyone's and a few for others."""
        if until <= since:
            return cls()
        if user.is_operator:
            return cls(_hours(since, until, _of_all(since, until)))
        days = dict(_days_of_one(user, since, until, at))
        rows = [row for found in days.values() for row in found]
        known = [hour for hour in _starts(since, until) if _day(hour) in days]
        hours = _hours(since, until, rows)
        return cls({hour: hours[hour] for hour in known}, own=True, complete=len(known) == len(hours))


def _starts(since: datetime, until: datetime) -> Iterator[datetime]:
    return (since + HOUR * n for n in range((until - since) // HOUR))


def _day(hour: datetime) -> datetime:
    return hour.replace(hour=0)


def _hours(since: datetime, until: datetime, rows: Iterable[Row]) -> dict[datetime, RanHour]:
    hours = {start: RanHour(start, start + HOUR) for start in _starts(since, until)}
    for start, outcome, runs, took_ms in rows:
        if start in hours:
            hours[start] = hours[start].plus(outcome, runs, took_ms or 0)
    return hours


def _of_all(since: datetime, until: datetime) -> Iterator[Row]:
    """Everyone's: they know also of runs that were purged."""
    ended = RunStats.objects.filter(hour__gte=since, hour__lt=until, outcome__in=Outcome.values)
    totals = ended.order_by().values_list("hour", "outcome").annotate(Sum("count"), Sum("took_ms"))
    return ((hour.astimezone(UTC), outcome, runs, took) for hour, outcome, runs, took in totals)


def _days_of_one(
    user: User, since: datetime, until: datetime, at: datetime
) -> Iterator[tuple[datetime, list[Row]]]:
    """The days (UTC) that are counted already, and a few more."""
    first = _day(since)
    days = [first + DAY * n for n in range((until - first + DAY - timedelta(microseconds=1)) // DAY)]
    names = {day: f"ran-hours:{user.pk}:{day:%Y-%m-%d}" for day in days}
    counted = cache.get_many(names.values())
    yield from ((day, counted[name]) for day, name in names.items() if name in counted)
    missing = [day for day, name in names.items() if name not in counted]
    began = time.monotonic()
    for day in missing[:MOST_DAYS]:
        rows = list(_of_one(user, day).iterator())
        closed = day + DAY + SETTLED_AFTER <= at
        cache.set(names[day], rows, REMEMBERED_SECONDS if closed else FRESH_SECONDS)
        yield day, rows
        if time.monotonic() > began + BUDGET_SECONDS:
            break


def _of_one(user: User, day: datetime) -> "QuerySet[Run, Row]":
    ended = Run.objects.visible_to(user).filter(
        outcome__in=Outcome.values, skip_reason=None, end_time__gte=day, end_time__lt=day + DAY
    )
    hours = ended.annotate(hour=TruncHour("end_time", tzinfo=UTC)).order_by()
    return hours.values_list("hour", "outcome").annotate(runs=Count("*"), took_ms=Sum("duration_ms"))
