"""Which stretch of time a report looks at, by the calendar of a time zone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NAMED = {
    "TODAY": "Today so far",
    "YESTERDAY": "Yesterday",
    "THIS_WEEK": "This week so far",
    "LAST_WEEK": "Last week, Monday to Sunday",
    "THIS_MONTH": "This month so far",
    "LAST_MONTH": "Last month",
}
# What is looked at where nobody says how much.
DAYS = 7
# The most that one report looks at.
MOST_DAYS = 3_660


@dataclass(frozen=True)
class Period:
    """From one instant to before another, both in UTC."""

    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def days(self) -> list[date]:
        """The days that it touches, in its zone."""
        first = self._day(self.since)
        return [first + timedelta(days=n) for n in range(self.length)]

    @property
    def length(self) -> int:
        """How many days it touches."""
        first = self._day(self.since)
        return max((self._day(self.until - timedelta(microseconds=1)) - first).days, 0) + 1

    def windows(self) -> Iterator[tuple[date, datetime, datetime]]:
        """Each day with its part of the period: where clocks change, days have 23 or 25 hours."""
        for day in self.days:
            start, end = midnight(day, self.zone), midnight(day + timedelta(days=1), self.zone)
            yield day, max(start, self.since), min(end, self.until)

    def __str__(self) -> str:
        first, last = self.days[0], self.days[-1]
        return first.isoformat() if first == last else f"{first} to {last}"

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the day, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def back(days: int, at: datetime, zone: ZoneInfo) -> Period:
    """So many whole days before that of the instant, and of this one what has passed."""
    return Period(midnight(_today(at, zone) - timedelta(days=days), zone), at.astimezone(UTC), zone)


def between(first: date, last: date, zone: ZoneInfo) -> Period:
    """From the start of the first day to the end of the last."""
    return Period(midnight(first, zone), midnight(last + timedelta(days=1), zone), zone)


def since(first: date, at: datetime, zone: ZoneInfo) -> Period:
    """From the start of the first day to the instant; nothing when that was before."""
    start = midnight(first, zone)
    return Period(start, max(start, at.astimezone(UTC)), zone)


def named(name: str, at: datetime, zone: ZoneInfo) -> Period:
    """One of the periods with a name, as it stands at the instant."""
    first, end = _NAMED[name](_today(at, zone))
    until = midnight(end, zone) if end else at.astimezone(UTC)
    return Period(midnight(first, zone), until, zone)


def _today(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _last_month(day: date) -> tuple[date, date]:
    end = day.replace(day=1)
    return (end - timedelta(days=1)).replace(day=1), end


_NAMED: dict[str, Callable[[date], tuple[date, date | None]]] = {
    "TODAY": lambda day: (day, None),
    "YESTERDAY": lambda day: (day - timedelta(days=1), day),
    "THIS_WEEK": lambda day: (_monday(day), None),
    "LAST_WEEK": lambda day: (_monday(day) - timedelta(days=7), _monday(day)),
    "THIS_MONTH": lambda day: (day.replace(day=1), None),
    "LAST_MONTH": _last_month,
}
