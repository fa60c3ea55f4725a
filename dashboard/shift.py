"""Since when a shift lasts, as the address of the handover says it."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dashboard import wording
from dashboard.filters import plain

DEFAULT = "12h"
LONGEST = timedelta(days=7)
_HOURS = re.compile(r"(\d{1,3})h")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Shift:
    """From `since` to `at`; `refused` is what the address said where that made no sense."""

    since: datetime
    at: datetime
    asked: str
    refused: str = ""

    @classmethod
    def read(cls, asked: str, at: datetime) -> "Shift":
        """What `8h`, `18:00` (the last one, by the viewer's clock) or a local date and time stands for.

        A shift is at most seven days long.
        """
        text = plain(asked)
        since = _since(text, at) if text else None
        if since is None or not at - LONGEST <= since < at:
            hours = at - timedelta(hours=int(DEFAULT.removesuffix("h")))
            return cls(hours, at, DEFAULT, refused=text)
        return cls(since, at, text)

    @property
    def words(self) -> str:
        """18:00, or 25 Nov 18:00 where that is another day."""
        local, now = timezone.localtime(self.since), timezone.localtime(self.at)
        return f"{local:%H:%M}" if local.date() == now.date() else wording.day_and_time(local)

    @property
    def typed(self) -> str:
        """Its start as a browser's field for date and time wants it."""
        return f"{timezone.localtime(self.since):%Y-%m-%dT%H:%M}"


def _since(text: str, at: datetime) -> datetime | None:
    if hours := _HOURS.fullmatch(text):
        return at - timedelta(hours=int(hours[1]))
    if clock := _CLOCK.fullmatch(text):
        return _last(time(int(clock[1]), int(clock[2])), at)
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return timezone.make_aware(moment) if moment and timezone.is_naive(moment) else moment


def _last(clock: time, at: datetime) -> datetime:
    """The last time that the viewer's clock showed this."""
    local = timezone.localtime(at)
    today = timezone.make_aware(datetime.combine(local.date(), clock))
    yesterday = timezone.make_aware(datetime.combine(local.date() - timedelta(days=1), clock))
    return today if today < at else yesterday
