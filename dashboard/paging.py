"""Paging by key: a page starts after a row, not at a number, so that rows that come and go move nothing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from chronos_site.branches import together
from chronos_site.statements import compiled

Row = TypeVar("Row", bound=Model)

SIZE = 25
_LONGEST = 2000


class BadCursor(ValueError):
    """The address names no place in this list."""


def text(value: Any) -> str:
    """A key's value that is text a database can compare."""
    if not isinstance(value, str) or "\x00" in value:
        raise BadCursor
    value.encode()
    return value


def whole(value: Any) -> int:
    """A key's value that is a small whole number."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**31:
        raise BadCursor
    return value


def instant(value: Any) -> datetime | None:
    """A key's value that is an instant, or nothing."""
    if value is None:
        return None
    parsed = parse_datetime(text(value))
    if parsed is None or not is_aware(parsed):
        raise BadCursor
    try:
        return parsed.astimezone(UTC)
    except OverflowError as error:
        raise BadCursor from error


@dataclass(frozen=True)
class Key:
    """One field of a sort order; `read` makes its value from what a cursor holds.

    Rows without a value come last, where the field may be NULL (`nullable`).
    """

    name: str
    read: Callable[[Any], Any] = text
    descending: bool = False
    nullable: bool = False

    def value(self, row: Model) -> Any:
        found: Any = row
        for part in self.name.split("__"):
            found = getattr(found, part)
        return found.isoformat() if isinstance(found, datetime) else found

    def term(self, *, backwards: bool) -> OrderBy:
        falling = self.descending is not backwards
        if not self.nullable:
            return OrderBy(F(self.name), descending=falling)
        return OrderBy(
            F(self.name),
            descending=falling,
            nulls_first=True if backwards else None,
            nulls_last=None if backwards else True,
        )

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def past(self, value: Any, *, backwards: bool) -> Q:
        """The rows whose value lies past this one."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if backwards else Q(pk__in=())
        past = Q(**{f"{self.name}__{self._side(backwards)}": value})
        return past | self.same(None) if self.nullable and not backwards else past

    def from_here(self, value: Any, *, backwards: bool) -> Q:
        """The rows at this value or past it, in the words that a database can enter its index with."""
        if self.nullable:
            return Q()
        return Q(**{f"{self.name}__{self._side(backwards)}e": value})

    def _side(self, backwards: bool) -> str:
        return "lt" if self.descending is not backwards else "gt"


@dataclass(frozen=True, eq=False)
class Order:
    """A sort order in which no two rows tie: its last key is the row's id.

    `where` holds for every row, and tells a database what it cannot know. `parts` are all the rows, in this
    order: where no index has it, a database sorts the first of them sooner than all.
    """

    keys: tuple[Key, ...]
    annotations: dict[str, Any] = field(default_factory=dict)
    where: Q = field(default_factory=Q)
    parts: tuple[Q, ...] = ()

    def sorted(self, rows: "QuerySet[Row]", *, backwards: bool = False) -> "QuerySet[Row]":
        terms = [key.term(backwards=backwards) for key in self.keys]
        ordered: QuerySet[Row] = self.placed(rows.filter(self.where)).order_by(*terms)
        return ordered

    def placed(self, rows: "QuerySet[Row]") -> "QuerySet[Row]":
        """The rows with what their places in this order are made of."""
        placed: QuerySet[Row] = rows.annotate(**self.annotations)
        return placed

    def ids(self, rows: "QuerySet[Row]", most: int, *, backwards: bool = False) -> list[Any]:
        """The ids of so many of the rows, which are sorted so."""
        if not self.parts:
            return list(rows.values_list("pk", flat=True)[:most])
        parts = self.parts[::-1] if backwards else self.parts
        return [row.pk for row in together([rows.filter(part).values("id")[:most] for part in parts], most)]

    def beyond(self, values: Sequence[Any], *, backwards: bool = False) -> Q:
        """The rows past the one with these values."""
        past, same = Q(pk__in=()), Q()
        for key, value in zip(self.keys, values, strict=True):
            past |= same & key.past(value, backwards=backwards)
            same &= key.same(value)
        return self.keys[0].from_here(values[0], backwards=backwards) & past

    def cursor(self, row: Model) -> str:
        """The row's place in this order, for an address."""
        values = json.dumps([key.value(row) for key in self.keys], separators=(",", ":"))
        return urlsafe_b64encode(values.encode()).decode().rstrip("=")

    def place(self, cursor: str) -> list[Any]:
        """The values that a cursor stands for.

        Raises BadCursor for anything that is not one of this order.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            values = json.loads(urlsafe_b64decode(padded.encode("ascii"))) if len(cursor) < _LONGEST else None
            if not isinstance(values, list):
                raise BadCursor
            return [key.read(value) for key, value in zip(self.keys, values, strict=True)]
        except (ValueError, RecursionError) as error:
            raise BadCursor from error


# Ids are made in the order of time.
NEWEST = Order((Key("pk", descending=True),))


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows in order, and where the pages before and after them start.

    `seen` is how many rows there are in all, where finding the page has told; one more than was to be looked
    to says that there are more.
    """

    rows: list[Row]
    before: str | None = None
    after: str | None = None
    seen: int | None = None


def page(
    rows: "QuerySet[Row]",
    order: Order,
    query: QueryDict,
    size: int = SIZE,
    *,
    look_to: int = 0,
    shown: "Callable[[Any], QuerySet[Row]] | None" = None,
) -> Page[Row]:
    """The page that `?after=` or `?before=` asks for; the first one when neither leads anywhere.

    The first one sees on the way how many rows there are in all, when it is to look so far. With `shown`,
    which says what is to be read of them, the rows of the page are read by their ids alone: what they had to
    match is not asked again.
    """
    source = _Source(rows, order, size, shown)
    try:
        found = _beside(source, query)
    except BadCursor:
        found = None
    return found or _first(source, look_to)


@dataclass(frozen=True)
class _Source(Generic[Row]):
    rows: "QuerySet[Row]"
    order: Order
    size: int
    shown: "Callable[[Any], QuerySet[Row]] | None"

    def take(
        self, rows: "QuerySet[Row]", look_to: int = 0, *, backwards: bool = False
    ) -> tuple[list[Row], int]:
        """Some sorted rows, and how many there were to be seen: one more, or than was to be looked to."""
        # First the ids, then the rows: what a database has to sort stays narrow, and joins fetch one page.
        ids = self.order.ids(rows, max(self.size, look_to) + 1, backwards=backwards)
        shown = ids[: self.size]
        if self.shown is None or not shown:
            found = rows.in_bulk(shown)
        else:
            read = _of_ids(shown, model=rows.model, shown=self.shown, order=self.order)
            found = {row.pk: row for row in read}
        return [found[pk] for pk in shown if pk in found], len(ids)


@compiled
def _of_ids(ids: list[Any], *, model: Any, shown: Callable[[Any], Any], order: Order) -> QuerySet[Any]:
    return order.placed(shown(model._default_manager.filter(pk__in=ids)))


def _beside(source: _Source[Row], query: QueryDict) -> Page[Row] | None:
    if cursor := query.get("after"):
        return _after(source, source.order.place(cursor))
    if cursor := query.get("before"):
        return _before(source, source.order.place(cursor))
    return None


def _first(source: _Source[Row], look_to: int) -> Page[Row]:
    order, size = source.order, source.size
    found, seen = source.take(order.sorted(source.rows), look_to)
    after = order.cursor(found[-1]) if seen > size and found else None
    return Page(found, after=after, seen=seen if seen <= size or look_to else None)


def _after(source: _Source[Row], place: list[Any]) -> Page[Row] | None:
    order = source.order
    found, seen = source.take(order.sorted(source.rows).filter(order.beyond(place)))
    if not found:
        return None
    after = order.cursor(found[-1]) if seen > source.size else None
    return Page(found, before=order.cursor(found[0]), after=after)


def _before(source: _Source[Row], place: list[Any]) -> Page[Row] | None:
    order = source.order
    earlier = order.sorted(source.rows, backwards=True).filter(order.beyond(place, backwards=True))
    found, seen = source.take(earlier, backwards=True)
    if seen <= source.size or not found:
        return None  # no more than a page lies before: that is the first page
    found.reverse()
    return Page(found, before=order.cursor(found[0]), after=order.cursor(found[-1]))
