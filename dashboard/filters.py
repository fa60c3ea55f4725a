"""What a list's address asks for, read with patience: what makes no sense is left out, and said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import Q, TextChoices
from django.http import QueryDict

from accounts.models import User
from jobs.models import JobQuerySet, JobSchedule, Priority, Status, Type
from runs import history
from runs.history import Failures

LONGEST_TEXT = 200
# What people may filter by from a list of choices, and those choices.
CHOICES: dict[str, type[TextChoices]] = {"status": Status, "type": Type, "priority": Priority}
# What people may ask for with 1, and how that reads.
FLAGS = {"failing": ("failing", "now"), "broken": ("schedule", "does not fire")}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_START_OF_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{6,26}")


@dataclass(frozen=True)
class Chip:
    """One condition that is on, and the query string of the list without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True)
class JobFilters:
    """The conditions of the job list as pairs of its address; several values of one name mean any of them."""

    conditions: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict, user: User, sorts: tuple[str, ...]) -> "JobFilters":
        """The conditions that the query states; `ignored` tells which of its values mean nothing here."""
        asked = list(_asked(query, user))
        known = tuple(dict.fromkeys(pair for pair in asked if _means_something(*pair)))
        sort = query.get("sort", "")
        ignored = [f"{name} “{value}”" for name, value in asked if not _means_something(name, value)]
        if sort and sort not in sorts:
            ignored.append(f"sort “{plain(sort)}”")
        return cls(known, sort if sort in sorts else "", tuple(ignored))

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.conditions if given == name]

    @property
    def text(self) -> str:
        return next(iter(self.values("q")), "")

    @property
    def owner(self) -> str:
        return next(iter(self.values("owner")), "")

    @property
    def failing(self) -> bool:
        return bool(self.values("failing"))

    @property
    def broken(self) -> bool:
        return bool(self.values("broken"))

    def apply(self, jobs: JobQuerySet, user: User, failures: Failures | None = None) -> JobQuerySet:
        """The jobs that match every condition; with `failures`, failing ones are looked for there alone."""
        for name in CHOICES:
            if wanted := self.values(name):
                jobs = jobs.filter(**{f"{name}__in": wanted})
        if self.text:
            jobs = jobs.filter(_says(self.text))
        if self.owner == "me":
            jobs = jobs.filter(owner=user)
        elif self.owner:
            jobs = jobs.filter(owner__in=User.objects.filter(email__icontains=self.owner))
        if self.failing:
            jobs = history.failing(failures.suspects(jobs) if failures else jobs)
        if self.broken:
            jobs = jobs.filter(pk__in=JobSchedule.objects.broken().values("job_id"))
        return jobs

    def address(self) -> str:
        """The query string of the list with these conditions and this sort order."""
        return "?" + urlencode([*self.conditions, *([("sort", self.sort)] if self.sort else [])])

    def without(self, condition: tuple[str, str]) -> "JobFilters":
        return replace(self, conditions=tuple(other for other in self.conditions if other != condition))

    def chip(self, condition: tuple[str, str]) -> Chip:
        return Chip(*_words(*condition), without=self.without(condition).address())

    @property
    def chips(self) -> list[Chip]:
        """Every condition but the text, which stands in its field."""
        return [self.chip(condition) for condition in self.conditions if condition[0] != "q"]


def plain(text: str) -> str:
    """One line of what was typed: control characters become blanks, and there is an end to it."""
    return _CONTROL.sub(" ", text).strip()[:LONGEST_TEXT]


def _asked(query: QueryDict, user: User) -> Iterator[tuple[str, str]]:
    for name in ("q", "owner") if user.is_operator else ("q",):
        if value := plain(query.get(name, "")):
            yield name, value
    for name in CHOICES:
        for value in query.getlist(name)[:20]:
            if value := plain(value):
                yield name, value
    for name in FLAGS:
        if value := plain(query.get(name, "")):
            yield name, value


def _means_something(name: str, value: str) -> bool:
    if name in CHOICES:
        return value in CHOICES[name].values
    return name not in FLAGS or value == "1"


def _says(text: str) -> Q:
    named = Q(name__icontains=text)
    start = text.upper()
    return named | Q(pk__startswith=start) if _START_OF_ID.fullmatch(start) else named


def _words(name: str, value: str) -> tuple[str, str]:
    if name in CHOICES:
        return name, str(CHOICES[name](value).label)
    return {"q": ("text", value), **FLAGS}.get(name, (name, value))
