"""What a bulk operation would do, before anybody has confirmed it."""

import re
from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Case, CharField, Count, QuerySet, Value, When
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from dashboard.conditions import Seeker
from dashboard.filters import JobFilters
from jobs.models import JobQuerySet
from runs.bulk import MOST
from runs.bulk_actions.base import BulkAction, Parameters

SHOWN = 12
SHOWN_REFUSED = 5
MOST_PICKED = 1000
LONGEST_QUERY = 4000
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def typed_ids(data: QueryDict) -> tuple[str, ...]:
    """The ids that a list's form sent; what is none is left out."""
    return tuple(dict.fromkeys(each for each in data.getlist("id")[:MOST_PICKED] if _ULID.fullmatch(each)))


@dataclass(frozen=True)
class Selection:
    """What a person picked of a list by its ids, or all that match the list's conditions."""

    ids: tuple[str, ...] = ()
    query: str = ""
    everything: bool = False

    @classmethod
    def read(cls, data: QueryDict) -> Self:
        """What the list's form sent; ids that are none are left out."""
        query = data.get("matching", "").removeprefix("?")[:LONGEST_QUERY]
        return cls(typed_ids(data), query, data.get("all") == "1")

    def filters(self, user: User) -> Any:
        """The list's conditions, with those that it does not know as `ignored`."""
        raise NotImplementedError

    def conditions(self, user: User) -> tuple[tuple[str, str], ...]:
        """What was asked for; nothing when the targets were picked."""
        return self.told(user) if self.everything else ()

    def told(self, user: User) -> tuple[tuple[str, str], ...]:
        """The list's conditions as the operation keeps them."""
        found: tuple[tuple[str, str], ...] = self.filters(user).conditions
        return found

    def of(self, targets: Any, user: User) -> Any:
        """Those of the targets that are meant."""
        return self.matching(targets, user) if self.everything else targets.filter(pk__in=self.ids)

    def matching(self, targets: Any, user: User) -> Any:
        """Those of the targets that match the list's conditions."""
        raise NotImplementedError


class JobSelection(Selection):
    """Jobs of the job list."""

    def filters(self, user: User) -> JobFilters:
        return JobFilters.read(QueryDict(self.query), ())

    def matching(self, targets: JobQuerySet, user: User) -> JobQuerySet:
        return self.filters(user).apply(targets, Seeker(user, timezone.now()))


@dataclass(frozen=True)
class Line:
    """One target: what it has and what it will have, or why it is refused."""

    target: Any
    refusal: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Preview:
    """How many targets there are, how many of them will be refused and why; and the first few of both."""

    total: int
    refusals: list[tuple[str, int]]
    lines: list[Line]
    refused_lines: list[Line]

    @property
    def refused(self) -> int:
        return sum(count for _, count in self.refusals)

    @property
    def willing(self) -> int:
        return self.total - self.refused

    @property
    def too_many(self) -> bool:
        return self.total > MOST


def preview(action: BulkAction[Any], targets: "QuerySet[Any]", parameters: Parameters, user: User) -> Preview:
    """What would become of the targets, as far as that can be known beforehand."""
    rules = [When(rule.targets, then=Value(rule.sentence)) for rule in action.check(parameters, user)]
    if not rules:
        found = [Line(each, "", *_change(action, each, parameters)) for each in _first(targets, SHOWN)]
        return Preview(targets.order_by().count(), [], found, [])
    told = targets.annotate(refusal=Case(*rules, default=Value(""), output_field=CharField()))
    counts = dict(told.order_by().values_list("refusal").annotate(count=Count("pk")))
    willing, refusals = counts.pop("", 0), sorted(counts.items(), key=lambda each: -each[1])
    lines = _first(told.filter(refusal=""), SHOWN) if willing else []
    refused = _first(told.exclude(refusal=""), SHOWN_REFUSED) if refusals else []
    return Preview(
        willing + sum(counts.values()),
        refusals,
        [Line(each, "", *_change(action, each, parameters)) for each in lines],
        [Line(each, each.refusal) for each in refused],
    )


def _first(targets: "QuerySet[Any]", most: int) -> list[Any]:
    return list(targets.order_by("pk")[:most])


def _change(action: BulkAction[Any], target: Any, parameters: Parameters) -> tuple[str, str]:
    return (action.change(target, parameters) if parameters else None) or ("", "")
