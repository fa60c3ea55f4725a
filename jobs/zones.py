"""Time zones by their IANA names, and the moments when their clocks are put forward or back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

MAX_NAME = 50
# Files beside the IANA names that depend on the machine or mean nothing.
NOT_ZONES = {"Factory", "localtime", "posixrules"}
UTC_NAMES = {
    "UTC", "Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu",
    "GMT", "GMT0", "GMT+0", "GMT-0", "Etc/GMT", "Etc/GMT0", "Etc/GMT+0", "Etc/GMT-0",
    "Greenwich", "Etc/Greenwich",
}  # fmt: skip
ONE_SECOND = timedelta(seconds=1)
# No zone has ever changed its clock twice within this time.
STRIDE = timedelta(hours=12)
MIDWINTER, MIDSUMMER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


class UnknownZone(ValueError):
    """A name that is no IANA time zone; its text is a sentence."""


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Every name that may be chosen."""
    return frozenset(available_timezones() - NOT_ZONES)


def zone(name: str) -> ZoneInfo:
    """The zone of exactly this name; raises `UnknownZone`."""
    if not isinstance(name, str) or not name:
        raise UnknownZone("Give a time zone, such as Europe/Berlin or UTC.")
    if len(name) > MAX_NAME:
        raise UnknownZone(f"A time zone's name has at most {MAX_NAME} characters; this has more.")
    if name in names():
        return _loaded(name)
    meant = next((known for known in names() if known.casefold() == name.casefold()), None)
    raise UnknownZone(
        f"{name!a} is not a time zone. Did you mean {meant}?"
        if meant
        else f"{name!a} is not a time zone; write it like Europe/Berlin or UTC."
    )


@lru_cache(maxsize=1024)
def _loaded(name: str) -> ZoneInfo:
    # ZoneInfo itself keeps no more than eight zones in memory
    return ZoneInfo(name)


def label(name: str) -> str:
    """A short name to read: the city, or UTC."""
    if name in UTC_NAMES:
        return "UTC"
    return name if name.startswith("Etc/") else name.rpartition("/")[2].replace("_", " ")


def whole_hours(zone: ZoneInfo) -> bool:
    """Whether the zone's clock shows the same minutes as UTC, by today's rules."""
    return all(not offset_at(at, zone) % timedelta(hours=1) for at in (MIDWINTER, MIDSUMMER))


@dataclass(frozen=True)
class Shift:
    """One change of a zone's clock: at the instant `at`, its offset goes from `before` to `after`."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def forward(self) -> bool:
        """Forward: wall-clock times go missing. Otherwise they come twice."""
        return self.after > self.before

    @property
    def first_wall(self) -> datetime:
        """The first naive wall-clock time that is missing or comes twice."""
        return self.at.replace(tzinfo=None) + min(self.before, self.after)

    @property
    def end_wall(self) -> datetime:
        """The first naive wall-clock time that is neither any more."""
        return self.at.replace(tzinfo=None) + max(self.before, self.after)


def shift_at(wall: datetime, zone: ZoneInfo) -> Shift | None:
    """The change that makes this naive wall-clock time missing or ambiguous, None for an ordinary time."""
    # PEP 495: for such times, fold 0 and 1 give the offsets before and after the change
    before = wall.replace(tzinfo=zone, fold=0).utcoffset()
    after = wall.replace(tzinfo=zone, fold=1).utcoffset()
    if before == after or before is None or after is None:
        return None
    whole = wall.replace(microsecond=0, tzinfo=UTC, fold=0)
    return _shift_between(whole - max(before, after), whole - min(before, after), zone)


def shifts(zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[Shift]:
    """The clock changes in (after, until], in order."""
    after, until = after.astimezone(UTC), until.astimezone(UTC)
    for year in range(after.year, until.year + 1):
        yield from (shift for shift in _shifts_of(zone, year) if after < shift.at <= until)


@lru_cache(maxsize=4096)
def _shifts_of(zone: ZoneInfo, year: int) -> tuple[Shift, ...]:
    """The clock changes of one year in UTC."""
    found: list[Shift] = []
    low = datetime(year, 1, 1, tzinfo=UTC) - ONE_SECOND
    end = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    while low < end:
        high = min(low + STRIDE, end)
        if offset_at(low, zone) != offset_at(high, zone):
            found.append(_shift_between(low, high, zone))
        low = high
    return tuple(found)


def _shift_between(low: datetime, high: datetime, zone: ZoneInfo) -> Shift:
    """The one change in (low, high], to the second."""
    before, after = offset_at(low, zone), offset_at(high, zone)
    while high - low > ONE_SECOND:
        middle = low + timedelta(seconds=(high - low) // ONE_SECOND // 2)
        if offset_at(middle, zone) == before:
            low = middle
        else:
            high = middle
    return Shift(high, before, after)


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's clock is ahead of UTC."""
    return instant.astimezone(zone).utcoffset() or timedelta()
