"""Stretches of time that lists are asked for: an hour from now, tonight, from one instant to another."""

import re
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dashboard import wording

AHEAD = {
    "1h": ("1 hour", timedelta(hours=1)),
    "6h": ("6 hours", timedelta(hours=6)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
}
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_BETWEEN = re.compile(f"{_CLOCK}-{_CLOCK}")


def window(value: str, at: datetime) -> tuple[datetime, datetime]:
    """Begin and end of `6h`, `22:00-06:00` or two instants with a slash between.

    Times of day are the viewer's, and mean the stretch that is under way or comes next.

    Raises ValueError for anything else.
    """
    if value in AHEAD:
        return at, at + AHEAD[value][1]
    if _BETWEEN.fullmatch(value):
        first, last = map(time.fromisoformat, value.split("-"))
        return _next(first, last, timezone.localtime(at))
    since, slash, until = value.partition("/")
    begin, end = _instant(since), _instant(until)
    if not slash or not begin < end:
        raise ValueError(value)
    return begin, end


def makes_sense(value: str) -> bool:
    """Whether `window` understands it."""
    try:
        window(value, timezone.now())
    except ValueError:
        return False
    return True


def words(value: str) -> str:
    """Within 6 hours; between 22:00 and 06:00; 28 Mar 22:00 to 29 Mar 06:00."""
    if value in AHEAD:
        return f"within {AHEAD[value][0]}"
    if _BETWEEN.fullmatch(value):
        return f"between {value.replace('-', ' and ')}"
    return " to ".join(wording.day_and_time(timezone.localtime(_instant(end))) for end in value.split("/"))


def clock_times(value: str) -> tuple[str, str]:
    """The two times of day of `22:00-06:00`; of anything else, none."""
    first, _, last = value.partition("-") if _BETWEEN.fullmatch(value) else ("", "", "")
    return first, last


def _next(first: time, last: time, local: datetime) -> tuple[datetime, datetime]:
    days = [local.date() + timedelta(days=n) for n in (-1, 0, 1)]
    over_night = timedelta(days=last <= first)
    stretches = [
        (datetime.combine(day, first, local.tzinfo), datetime.combine(day + over_night, last, local.tzinfo))
        for day in days
    ]
    return next(stretch for stretch in stretches if stretch[1] > local)


def _instant(text: str) -> datetime:
    found = parse_datetime(text)
    # Far from now an instant may leave the calendar on its way into another zone.
    if found is None or timezone.is_naive(found) or not 1971 < found.year < 2200:
        raise ValueError(text)
    return found
