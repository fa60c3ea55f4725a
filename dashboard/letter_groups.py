"""The inbox's groups: dead letters of one signature, however many, as one row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Min
from django.db.models.functions import TruncHour
from django.http import QueryDict

from accounts.models import User
from dashboard import paging
from dashboard.charts import Mark
from dashboard.hours import full_hour
from dashboard.letter_filters import UNSIGNED, LetterFilters, Tab
from dashboard.paging import BadCursor, Key, Order
from runs.acknowledgements import Acknowledgement
from runs.failure_signatures import FailureSignature
from runs.models import DeadLetter, DeadLetterQuerySet

SIZE = 25
HOURS = 24
REMEMBERED_SECONDS = 10
# What was first seen so recently is new to whoever is on shift.
NEW = timedelta(hours=12)
# Of what is closed there may be very much: so many of the newest events are grouped.
MOST_CLOSED = 20_000
_STEP, _WIDTH, _BASE, _DEEPEST = 3.5, 2.5, 2.0, 17.0
_NEWEST_FIRST = Order((Key("last", paging.instant, descending=True), Key("signature", descending=True)))


def _hour_x(hour: int) -> float:
    return round(0.5 + _STEP * (HOURS - 1 - hour), 1)


@dataclass(frozen=True)
class Group:
    """Events alike: how many match and of how many jobs, when, and what is known of them."""

    signature: str
    count: int
    first: datetime | None
    last: datetime | None
    jobs: int = 0
    known: FailureSignature | None = None
    acknowledged: Acknowledgement | None = None
    hours: Mapping[int, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        if self.known is None:
            return "Failures without a signature"
        return self.known.title or "It left no message."

    @property
    def bars(self) -> list[Mark]:
        """The last day, the newest hour at the right edge."""
        most = max(self.hours.values(), default=1)
        return [
            Mark("f-bad", _hour_x(hour), _BASE, _WIDTH, round(2 + (_DEEPEST - 2) * count / most, 1))
            for hour, count in sorted(self.hours.items(), reverse=True)
        ]

    @property
    def words(self) -> str:
        """What the bars say."""
        total = sum(self.hours.values())
        return f"Last 24 hours: {total:,} dead letter{'' if total == 1 else 's'}"


@dataclass(frozen=True)
class Groups:
    """A page of groups, and where the pages around it begin; `limit` says how far it looked."""

    rows: list[Group]
    before: str | None = None
    after: str | None = None
    limit: str = ""


def groups(filters: LetterFilters, query: QueryDict) -> Groups:
    """The groups of the events that match, the one with the newest event first."""
    letters, limit = _bounded(filters)
    found, before, after = _page(letters, query)
    return Groups(_told(filters, letters, found), before, after, limit)


def _bounded(filters: LetterFilters) -> tuple[DeadLetterQuerySet, str]:
    letters = filters.matching
    if filters.tab not in (Tab.RESOLVED, Tab.IGNORED):
        return letters, ""
    closed = DeadLetter.objects.filter(status=filters.tab.value).order_by("-created_at")
    last = closed.values_list("created_at", flat=True)[MOST_CLOSED : MOST_CLOSED + 1].first()
    if last is None:
        return letters, ""
    return letters.filter(created_at__gte=last), f"Only the newest {MOST_CLOSED:,} were looked through."


Row = dict[str, Any]


def _page(letters: DeadLetterQuerySet, query: QueryDict) -> tuple[list[Row], str | None, str | None]:
    rows = (
        letters.order_by()
        .values("signature")
        .annotate(count=Count("*"), first=Min("created_at"), last=Max("created_at"))
    )
    after, before = query.get("groups_after"), query.get("groups_before")
    cursor, backwards = after or before, bool(before and not after)
    try:
        place = _NEWEST_FIRST.place(cursor) if cursor else None
    except BadCursor:
        place, backwards = None, False
    if place:
        rows = rows.filter(_NEWEST_FIRST.beyond(place, backwards=backwards))
    terms = [key.term(backwards=backwards) for key in _NEWEST_FIRST.keys]
    found: list[Row] = [dict(row) for row in rows.order_by(*terms)[: SIZE + 1]]
    more, found = len(found) > SIZE, found[:SIZE]
    if backwards:
        found.reverse()
    earlier = bool(place) if not backwards else more
    later = more if not backwards else True
    return found, _cursor(found, 0) if earlier else None, _cursor(found, -1) if later else None


def _cursor(found: Sequence[Row], n: int) -> str | None:
    """The place of a row in the order of the groups."""
    if not found:
        return None
    row: Any = SimpleNamespace(**found[n])
    return _NEWEST_FIRST.cursor(row)


def _told(filters: LetterFilters, letters: DeadLetterQuerySet, found: Sequence[Row]) -> list[Group]:
    """The rows with what is known of each, in a few queries for all of them."""
    signatures = [row["signature"] for row in found if row["signature"]]
    alike = letters.filter(signature__in=signatures).order_by()
    jobs, hours = _figures(filters, alike, signatures)
    known = _known(signatures)
    acknowledged = in_force(signatures, filters.at)
    return [
        Group(
            row["signature"] or UNSIGNED,
            row["count"],
            row["first"],
            row["last"],
            jobs.get(row["signature"], 0),
            known.get(row["signature"]),
            acknowledged.get(row["signature"]),
            hours.get(row["signature"], {}),
        )
        for row in found
    ]


def _figures(
    filters: LetterFilters, alike: DeadLetterQuerySet, signatures: Sequence[str]
) -> tuple[dict[str, int], dict[str, dict[int, int]]]:
    """How many jobs and how many events an hour, of each signature; remembered for some seconds.

    They walk through all events of a group, which in a storm are very many.
    """
    if not signatures:
        return {}, {}
    told = "\n".join([str(filters.user.pk), filters.address(""), *signatures])
    key = f"letters-{sha256(told.encode()).hexdigest()}"
    found: tuple[dict[str, int], dict[str, dict[int, int]]] | None = cache.get(key)
    if found is None:
        found = _jobs(alike), dict(_hours(alike, filters.at))
        cache.set(key, found, REMEMBERED_SECONDS)
    return found


def _jobs(alike: DeadLetterQuerySet) -> dict[str, int]:
    """Of how many jobs the events of each signature are."""
    # Counting distinct values, PostgreSQL would sort them; the pairs it hashes.
    pairs, params = alike.values("signature", "job").distinct().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT signature, COUNT(*) FROM ({pairs}) AS pairs GROUP BY signature",  # noqa: S608 (compiled by the ORM)
            params,
        )
        return dict(cursor.fetchall())


def _hours(alike: DeadLetterQuerySet, at: datetime) -> dict[str, dict[int, int]]:
    """How many events of each signature there are in each hour back from now."""
    now = full_hour(at)
    recent = alike.filter(created_at__gte=now - timedelta(hours=HOURS - 1))
    by_hour = recent.annotate(hour=TruncHour("created_at", tzinfo=UTC))
    counted = by_hour.values_list("signature", "hour").annotate(count=Count("*"))
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for signature, hour, count in counted:
        found[signature][int((now - hour).total_seconds() // 3600)] = count
    return found


def _known(signatures: Sequence[str]) -> dict[str, FailureSignature]:
    rows = FailureSignature.objects.filter(pk__in=signatures).select_related("decided_by")
    return {row.pk: row for row in rows}


def in_force(signatures: Sequence[str], at: datetime) -> dict[str, Acknowledgement]:
    """The acknowledgements that hold for these signatures."""
    rows = Acknowledgement.objects.acknowledged([], signatures, at).select_related("by")
    return {row.signature: row for row in rows}


def pill(known: FailureSignature | None, user: User, at: datetime) -> tuple[str, str]:
    """What a signature is called in a word or two, and its look; others' decisions are operators' to read."""
    if known is None:
        return "", ""
    if known.first_seen_at > at - NEW:
        return "New", "pill-new"
    if not user.is_operator or not (known.resolved or known.ignored):
        return "", ""
    word, times = ("Resolved", known.resolved) if known.resolved else ("Ignored", known.ignored)
    return f"{word} {'once' if times == 1 else f'{times:,} times'}", ""
