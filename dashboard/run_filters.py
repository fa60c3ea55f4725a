"""What the address of the list of runs asks for; what makes no sense is left out, and said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Q, TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from dashboard import wording
from dashboard.filters import Chip, plain
from jobs.models import JobTag, Priority, Type
from runs.models import Outcome, Trigger


class State(TextChoices):
    """Where a run that has not ended is."""

    RUNNING = "RUNNING", _("Running")
    DUE = "DUE", _("Waiting for a slot")
    PENDING = "PENDING", _("Not started")
    LATE = "LATE", _("Late or stuck")


class End(TextChoices):
    """How a run ended; a skipped tick is no cancelled run here."""

    SUCCESS = "SUCCESS", _("Succeeded")
    FAILURE = "FAILURE", _("Failed")
    TIMEOUT = "TIMEOUT", _("Timed out")
    CANCELLED = "CANCELLED", _("Cancelled")
    SKIPPED = "SKIPPED", _("Skipped")

    @property
    def runs(self) -> Q:
        if self is End.SKIPPED:
            return Q(outcome=Outcome.CANCELLED, skip_reason__isnull=False)
        if self is End.CANCELLED:
            return Q(outcome=Outcome.CANCELLED, skip_reason=None)
        return Q(outcome=self.value)


class Took(TextChoices):
    """How long a run took at least."""

    SECONDS = "10s", _("10 seconds")
    MINUTE = "1m", _("1 minute")
    MINUTES = "10m", _("10 minutes")
    HOUR = "1h", _("1 hour")

    @property
    def milliseconds(self) -> int:
        return {"10s": 10_000, "1m": 60_000, "10m": 600_000, "1h": 3_600_000}[self.value]


CHOICES: dict[str, type[TextChoices]] = {
    "state": State,
    "outcome": End,
    "trigger": Trigger,
    "type": Type,
    "priority": Priority,
}
# What people type, and how its condition reads.
TEXTS = {
    "q": "error text",
    "error": "error class",
    "worker": "worker",
    "tag": "tag",
    "signature": "signature",
}
# Only failures have these.
OF_FAILURES = ("q", "error", "signature")
WINDOWS = {
    "1h": ("1 hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
}
_ULID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
_SIGNATURE = re.compile("[0-9a-f]{64}")


def instant(value: str, at: datetime) -> datetime | None:
    """The instant that `24h` or an ISO time with a zone stands for; None for neither."""
    if value in WINDOWS:
        return at - WINDOWS[value][1]
    try:
        parsed = parse_datetime(value)
    except ValueError:
        return None
    # Far from now a time may leave the calendar on its way into another zone.
    return parsed if parsed and timezone.is_aware(parsed) and 1971 < parsed.year < 2200 else None


@dataclass(frozen=True)
class RunFilters:
    """The conditions of the list as pairs of its address; several values of one name mean any of them.

    A state and an outcome widen each other: a run has one or the other.
    """

    at: datetime
    conditions: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict, at: datetime) -> "RunFilters":
        asked = list(dict.fromkeys(_asked(query)))
        known = tuple(pair for pair in asked if _means_something(*pair, at))
        return cls(
            at, known, tuple(f"{name} “{value}”" for name, value in asked if (name, value) not in known)
        )

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.conditions if given == name]

    def value(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    @property
    def job(self) -> str:
        return self.value("job")

    @property
    def states(self) -> list[State]:
        return [State(value) for value in self.values("state")]

    @property
    def ends(self) -> list[End]:
        """The outcomes asked for, or those that the other conditions leave; none with a state alone."""
        ends = [End(value) for value in self.values("outcome")]
        if ends or self.states:
            return ends
        if any(self.value(name) for name in OF_FAILURES):
            return [End.FAILURE, End.TIMEOUT]
        return list(End) if self.value("since") or self.value("until") or self.value("took") else []

    @property
    def triggers(self) -> list[str]:
        return self.values("trigger")

    @property
    def within(self) -> Q:
        """That a run ended in the time asked for."""
        since, until = (instant(self.value(name), self.at) for name in ("since", "until"))
        told = Q(end_time__gte=since) if since else Q()
        return told & Q(end_time__lt=until) if until else told

    @property
    def rest(self) -> Q:
        """What no index knows of the runs asked for."""
        told = Q()
        for value, field in self._by_field:
            told &= Q(**{field: value})
        if types := self.values("type"):
            told &= Q(job__type__in=types)
        if priorities := self.values("priority"):
            told &= Q(priority__in=[Priority(value).rank for value in priorities])
        if tag := self.value("tag"):
            told &= Q(job__in=JobTag.objects.filter(name=tag).values("job"))
        if took := self.value("took"):
            told &= Q(duration_ms__gte=Took(took).milliseconds)
        return told & Q(attempt__gt=1) if self.value("retried") else told

    @property
    def _by_field(self) -> list[tuple[str, str]]:
        fields = {
            "q": "error_message__icontains",
            "error": "error_class",
            "signature": "signature",
            "worker": "worker_id__startswith",
        }
        return [(value, field) for name, field in fields.items() if (value := self.value(name))]

    def address(self) -> str:
        """The query string of the list with these conditions."""
        return "?" + urlencode(self.conditions)

    def without(self, condition: tuple[str, str]) -> "RunFilters":
        return replace(self, conditions=tuple(other for other in self.conditions if other != condition))

    def chips(self, job_name: str) -> list[Chip]:
        return [
            Chip(*self._words(*condition, job_name), without=self.without(condition).address())
            for condition in self.conditions
        ]

    def _words(self, name: str, value: str, job_name: str) -> tuple[str, str]:
        if name in CHOICES:
            return name, str(CHOICES[name](value).label)
        if name == "job":
            return name, job_name
        if name in TEXTS:
            return TEXTS[name], f"{value[:12]}…" if name == "signature" else value
        if name == "took":
            return "took", f"at least {Took(value).label}"
        if name == "retried":
            return "attempt", "second or later"
        words = {"since": "ended since", "until": "ended before"}[name]
        if value in WINDOWS:
            return "ended", f"in the last {WINDOWS[value][0]}"
        when = instant(value, self.at)
        return words, wording.day_and_time(timezone.localtime(when)) if when else value


def _asked(query: QueryDict) -> Iterator[tuple[str, str]]:
    for name in CHOICES:
        for value in query.getlist(name)[:20]:
            if value := plain(value):
                yield name, value
    for name in ("job", "since", "until", "took", "retried", *TEXTS):
        if value := plain(query.get(name, "")):
            yield name, value


def _means_something(name: str, value: str, at: datetime) -> bool:
    if name in CHOICES:
        return value in CHOICES[name].values
    if name in TEXTS:
        return name != "signature" or bool(_SIGNATURE.fullmatch(value))
    known = {"job": bool(_ULID.fullmatch(value)), "took": value in Took.values, "retried": value == "1"}
    return known[name] if name in known else instant(value, at) is not None
