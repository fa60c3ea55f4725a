"""What a cron expression means: two dialects read into one `Cron`, and the wall-clock times it matches.

Five fields are Unix cron as Debian runs it: when the day of the month or the day of the week starts with
`*`, both must match, otherwise either is enough. Six or seven fields are Quartz: seconds first, 1 = Sunday,
and only one of the two day fields is given. Nothing here knows a time zone; see `jobs.cron_clock`.
"""

import copy
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache

from croniter import CroniterBadDateError, croniter

from jobs.cron_fields import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    QUARTZ_WEEKDAY,
    SECOND,
    UNIX_WEEKDAY,
    YEAR,
    BadExpression,
    MonthDays,
    Weekdays,
    fields_of,
    month_days,
    numbers,
    weekdays,
)

__all__ = ["BadExpression", "Cron", "read", "read_quartz", "read_unix"]

MAX_LENGTH = 255
UNRESTRICTED = ("*", "?")
ALIASES = {
    "@HOURLY": "0 * * * *",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@WEEKLY": "0 0 * * 0",
    "@MONTHLY": "0 0 1 * *",
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
}
# The Gregorian calendar offers every combination of date and weekday within 40 years.
YEARS_TO_SEARCH = 50
YEARS_IN_FIELD = 130
ONE_DAY = timedelta(days=1)
ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, eq=False)
class Cron:
    """An expression that was read: what each field allows, whatever the dialect it was written in."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: MonthDays
    months: tuple[int, ...]
    weekdays: Weekdays
    years: tuple[int, ...] | None
    either_day: bool
    # A star in the minute or the hour: fires at every real instant that matches, also across clock changes.
    every_instant: bool

    def next_wall(self, after: datetime) -> datetime | None:
        """The first naive wall-clock time strictly after `after` that matches, None when there is none."""
        day = _matching_day(self, after.date())
        if day == after.date():
            later = self._time_after(after)
            if later is not None:
                return datetime.combine(day, later)
            day = _matching_day(self, day + ONE_DAY) if day < date.max else None
        if day is None:
            return None
        return datetime.combine(day, time(self.hours[0], self.minutes[0], self.seconds[0]))

    def count(self, first: datetime, end: datetime) -> int:
        """How many naive wall-clock times match from `first` on, before `end`."""
        if first >= end:
            return 0
        days = self._count_days(first.date(), end.date())
        a_day = len(self.hours) * len(self.minutes) * len(self.seconds)
        return days * a_day + self._times_before(end) - self._times_before(first)

    @property
    def never_matches(self) -> bool:
        """True for the likes of 30 February."""
        return _matching_day(self, date(1970, 1, 1)) is None

    def days_of(self, year: int, month: int) -> set[int]:
        """The days of one month that match the two day fields."""
        by_number = self.month_days.of(year, month)
        by_weekday = self.weekdays.of(year, month)
        return by_number | by_weekday if self.either_day else by_number & by_weekday

    def _time_after(self, after: datetime) -> time | None:
        if after.hour in self.hours:
            if after.minute in self.minutes:
                place = bisect_right(self.seconds, after.second)
                if place < len(self.seconds):
                    return time(after.hour, after.minute, self.seconds[place])
            place = bisect_right(self.minutes, after.minute)
            if place < len(self.minutes):
                return time(after.hour, self.minutes[place], self.seconds[0])
        place = bisect_right(self.hours, after.hour)
        if place < len(self.hours):
            return time(self.hours[place], self.minutes[0], self.seconds[0])
        return None

    def _times_before(self, wall: datetime) -> int:
        """How many times match on this day before this one."""
        if not self._count_days(wall.date(), wall.date() + ONE_DAY):
            return 0
        minutes = bisect_left(self.hours, wall.hour) * len(self.minutes)
        if wall.hour not in self.hours:
            return minutes * len(self.seconds)
        minutes += bisect_left(self.minutes, wall.minute)
        seconds = bisect_left(self.seconds, wall.second) if wall.minute in self.minutes else 0
        return minutes * len(self.seconds) + seconds

    def _count_days(self, first: date, end: date) -> int:
        """How many days match from `first` on, before `end`."""
        found = 0
        for year in range(first.year, end.year + 1):
            for month in self.months if self.years is None or year in self.years else ():
                days = _matching_days(self, year, month)
                if (year, month) in ((first.year, first.month), (end.year, end.month)):
                    found += sum(first <= date(year, month, day) < end for day in days)
                elif (first.year, first.month) < (year, month) < (end.year, end.month):
                    found += len(days)
        return found

    @cached_property
    def _calendar(self) -> croniter:
        """croniter over the date fields, which it is given as plain lists of Unix numbers."""
        days, months, weekdays = (
            ",".join(map(str, sorted(values)))
            for values in (self.month_days.numbers, self.months, self.weekdays.numbers)
        )
        if self.years is None:
            expression = f"0 0 {days} {months} {weekdays}"
        else:
            expression = f"0 0 0 {days} {months} {weekdays} {','.join(map(str, self.years))}"
        return croniter(
            expression,
            datetime(1970, 1, 1),
            day_or=self.either_day,
            second_at_beginning=True,
            max_years_between_matches=YEARS_TO_SEARCH if self.years is None else YEARS_IN_FIELD,
        )

    def _day_by_croniter(self, first: date) -> date | None:
        # A copy, for croniter keeps its place in the object and threads share this one.
        calendar = copy.copy(self._calendar)
        try:
            found: datetime = calendar.get_next(
                datetime, start_time=datetime.combine(first, time()) - ONE_SECOND
            )
        except CroniterBadDateError:
            return None
        except (ValueError, OverflowError):
            # croniter looked past the year 9999; there may still be a match before it
            return self._day_by_months(first)
        # croniter reads a list of all the years it knows as any year at all
        return None if self.years and found.year not in self.years else found.date()

    def _day_by_months(self, first: date) -> date | None:
        for year, month in self._months_from(first):
            days = self.days_of(year, month)
            if (year, month) == (first.year, first.month):
                days = {day for day in days if day >= first.day}
            if days:
                return date(year, month, min(days))
        return None

    def _months_from(self, first: date) -> Iterator[tuple[int, int]]:
        years: Sequence[int] = range(first.year, min(first.year + YEARS_TO_SEARCH, date.max.year) + 1)
        if self.years is not None:
            years = self.years[bisect_left(self.years, first.year) :]
        for year in years:
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    yield year, month


@lru_cache(maxsize=16384)
def _matching_day(cron: Cron, first: date) -> date | None:
    """The first matching day from `first` on. croniter knows days by number and weekday, with their union;
    days counted from the end of the month or by their weekdays are ours."""
    if cron.month_days.counted or cron.weekdays.counted:
        return cron._day_by_months(first)
    return cron._day_by_croniter(first)


@lru_cache(maxsize=4096)
def _matching_days(cron: Cron, year: int, month: int) -> frozenset[int]:
    return frozenset(cron.days_of(year, month))


def read(expression: str) -> Cron:
    """Read an expression by its number of fields; raises `BadExpression` with a sentence for a person."""
    if not isinstance(expression, str) or not expression.strip():
        raise BadExpression("Give a cron expression, such as 30 2 * * * for every day at 02:30.")
    if len(expression) > MAX_LENGTH:
        raise BadExpression(f"A cron expression has at most {MAX_LENGTH} characters; this has more.")
    return _read(expression)


@lru_cache(maxsize=4096)
def _read(expression: str) -> Cron:
    fields = fields_of(expression)
    if fields[0].startswith("@"):
        fields = _alias(fields)
    if len(fields) == 5:
        return read_unix(fields)
    if len(fields) in (6, 7):
        return read_quartz(fields)
    raise BadExpression(
        "A cron expression has five fields (minute, hour, day of month, month, day of week), or six or seven "
        f"(second first, year last); this has {len(fields)}."
    )


def _alias(fields: list[str]) -> list[str]:
    if len(fields) == 1 and fields[0] in ALIASES:
        return ALIASES[fields[0]].split()
    known = ", ".join(alias.lower() for alias in ALIASES)
    raise BadExpression(f"{fields[0].lower()} is not a time; the short forms are {known}.")


def read_unix(fields: list[str]) -> Cron:
    """Five fields, as in Debian's crontab(5), with `L`, `W` and `#` in the day fields besides."""
    if len(fields) != 5:
        raise BadExpression(f"Unix cron has five fields; this has {len(fields)}.")
    minute, hour, day, month, weekday = fields
    cron = Cron(
        seconds=(0,),
        minutes=numbers(MINUTE, minute),
        hours=numbers(HOUR, hour),
        month_days=month_days(DAY, day),
        months=numbers(MONTH, month),
        weekdays=weekdays(UNIX_WEEKDAY, weekday),
        years=None,
        either_day=not (day.startswith("*") or weekday.startswith("*")),
        every_instant=minute.startswith("*") or hour.startswith("*"),
    )
    if cron.never_matches:
        raise BadExpression("Day of month: none of the months given has such a day, so this never fires.")
    return cron


def read_quartz(fields: list[str]) -> Cron:
    """Six or seven fields, as Quartz's CronExpression has them; `*` may stand where Quartz insists on `?`.

    An expression without any match, such as 30 February, is well formed here: it simply never fires.
    """
    if len(fields) not in (6, 7):
        raise BadExpression(f"Quartz cron has six or seven fields; this has {len(fields)}.")
    second, minute, hour, day, month, weekday, year = (*fields, "*")[:7]
    if day == weekday == "?":
        raise BadExpression("Day of month and day of week cannot both be ?; write * in one of them.")
    if day not in UNRESTRICTED and weekday not in UNRESTRICTED:
        raise BadExpression(
            "With six or seven fields, give the day of month or the day of week and write ? in the other."
        )
    return Cron(
        seconds=numbers(SECOND, second, quartz=True),
        minutes=numbers(MINUTE, minute, quartz=True),
        hours=numbers(HOUR, hour, quartz=True),
        month_days=month_days(DAY, day, quartz=True),
        months=numbers(MONTH, month, quartz=True),
        weekdays=weekdays(QUARTZ_WEEKDAY, weekday, quartz=True),
        years=None if year == "*" else numbers(YEAR, year, quartz=True),
        either_day=False,
        # Quartz people write 0/5 where Unix people write */5
        every_instant=minute.startswith(("*", "/", "0/")) or hour.startswith(("*", "/", "0/")),
    )
