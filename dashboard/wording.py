"""The words for states, instants and lengths of time, the same on every page."""

import datetime as clock
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from runs.models import Outcome, Run, Skip


@dataclass(frozen=True)
class State:
    """How a state is shown: `name` picks icon and class, `tint` the colour of a lone icon."""

    name: str
    english: str
    tint: str

    @property
    def word(self) -> str:
        return gettext(self.english)


_SUCCEEDED = State("succeeded", _("Succeeded"), "ok")
_FAILED = State("failed", _("Failed"), "bad")

STATES = {
    "PENDING": State("pending", _("Pending"), "idle"),
    "SCHEDULED": State("scheduled", _("Scheduled"), "idle"),
    "RUNNING": State("running", _("Running"), "now"),
    "SUCCEEDED": _SUCCEEDED,
    "SUCCESS": _SUCCEEDED,
    "FAILED": _FAILED,
    "FAILURE": _FAILED,
    "TIMEOUT": State("timeout", _("Timed out"), "bad"),
    "CANCELLED": State("cancelled", _("Cancelled"), "idle"),
    "PAUSED": State("paused", _("Paused"), "hold"),
    "SKIPPED": State("skipped", _("Skipped"), "idle"),
    "LATE": State("late", _("Late"), "warn"),
    "STUCK": State("stuck", _("Stuck"), "warn"),
}


def iso(instant: datetime) -> str:
    """The instant as HTML's `datetime` wants it, in UTC."""
    return f"{instant.astimezone(UTC).isoformat('T', 'seconds')[:19]}Z"


def date(local: clock.date) -> str:
    return f"{local.day} {local:%b %Y}"


def date_and_time(local: datetime) -> str:
    return f"{date(local)} {local:%H:%M}"


def day_and_time(local: datetime) -> str:
    return f"{local.day} {local:%b %H:%M}"


def is_utc(local: datetime) -> bool:
    return local.tzname() == "UTC"


def in_full(local: datetime) -> str:
    """Sat 28 Mar 2026 02:52:40 CET."""
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S %Z}"


def in_utc(local: datetime) -> str:
    """01:52:40 UTC, with the day when it is another one there."""
    instant = local.astimezone(UTC)
    if instant.date() == local.date():
        return f"{instant:%H:%M:%S} UTC"
    return f"{instant.day} {instant:%b %H:%M:%S} UTC"


def in_both_zones(local: datetime) -> str:
    """Sat 28 Mar 2026 02:52:40 CET · 01:52:40 UTC; once, where the viewer's zone is UTC."""
    if is_utc(local):
        return in_full(local)
    return f"{in_full(local)} · {in_utc(local)}"


def span(seconds: int) -> str:
    """41 s, 5 min 00 s, 1 h 12 min, 2 d 04 h; "now" for nothing. `js/ui.js` says the same."""
    if seconds <= 0:
        return "now"
    minutes, rest = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if hours >= 48:
        return f"{days} d {hour:02} h"
    if hours:
        return f"{hours} h {minute:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds} s"


def rough_span(seconds: int) -> str:
    """2 s, 20 min, 6 h, 3 d: one unit, rounded down."""
    if seconds >= 172_800:
        return f"{seconds // 86_400} d"
    if seconds >= 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"


def ago(seconds: int) -> str:
    """20 min ago; `js/ui.js` says the same."""
    return f"{rough_span(seconds)} ago" if seconds >= 1 else "just now"


def duration(milliseconds: float) -> str:
    """412 ms, 1.8 s, 41 s, 5 min 00 s, 1 h 12 min."""
    whole = round(milliseconds)
    if whole < 1000:
        return f"{whole} ms"
    if whole < 9950:
        return f"{whole / 1000:.1f} s"
    return span(round(whole / 1000))


def ending(run: Run) -> str:
    """What became of the run: succeeded in 1.8 s, skipped, failed after 41 s, running, waiting."""
    if run.state == "SUCCESS":
        return f"succeeded in {duration(run.duration_ms or 0)}"
    if run.skip_reason:
        return f"skipped, {Skip(run.skip_reason).label.lower()}"
    if run.outcome:
        after = f" after {duration(run.duration_ms)}" if run.duration_ms else ""
        return f"{Outcome(run.outcome).label.lower()}{after}"
    return "running" if run.start_time else "waiting"


def first_line(text: str, most: int = 300) -> str:
    """The first line that says something, cut at `most` characters."""
    line = next((line for line in map(str.strip, text[: 10 * most].splitlines()) if line), "")
    return line if len(line) <= most else f"{line[: most - 1]}…"
