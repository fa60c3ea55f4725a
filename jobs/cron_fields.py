"""The fields of a cron expression: their ranges and names, and the terms that may stand in each dialect."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

MONTH_NAMES = (
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE",
    "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER",
)  # fmt: skip
WEEKDAY_NAMES = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
LAST = -1
SATURDAY = 6

FOREIGN = re.compile(r"[^A-Za-z0-9*?,/#@() \t-]", re.ASCII)
TERM = re.compile(r"(\*|[A-Z]+|[0-9]+)?(?:-([A-Z]+|[0-9]+))?(?:/([0-9]+))?")
SPREAD = re.compile(r"([HR])(?:\(.*|/.*)?")
FROM_END = re.compile(r"L(?:-([0-9]+))?(W)?")
NEAREST_WORKDAY = re.compile(r"([0-9]+)W")
COUNTED_WEEKDAY = re.compile(r"([A-Z]+?|[0-9]+)(?:#([0-9]*)|L)")


class BadExpression(ValueError):
    """A cron expression that cannot be read; its text is a sentence that names the field."""


@dataclass(frozen=True)
class Field:
    name: str
    low: int
    high: int
    names: Mapping[str, int]


SECOND = Field("Second", 0, 59, {})
MINUTE = Field("Minute", 0, 59, {})
HOUR = Field("Hour", 0, 23, {})
DAY = Field("Day of month", 1, 31, {})
MONTH = Field("Month", 1, 12, {name: number for number, name in enumerate(MONTH_NAMES, 1)})
UNIX_WEEKDAY = Field("Day of week", 0, 7, {name: number for number, name in enumerate(WEEKDAY_NAMES)})
QUARTZ_WEEKDAY = Field("Day of week", 1, 7, {name: number for number, name in enumerate(WEEKDAY_NAMES, 1)})
YEAR = Field("Year", 1970, 2099, {})


@dataclass(frozen=True)
class MonthDays:
    """Days of the month: by number, n days before the last, and the workdays (Mon to Fri) nearest to such."""

    numbers: frozenset[int] = frozenset()
    before_end: frozenset[int] = frozenset()
    workdays: frozenset[int] = frozenset()
    workdays_before_end: frozenset[int] = frozenset()

    @property
    def counted(self) -> bool:
        """Whether the days depend on the month's end or on its weekdays."""
        return bool(self.before_end or self.workdays or self.workdays_before_end)

    def of(self, year: int, month: int) -> set[int]:
        last = calendar.monthrange(year, month)[1]
        days = set(self.numbers) | {last - offset for offset in self.before_end}
        days |= {nearest_workday(year, month, day) for day in self.workdays}
        days |= {
            nearest_workday(year, month, last - offset)
            for offset in self.workdays_before_end
            if offset < last
        }
        return {day for day in days if 1 <= day <= last}


@dataclass(frozen=True)
class Weekdays:
    """Days of the week, 0 = Sunday: every one, or the n-th or `LAST` one of the month as (weekday, n)."""

    numbers: frozenset[int] = frozenset()
    nth: frozenset[tuple[int, int]] = frozenset()

    @property
    def counted(self) -> bool:
        return bool(self.nth)

    def of(self, year: int, month: int) -> set[int]:
        starts_on, last = calendar.monthrange(year, month)
        days: set[int] = set()
        for weekday in range(7):
            first = (weekday - 1 - starts_on) % 7 + 1
            of_weekday = range(first, last + 1, 7)
            if weekday in self.numbers:
                days.update(of_weekday)
            days.update(
                of_weekday[n if n == LAST else n - 1]
                for which, n in self.nth
                if which == weekday and n <= len(of_weekday)
            )
        return days


def nearest_workday(year: int, month: int, day: int) -> int:
    """The day of this month, Monday to Friday, that is nearest; one outside the month is none.

    As Quartz does it: never into another month, save that a day one past the end counts as the first of the
    next month (31W in April fires on Friday 30 when 1 May is a Saturday).
    """
    last = calendar.monthrange(year, month)[1]
    # ordinals, for the day may lie beyond the end of the month, even of the calendar
    weekday = (date(year, month, 1).weekday() + day - 1) % 7
    if weekday == calendar.SATURDAY:
        return day + 2 if day == 1 else day - 1
    if weekday == calendar.SUNDAY:
        return day - 2 if day == last else day + 1
    return day


def fields_of(expression: str) -> list[str]:
    """The fields in capitals; refuses what can stand in no field, such as a line break or a foreign digit."""
    foreign = FOREIGN.search(expression)
    if foreign:
        raise BadExpression(f"{foreign[0]!a} does not belong in a cron expression.")
    return expression.upper().split()


def numbers(field: Field, text: str, *, quartz: bool = False) -> tuple[int, ...]:
    """The sorted numbers that a field of plain terms (`*`, 5, 1-5, */5, 1,3) allows."""
    allowed: set[int] = set()
    for term in text.split(","):
        allowed |= _range(field, term, quartz)
    return tuple(sorted(allowed))


def month_days(field: Field, text: str, *, quartz: bool = False) -> MonthDays:
    """A day-of-month field: plain terms, L, L-3, LW, L-3W and 15W."""
    if quartz and text == "?":
        text = "*"
    plain: set[int] = set()
    counted: dict[str, set[int]] = {"before_end": set(), "workdays": set(), "workdays_before_end": set()}
    for term in text.split(","):
        if match := FROM_END.fullmatch(term):
            offset = int(match[1] or 0)
            if offset > field.high - 1:
                raise BadExpression(f"{field.name}: {term} reaches past the start of every month.")
            counted["workdays_before_end" if match[2] else "before_end"].add(offset)
        elif match := NEAREST_WORKDAY.fullmatch(term):
            counted["workdays"].add(_number(field, match[1], quartz))
        else:
            plain |= _range(field, term, quartz)
    days = MonthDays(frozenset(plain), **{kind: frozenset(values) for kind, values in counted.items()})
    _refuse_list(field, text, quartz and days.counted)
    return days


def weekdays(field: Field, text: str, *, quartz: bool = False) -> Weekdays:
    """A day-of-week field: plain terms, 5#2 (second), 5L (last) and, in Quartz, L (Saturday)."""
    if quartz and text == "?":
        text = "*"
    sunday = 1 if quartz else 0
    plain: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for term in text.split(","):
        if term == "L":
            if not quartz:
                raise BadExpression(f"{field.name}: L needs a day before it, as in 5L for the last Friday.")
            plain.add(SATURDAY)
        elif match := COUNTED_WEEKDAY.fullmatch(term):
            weekday = (_number(field, match[1], quartz) - sunday) % 7
            nth.add((weekday, LAST if match[2] is None else _which(field, term, match[2])))
        else:
            plain |= {(number - sunday) % 7 for number in _range(field, term, quartz)}
    days = Weekdays(frozenset(plain), frozenset(nth))
    _refuse_list(field, text, quartz and (days.counted or "L" in text.split(",")))
    return days


def _refuse_list(field: Field, text: str, stands_alone: bool) -> None:
    if stands_alone and "," in text:
        raise BadExpression(
            f"{field.name}: with six or seven fields, L, W and # stand alone, not in a list ({text})."
        )


def _which(field: Field, term: str, text: str) -> int:
    which = int(text or 0)
    if not 1 <= which <= 5:
        raise BadExpression(f"{field.name}: {term} needs a number from 1 to 5 after the #.")
    return which


def _range(field: Field, term: str, quartz: bool) -> set[int]:
    """The numbers of one term between commas."""
    match = TERM.fullmatch(term)
    if not match or not term or (match[1] == "*" and match[2]) or (match[1] is None and not quartz):
        raise _unreadable(field, term, quartz)
    first, end, step_text = match.groups()
    if first is None and end is not None:
        raise _unreadable(field, term, quartz)
    step = _step(field, term, step_text, quartz)
    low = field.low if first in (None, "*") else _number(field, first, quartz)
    if end is not None:
        high = _number(field, end, quartz)
    elif first in (None, "*") or step_text:
        high = field.high
    else:
        high = low
    if low <= high:
        return set(range(low, high + 1, step))
    if not quartz or field is YEAR:
        raise BadExpression(f"{field.name}: the range {term} runs backwards.")
    size = field.high - field.low + 1
    return {n if n <= field.high else n - size for n in range(low, high + size + 1, step)}


def _step(field: Field, term: str, text: str | None, quartz: bool) -> int:
    step = 1 if text is None else int(text)
    if step == 0:
        raise BadExpression(f"{field.name}: the step in {term} must be at least 1.")
    if quartz and step > field.high:
        raise BadExpression(f"{field.name}: the step in {term} is larger than {field.high}.")
    return step


def _number(field: Field, text: str, quartz: bool) -> int:
    """A number, or a name of three letters; Quartz reads no more of a longer one (JANU is January)."""
    if text.isdigit():
        number = int(text)
        if not field.low <= number <= field.high:
            raise BadExpression(f"{field.name}: {number} is not between {field.low} and {field.high}.")
        return number
    for name, number in field.names.items():
        if text == name[:3] or (quartz and len(text) > 3 and name.startswith(text)):
            return number
    raise _unreadable(field, text, quartz)


def _unreadable(field: Field, term: str, quartz: bool) -> BadExpression:
    if not term:
        return BadExpression(f"{field.name}: a value is missing beside a comma.")
    if spread := SPREAD.fullmatch(term):
        kind = "a random value" if spread[1] == "R" else "a value spread by the scheduler"
        return BadExpression(f"{field.name}: {spread[1]} ({kind}) is not supported; give a number.")
    if "?" in term and quartz:
        return BadExpression(f"{field.name}: ? may only stand alone in the day of month or the day of week.")
    if "?" in term:
        return BadExpression(f"{field.name}: ? belongs to expressions of six or seven fields; write * here.")
    return BadExpression(f"{field.name}: {term} cannot be read; {_examples(field)}.")


def _examples(field: Field) -> str:
    if field.names:
        low, *_, high = (name[:3] for name in field.names)
        return f"write numbers from {field.low} to {field.high} or names from {low} to {high}"
    return (
        f"write a number from {field.low} to {field.high}, a list, a range such as 2-5 or a step such as */5"
    )
