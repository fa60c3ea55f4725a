"""Cron expressions in plain words, read from what they allow and not from how they are written.

Where no short form fits, the sentence names every field: it may get long, it is never wrong.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from jobs.cron import Cron
from jobs.cron_fields import LAST, MONTH_NAMES, WEEKDAY_NAMES, MonthDays, Weekdays

MONTHS = tuple(name.capitalize() for name in MONTH_NAMES)
# Monday first, as people count their week.
WEEK = tuple(name.capitalize() for name in (*WEEKDAY_NAMES[1:], WEEKDAY_NAMES[0]))
OF_THE_MONTH = " of the month"
WORKDAY = "weekday (Monday to Friday)"
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
FEW_TIMES = 3
MANY_TIMES = 6
FEWEST_TO_ABBREVIATE = 5


def reading(cron: Cron, place: str, *, whole_hours: bool = True) -> str:
    """What the expression means on the clock of `place`, such as "Mondays at 05:00, Berlin".

    The place is left out where it makes no difference, provided that its clock is `whole_hours` off UTC.
    """
    when = _dates(cron)
    times = _times_of_day(cron)
    repetition = None if len(times) in range(1, FEW_TIMES + 1) else _repetition(cron)
    if repetition:
        words = f"{repetition}, {when}" if when else repetition
        same_everywhere = not when and len(cron.hours) == 24 and (whole_hours or ":" not in repetition)
        return words if same_everywhere else f"{words}, {place}"
    if not times:
        return f"{_every_field(cron)}, {when or 'every day'}, {place}"
    if not when or when.startswith("every day"):
        return f"At {listed(times)} {when or 'every day'}, {place}"
    return f"{when[0].upper()}{when[1:]} at {listed(times)}, {place}"


def moment(at: datetime) -> str:
    """A date and time, such as 28 Mar 2026 03:00."""
    return f"{_date(at)} {at.year} {clock(at)}"


def day(at: datetime, *, year: bool = True) -> str:
    """A date with its weekday, such as Sun 29 Mar 2026."""
    return f"{WEEK[at.weekday()][:3]} {_date(at)}" + (f" {at.year}" if year else "")


def clock(at: datetime) -> str:
    """A time of day, with its seconds only where there are any."""
    return _clock(at.hour, at.minute, at.second)


def length(seconds: int) -> str:
    """A length of time, such as 1 h 30 min. A day is 24 h, as it need not be a day of the calendar."""
    words = []
    for size, unit in UNITS:
        count, rest = divmod(seconds, size)
        if count and not (unit == "d" and seconds < 2 * size):
            words.append(f"{count} {unit}")
            seconds = rest
    return " ".join(words)


def listed(words: Sequence[str]) -> str:
    """Words as people list them: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _times_of_day(cron: Cron) -> list[str]:
    """The times, if they are few enough to name."""
    if len(cron.seconds) > 1 or len(cron.minutes) * len(cron.hours) > MANY_TIMES:
        return []
    return [_clock(hour, minute, cron.seconds[0]) for hour in cron.hours for minute in cron.minutes]


def _repetition(cron: Cron) -> str | None:
    """The likes of "Every 5 min" and "Hourly at :05", if the times repeat evenly."""
    if cron.seconds != (0,):
        step = _even_step(cron.seconds, 60)
        always = len(cron.minutes) == 60 and len(cron.hours) == 24
        return f"Every {step} s" if step and always and cron.seconds[0] == 0 else None
    step = _even_step(cron.minutes, 60)
    if len(cron.hours) == 24:
        return _within_the_hour(cron.minutes, step)
    first = _clock(cron.hours[0], cron.minutes[0])
    last = _clock(cron.hours[-1], cron.minutes[-1])
    together = cron.hours[-1] - cron.hours[0] == len(cron.hours) - 1
    if step and together and len(cron.minutes) > 1:
        return f"Every {step} min, {first} to {last}"
    if len(cron.minutes) > 1:
        return None
    if together:
        return f"Hourly, {first} to {last}"
    hours = _even_step(cron.hours, 24)
    if not hours:
        return None
    return f"Every {hours} h" if first == "00:00" else f"Every {hours} h from {first}"


def _within_the_hour(minutes: tuple[int, ...], step: int | None) -> str | None:
    if len(minutes) > 1 and step:
        return f"Every {step} min" if minutes[0] == 0 else f"Every {step} min from :{minutes[0]:02}"
    if len(minutes) > MANY_TIMES:
        return None
    return f"Hourly at {listed([f':{minute:02}' for minute in minutes])}"


def _even_step(values: tuple[int, ...], size: int) -> int | None:
    """The step, if these values go round the clock evenly."""
    step = size // len(values)
    return step if values == tuple(range(values[0], size, step)) and size % len(values) == 0 else None


def _every_field(cron: Cron) -> str:
    seconds = "" if cron.seconds == (0,) else f"{_numbered('second', cron.seconds, 60)} of "
    return f"At {seconds}{_numbered('minute', cron.minutes, 60)} of {_numbered('hour', cron.hours, 24)}"


def _numbered(unit: str, values: tuple[int, ...], size: int) -> str:
    if len(values) == size:
        return f"every {unit}"
    return f"{unit}{'s' if len(values) > 1 else ''} {_spans(values, str)}"


def _dates(cron: Cron) -> str:
    """The days, months and years, with the empty string for every day there is."""
    days = _days(cron)
    if len(cron.months) == 1 and days == _ordinal(min(cron.month_days.numbers, default=0)) + OF_THE_MONTH:
        days = f"{min(cron.month_days.numbers)} {MONTHS[cron.months[0] - 1]}"
    elif len(cron.months) < 12:
        months = _spans(cron.months, lambda month: MONTHS[month - 1])
        # either day: a comma, lest the month be read with the weekday alone
        days = f"{days or 'every day'}{', only' if days and cron.either_day else ''} in {months}"
    if cron.years is not None:
        days = f"{days or 'every day'} in {_spans(cron.years, str)}"
    return days


def _days(cron: Cron) -> str:
    every_date, every_weekday = len(cron.month_days.numbers) == 31, len(cron.weekdays.numbers) == 7
    if (every_date and every_weekday) or (cron.either_day and (every_date or every_weekday)):
        return ""
    if every_date:
        return _weekdays(cron.weekdays)
    if every_weekday:
        return _month_days(cron.month_days)
    if cron.either_day:
        return f"{_month_days(cron.month_days)} and also {_weekdays(cron.weekdays)}"
    return f"{_weekdays(cron.weekdays)} falling on the {_month_days(cron.month_days)}"


def _month_days(days: MonthDays) -> str:
    words = [_spans(tuple(sorted(days.numbers)), _ordinal)] if days.numbers else []
    words += [f"{WORKDAY} nearest the {_ordinal(day)}" for day in sorted(days.workdays)]
    for offset in sorted(days.before_end, reverse=True):
        words.append(f"{_before(offset)}last day")
    for offset in sorted(days.workdays_before_end, reverse=True):
        words.append(f"{WORKDAY} nearest {_before(offset)}last day" if offset else f"last {WORKDAY}")
    return listed(words) + OF_THE_MONTH


def _before(offset: int) -> str:
    return f"{offset} {'day' if offset == 1 else 'days'} before the " if offset else ""


def _weekdays(days: Weekdays) -> str:
    # 0 = Sunday there, Monday first here
    numbers = tuple(sorted((number - 1) % 7 for number in days.numbers))
    words = []
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        words.append(f"{WEEK[numbers[0]]} to {WEEK[numbers[-1]]}")
    else:
        words += [f"{WEEK[number]}s" for number in numbers]
    for weekday, which in sorted(days.nth, key=lambda day: (day[1] % 6, (day[0] - 1) % 7)):
        words.append(f"{'last' if which == LAST else _ordinal(which)} {WEEK[weekday - 1]}{OF_THE_MONTH}")
    return listed(words)


def _spans(values: tuple[int, ...], word: Callable[[int], str]) -> str:
    """Numbers in words: 1 to 5 and 9; evenly spaced ones as 0, 7, 14 … 56."""
    steps = {after - before for before, after in pairwise(values)}
    if len(values) >= FEWEST_TO_ABBREVIATE and len(steps) == 1 and steps != {1}:
        return f"{', '.join(map(word, values[:3]))} … {word(values[-1])}"
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words: list[str] = []
    for run in runs:
        words += [f"{word(run[0])} to {word(run[-1])}"] if len(run) > 2 else map(word, run)
    return listed(words)


def _ordinal(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _date(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month - 1][:3]}"


def _clock(hour: int, minute: int, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")
