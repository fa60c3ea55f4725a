"""What the address of the inbox asks for; what makes no sense is left out, and said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from dashboard import wording
from dashboard.filters import Chip, plain
from dashboard.run_filters import WINDOWS, instant
from jobs.models import Job, JobTag
from runs.acknowledgements import Acknowledgement
from runs.failure_signatures import FailureSignature
from runs.models import DeadLetter, DeadLetterQuerySet

_ULID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
_SIGNATURE = re.compile("[0-9a-f]{64}|none")
# What the address says of events that nobody's engine made.
UNSIGNED = "none"
# How many acknowledgements a condition looks at: more of them hide nothing that is worth a look.
MOST_ACKNOWLEDGED = 1000


class Tab(TextChoices):
    """Which part of the inbox."""

    PENDING = "PENDING", _("Pending")
    RESOLVED = "RESOLVED", _("Resolved")
    IGNORED = "IGNORED", _("Ignored")
    MINE = "MINE", _("Mine")

    def of(self, user: User) -> Q:
        """Of what they may see the events that stand there: Mine are given to them, or of their own jobs."""
        return reduce(or_, self.parts(user))

    def parts(self, user: User) -> list[Q]:
        """The same in parts that have no event in common, each of which has an index."""
        if self is Tab.MINE:
            pending = Q(status=DeadLetter.Status.PENDING)
            own = Q(job__in=Job.objects.filter(owner=user).values("pk")) if user.is_operator else Q()
            return [pending & Q(assignee=user), pending & Q(assignee=None) & own]
        return [Q(status=self.value)]


# What people type, and how its condition reads.
TEXTS = {
    "q": "text",
    "error": "error class",
    "tag": "tag",
    "owner": "owner",
    "assignee": "looked after by",
}
NAMES = ("show", "job", "since", "until", "acknowledged", *TEXTS)
ACKNOWLEDGED = {"1": "by somebody", "0": "by nobody"}


@dataclass(frozen=True)
class LetterFilters:
    """The conditions of the inbox as pairs of its address; `signature` is the group that is open."""

    user: User
    at: datetime
    conditions: tuple[tuple[str, str], ...] = ()
    signature: str = ""
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict, user: User, at: datetime) -> "LetterFilters":
        asked = list(_asked(query))
        known = tuple(pair for pair in asked if _means_something(*pair, at))
        ignored = tuple(f"{name} “{value}”" for name, value in asked if (name, value) not in known)
        signature = query.get("signature", "")
        return cls(user, at, known, signature if _SIGNATURE.fullmatch(signature) else "", ignored)

    @property
    def given(self) -> dict[str, str]:
        return dict(self.conditions)

    @property
    def tab(self) -> Tab:
        return Tab(self.given.get("show", Tab.PENDING))

    @property
    def narrowed(self) -> bool:
        """Whether anything but the tab is asked for."""
        return any(name != "show" for name, _ in self.conditions)

    @property
    def alike(self) -> DeadLetterQuerySet:
        """The events of the open group that match."""
        return self.matching.filter(signature=None if self.signature == UNSIGNED else self.signature)

    @property
    def meant(self) -> DeadLetterQuerySet:
        """What a decision about all that match is about: the open group, where there is one."""
        return self.alike if self.signature else self.matching

    @cached_property
    def matching(self) -> DeadLetterQuerySet:
        """The events that the person may see and that match."""
        found = DeadLetter.objects.visible_to(self.user).filter(self.tab.of(self.user))
        for name, value in self.conditions:
            if name != "show":
                found = found.filter(self._wanted(name, value))
        return found

    def _wanted(self, name: str, value: str) -> Q:
        if name in ("since", "until"):
            when = instant(value, self.at)
            return Q(created_at__gte=when) if name == "since" else Q(created_at__lt=when)
        if name == "acknowledged":
            return self._acknowledged if value == "1" else ~self._acknowledged
        wanted: dict[str, Any] = {
            "job": lambda: Q(job=value),
            "q": lambda: Q(signature__in=_signatures(title__icontains=value)),
            "error": lambda: Q(signature__in=_signatures(error_class=value)),
            "tag": lambda: Q(job__in=JobTag.objects.filter(name=value).values("job")),
            "owner": lambda: Q(job__owner__in=_people(value, self.user)),
            "assignee": lambda: Q(assignee__in=_people(value, self.user)),
        }
        told: Q = wanted[name]()
        return told

    @cached_property
    def _acknowledged(self) -> Q:
        held = Acknowledgement.objects.in_force(self.at).order_by("-pk")
        told = list(held.values_list("job_id", "signature")[:MOST_ACKNOWLEDGED])
        jobs, signatures = [job for job, _ in told if job], [each for _, each in told if each]
        return Q(job__in=jobs) | Q(signature__in=signatures)

    def address(self, signature: str | None = None) -> str:
        """The query string of the inbox with these conditions, and a group open; None leaves it as it is."""
        opened = self.signature if signature is None else signature
        return "?" + urlencode([*self.conditions, *([("signature", opened)] if opened else [])])

    @property
    def closed(self) -> str:
        """The same without an open group."""
        return self.address("")

    def without(self, condition: tuple[str, str]) -> "LetterFilters":
        kept = tuple(other for other in self.conditions if other != condition)
        return replace(self, conditions=kept, signature="")

    def on(self, tab: Tab) -> str:
        """The same conditions on another tab."""
        kept = tuple(pair for pair in self.conditions if pair[0] != "show")
        told = kept if tab is Tab.PENDING else (("show", tab.value), *kept)
        return replace(self, conditions=told, signature="").address()

    def chips(self, job_name: str = "") -> list[Chip]:
        return [
            Chip(*self._words(*condition, job_name), without=self.without(condition).address())
            for condition in self.conditions
            if condition[0] != "show"
        ]

    def _words(self, name: str, value: str, job_name: str) -> tuple[str, str]:
        if name == "job":
            return name, job_name or value
        if name == "acknowledged":
            return name, ACKNOWLEDGED[value]
        if name in TEXTS:
            return TEXTS[name], value
        if value in WINDOWS:
            return "gave up", f"in the last {WINDOWS[value][0]}"
        when = instant(value, self.at)
        told = wording.day_and_time(timezone.localtime(when)) if when else value
        return {"since": "since", "until": "before"}[name], told


def _signatures(**wanted: str) -> Any:
    return FailureSignature.objects.filter(**wanted).values("signature")


def _people(value: str, user: User) -> Any:
    if value == "me":
        return [user.pk]
    return User.objects.filter(email__icontains=value).values("pk")


def _asked(query: QueryDict) -> Iterator[tuple[str, str]]:
    for name in NAMES:
        if value := plain(query.get(name, "")):
            yield name, value


def _means_something(name: str, value: str, at: datetime) -> bool:
    known = {
        "show": value in Tab.values,
        "job": bool(_ULID.fullmatch(value)),
        "acknowledged": value in ACKNOWLEDGED,
    }
    return name in TEXTS or (known[name] if name in known else instant(value, at) is not None)
