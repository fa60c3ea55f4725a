"""What the address of the audit trail asks for; what makes no sense is left out, and said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from accounts.models import User
from audit.models import AuditEvent
from chronos_site.schema import first_id
from dashboard import entries, run_filters, wording
from dashboard.filters import Chip, plain
from jobs.models import Job
from runs.models import Run

WINDOWS = {
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
SYSTEM = "system"
# A text in the note, which no index knows, is looked for among so many of the newest that match.
WINDOW = 20_000
_NAME = re.compile(r"[A-Za-z_]{1,50}")
_LABELS = {"entity": "about", "id": "id", "action": "action", "who": "who", "q": "note says"}


@dataclass(frozen=True)
class AuditFilters:
    """The conditions of the list as pairs of its address; several actions mean any of them."""

    at: datetime
    conditions: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict, at: datetime) -> "AuditFilters":
        asked = list(dict.fromkeys(_asked(query)))
        known = tuple(pair for pair in asked if _means_something(*pair, at))
        return cls(
            at, known, tuple(f"{name} “{value}”" for name, value in asked if (name, value) not in known)
        )

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.conditions if given == name]

    @property
    def given(self) -> dict[str, str]:
        """The first value of each name, for the fields of the form."""
        return dict(reversed(self.conditions))

    def matching(self) -> Q:
        """That an entry meets all the conditions that an index knows."""
        given, told = self.given, Q()
        if "entity" in given:
            told &= Q(entity_type=given["entity"])
        if "id" in given:
            told &= Q(entity_id=given["id"])
        if actions := self.values("action"):
            told &= Q(action__in=actions)
        if who := given.get("who"):
            told &= Q(user_email=None) if who == SYSTEM else Q(user_email=who.lower())
        # Ids sort by time, and an entry's id is made with it.
        if since := moment(given.get("since", ""), self.at):
            told &= Q(pk__gte=first_id(since))
        if until := moment(given.get("until", ""), self.at, ends=True):
            told &= Q(pk__lt=first_id(until))
        return told

    @property
    def note(self) -> str:
        return self.given.get("q", "")

    def address(self) -> str:
        """The query string of the list with these conditions."""
        return "?" + urlencode(self.conditions)

    def without(self, condition: tuple[str, str]) -> "AuditFilters":
        return replace(self, conditions=tuple(other for other in self.conditions if other != condition))

    @property
    def chips(self) -> list[Chip]:
        return [
            Chip(*self._words(*condition), without=self.without(condition).address())
            for condition in self.conditions
            if condition[0] != "q"
        ]

    def _words(self, name: str, value: str) -> tuple[str, str]:
        if name in ("since", "until"):
            if value in WINDOWS:
                return "in the last", WINDOWS[value][0]
            when = moment(value, self.at)
            return name, wording.day_and_time(timezone.localtime(when)) if when else value
        known = {"action": entries.action, "entity": entries.kind}
        return _LABELS[name], known[name](value) if name in known else value


@dataclass(frozen=True)
class Found:
    """The entries that match, and in words how far it was looked; empty where that was all the way."""

    rows: "QuerySet[AuditEvent]"
    limit: str = ""


def found(filters: AuditFilters, user: User) -> Found:
    """The entries that the person may see and that match."""
    rows = AuditEvent.objects.filter(visible(user, filters), filters.matching())
    if not filters.note:
        return Found(rows)
    last = rows.order_by("-pk").values_list("pk", flat=True)[WINDOW : WINDOW + 1].first()
    rows = rows.filter(details__note__icontains=filters.note)
    if last is None:
        return Found(rows)
    return Found(rows.filter(pk__gt=last), f"Only the newest {WINDOW:,} entries were looked through.")


def visible(user: User, filters: AuditFilters) -> Q:
    """Operators see all; others what they did, and what was done to one of their jobs or runs."""
    about = filters.given.get("entity", ""), filters.given.get("id", "")
    if user.is_operator or sees(user, *about):
        return Q()
    return Q(user_email=user.email)


def sees(user: User, entity_type: str, entity_id: str) -> bool:
    """Whether the entity is a job or a run that the person may see."""
    if not entity_id or entity_type not in ("Job", "Run"):
        return False
    things = Job.objects.visible_to(user) if entity_type == "Job" else Run.objects.visible_to(user)
    return bool(things.filter(pk=entity_id).exists())


def moment(value: str, at: datetime, *, ends: bool = False) -> datetime | None:
    """The instant that `7d`, an ISO time with a zone, or a day stands for; of a day its start or its end."""
    if value in WINDOWS:
        return at - WINDOWS[value][1]
    try:
        day = parse_date(value)
    except ValueError:
        return None
    if day is None:
        return run_filters.instant(value, at)
    if not 1971 < day.year < 2200:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=ends), time.min))


def _asked(query: QueryDict) -> Iterator[tuple[str, str]]:
    for value in query.getlist("action")[:20]:
        if value := plain(value):
            yield "action", value
    for name in ("entity", "id", "who", "since", "until", "q"):
        if value := plain(query.get(name, "")):
            yield name, value


def _means_something(name: str, value: str, at: datetime) -> bool:
    if name in ("action", "entity"):
        return bool(_NAME.fullmatch(value))
    return name not in ("since", "until") or moment(value, at) is not None
