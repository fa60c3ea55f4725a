"""What the job list's address asks for, read with patience: what makes no sense is left out, and said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import User
from dashboard.conditions import CONDITIONS, Seeker
from jobs.models import JobQuerySet

LONGEST_TEXT = 200
MOST_VALUES = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Chip:
    """One condition that is on, and the query string of the list without it."""

    label: str
    value: str
    without: str

    def __str__(self) -> str:
        return f"{self.label}: {self.value}" if self.label else self.value


@dataclass(frozen=True)
class JobFilters:
    """The conditions of the job list as pairs of its address; several values of one name mean any of them."""

    conditions: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    ignored: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict, sorts: tuple[str, ...]) -> "JobFilters":
        """The conditions that the query states; `ignored` tells which of its values mean nothing here."""
        asked = list(dict.fromkeys(_asked(query)))
        known = tuple(pair for pair in asked if CONDITIONS[pair[0]].means(pair[1]))
        sort = query.get("sort", "")
        ignored = [f"{name} “{value}”" for name, value in asked if (name, value) not in known]
        if sort and sort not in sorts:
            ignored.append(f"sort “{plain(sort)}”")
        return cls(known, sort if sort in sorts else "", tuple(ignored))

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.conditions if given == name]

    @property
    def given(self) -> dict[str, str]:
        """The first value of each name, for the fields of the form."""
        return dict(reversed(self.conditions))

    @property
    def text(self) -> str:
        return self.given.get("q", "")

    def apply(self, jobs: JobQuerySet, seeker: Seeker) -> JobQuerySet:
        """The jobs that match every condition."""
        for name in dict(self.conditions):
            jobs = CONDITIONS[name].find(jobs, self.values(name), seeker)
        return jobs

    def matching(self, user: User, at: datetime) -> JobQuerySet:
        """The jobs that the person may see and that match every condition."""
        seeker = Seeker(user, at)
        return self.apply(seeker.visible, seeker)

    def address(self) -> str:
        """The query string of the list with these conditions and this sort order."""
        return "?" + urlencode([*self.conditions, *([("sort", self.sort)] if self.sort else [])])

    def without(self, condition: tuple[str, str]) -> "JobFilters":
        return replace(self, conditions=tuple(other for other in self.conditions if other != condition))

    def chip(self, condition: tuple[str, str]) -> Chip:
        kind = CONDITIONS[condition[0]]
        return Chip(kind.label, kind.words(condition[1]), without=self.without(condition).address())

    @property
    def chips(self) -> list[Chip]:
        """Every condition but the text, which stands in its field."""
        return [self.chip(condition) for condition in self.conditions if condition[0] != "q"]


def plain(text: str) -> str:
    """One line of what was typed: control characters become blanks, and there is an end to it."""
    return _CONTROL.sub(" ", text).strip()[:LONGEST_TEXT]


def _asked(query: QueryDict) -> Iterator[tuple[str, str]]:
    for name, condition in CONDITIONS.items():
        given = query.getlist(name)[:MOST_VALUES] if condition.many else [query.get(name, "")]
        if name == "fires":
            given = [_between(query) or given[0]]
        for value in filter(None, map(plain, given)):
            yield name, value


def _between(query: QueryDict) -> str:
    """What the form's two times say together."""
    first, last = (plain(query.get(name, "")) for name in ("fires_from", "fires_to"))
    return f"{first}-{last}" if first or last else ""
