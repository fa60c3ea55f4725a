"""Cron on a real clock: when an expression fires in a zone, and what clock changes do to its fires.

A fixed time that does not exist fires once, at the first instant after the gap; a fixed time that comes
twice fires the first time only; an expression with a star in the minute or the hour fires at every real
instant that matches. That is how Debian's cron(8) treats them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from jobs.cron import Cron
from jobs.cron_reading import clock, day, listed
from jobs.zones import Shift, offset_at, shift_at, shifts

ONE_SECOND = timedelta(seconds=1)
EVERY_HOUR = 24
MAX_TICKS = 1000
MAX_NAMED = 3


@dataclass(frozen=True)
class ClockChange:
    """A clock change that touches a cron plan's fires: which ones, and what happens in a sentence.

    `effect` is MOVED (missing times fire once, after the gap), SKIPPED (missing times do not fire), ONCE
    (times that come twice fire the first time only) or TWICE. `ticks` are the fires to mark (1,000 at most).
    """

    at: datetime
    effect: str
    ticks: tuple[datetime, ...]
    sentence: str


@lru_cache(maxsize=16384)
def next_match(cron: Cron, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first UTC instant strictly after `after` at which the expression fires; may raise `OverflowError`.

    Cached, for jobs that share a tick often share their expression too.
    """
    local = after.astimezone(zone)
    shift = shift_at(local.replace(tzinfo=None), zone)
    find = _next_real_instant if cron.every_instant else _next_fixed_time
    return find(cron, zone, after, local, shift)


def count_matches(cron: Cron, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    """How many times the expression fires in (after, until]: as many as `next_match` would walk."""
    low = after.replace(microsecond=0) + ONE_SECOND
    end = until.replace(microsecond=0) + ONE_SECOND
    number, began_by = 0, _second_pass(low, zone)
    for shift in [*shifts(zone, low - ONE_SECOND, end - ONE_SECOND), None]:
        high = shift.at if shift else end
        number += _count_between(cron, low, high, offset_at(low, zone), began_by)
        low, began_by = high, shift
    return number


def _second_pass(instant: datetime, zone: ZoneInfo) -> Shift | None:
    """The change after which the clock shows this instant's time again."""
    local = instant.astimezone(zone)
    return shift_at(local.replace(tzinfo=None), zone) if local.fold else None


def _count_between(
    cron: Cron, low: datetime, high: datetime, offset: timedelta, began_by: Shift | None
) -> int:
    """How many fires there are from `low` on, before `high`, while the clock keeps this offset."""
    first, end = low.replace(tzinfo=None) + offset, high.replace(tzinfo=None) + offset
    if began_by is None or cron.every_instant:
        return cron.count(first, end)
    if not began_by.forward:
        return cron.count(began_by.end_wall, end)
    missing = cron.count(began_by.first_wall, began_by.end_wall)
    joined = cron.count(first, first + ONE_SECOND)
    return cron.count(first, end) + bool(missing and not joined)


def _next_fixed_time(
    cron: Cron, zone: ZoneInfo, after: datetime, local: datetime, shift: Shift | None
) -> datetime | None:
    """Each matching wall-clock time fires once: at its first pass, or after the gap that swallowed it."""
    wall = local.replace(tzinfo=None, fold=0)
    if shift and local.fold:
        # in the second pass: what is left of it has fired already
        wall = shift.end_wall - ONE_SECOND
    found = cron.next_wall(wall)
    return None if found is None else _first_pass(found, zone)


def _next_real_instant(
    cron: Cron, zone: ZoneInfo, after: datetime, local: datetime, shift: Shift | None
) -> datetime | None:
    """Every instant whose wall-clock time matches fires: none in a gap, both where a time comes twice."""
    found = cron.next_wall(local.replace(tzinfo=None, fold=0))
    if shift and not local.fold and (found is None or found >= shift.end_wall):
        # nothing more in the first pass; the second one begins anew
        found = cron.next_wall(shift.first_wall - ONE_SECOND)
    while found is not None:
        shift = shift_at(found, zone)
        if shift is None or not shift.forward:
            instant = _first_pass(found, zone)
            return instant if shift is None or instant > after else _utc(found, shift.after)
        found = cron.next_wall(shift.end_wall - ONE_SECOND)
    return None


def _first_pass(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows this time, or the first one after the gap it lies in."""
    shift = shift_at(wall, zone)
    if shift is None:
        return wall.replace(tzinfo=zone).astimezone(UTC)
    return shift.at if shift.forward else _utc(wall, shift.before)


def _utc(wall: datetime, offset: timedelta) -> datetime:
    return wall.replace(tzinfo=UTC) - offset


def effect_of(shift: Shift, cron: Cron, zone: ZoneInfo) -> ClockChange | None:
    """What one clock change does to the fires of an expression, None when it does nothing worth a warning."""
    if cron.every_instant and len(cron.hours) == EVERY_HOUR:
        return None
    walls = list(islice(_walls(cron, shift), MAX_TICKS))
    if not walls:
        return None
    times = _times(walls, shift)
    if shift.forward and cron.every_instant:
        return _skipped(shift, cron, zone, times, plural=len(walls) > 1)
    if shift.forward:
        return _moved(shift, cron, zone, times, plural=len(walls) > 1)
    twice = f"On {day(walls[0])}, {times} {'come' if len(walls) > 1 else 'comes'} twice"
    firsts = tuple(_utc(wall, shift.before) for wall in walls)
    if cron.every_instant:
        seconds = tuple(_utc(wall, shift.after) for wall in walls)
        return ClockChange(shift.at, "TWICE", firsts + seconds, f"{twice}: fires both times.")
    return ClockChange(shift.at, "ONCE", firsts, f"{twice}: fires the first time only.")


def _walls(cron: Cron, shift: Shift) -> Iterator[datetime]:
    """The matching wall-clock times that are missing or come twice."""
    wall = cron.next_wall(shift.first_wall - ONE_SECOND)
    while wall is not None and wall < shift.end_wall:
        yield wall
        wall = cron.next_wall(wall)


def _moved(shift: Shift, cron: Cron, zone: ZoneInfo, times: str, *, plural: bool) -> ClockChange:
    joined = cron.next_wall(shift.end_wall - ONE_SECOND) == shift.end_wall
    sentence = (
        f"{_missing(shift, times, plural)}: fires once at {_instant(shift.at, zone, shift.first_wall)}"
        f"{', together with the fire planned for that time' if joined else ''}."
    )
    return ClockChange(shift.at, "MOVED", (shift.at,), sentence)


def _skipped(shift: Shift, cron: Cron, zone: ZoneInfo, times: str, *, plural: bool) -> ClockChange:
    following = next_match(cron, zone, shift.at - ONE_SECOND)
    when = "" if following is None else f", next at {_instant(following, zone, shift.first_wall)}"
    sentence = f"{_missing(shift, times, plural)}: does not fire then{when}."
    return ClockChange(shift.at, "SKIPPED", (), sentence)


def _missing(shift: Shift, times: str, plural: bool) -> str:
    return f"On {day(shift.first_wall)}, {times} {'do' if plural else 'does'} not exist"


def _times(walls: list[datetime], shift: Shift) -> str:
    if len(walls) <= MAX_NAMED:
        return listed([clock(wall) for wall in walls])
    return f"the times from {clock(walls[0])} up to {clock(shift.end_wall)}"


def _instant(instant: datetime, zone: ZoneInfo, told: datetime) -> str:
    """An instant on both clocks, with the date wherever it differs from the one before it in the sentence."""
    local, utc = instant.astimezone(zone), instant.astimezone(UTC)
    name = local.tzname() or ""
    name = f"UTC{name}" if name.startswith(("+", "-")) else name
    return f"{clock(local)} {name}{_other_day(local, told)} ({clock(utc)} UTC{_other_day(utc, local)})"


def _other_day(moment: datetime, told: datetime) -> str:
    return "" if moment.date() == told.date() else f" on {day(moment, year=False)}"
