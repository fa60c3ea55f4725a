"""Queries that pages ask again and again: the ORM compiles each once, and its values are put in later."""

from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Asked = ParamSpec("Asked")
Row = TypeVar("Row")
Found = TypeVar("Found", bound=Model)
Values = tuple[Any, ...]

_SEVERAL = (list, set, frozenset)


class Slot(Expression):
    """Where a value will stand, or several; `is_operator` is that of the person who will be the value."""

    def __init__(self, place: int, *, is_operator: bool = False, several: bool = False) -> None:
        super().__init__()
        self.place, self.is_operator, self.several = place, is_operator, several

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        if self.several:
            raise TypeError("Several values are looked for among ids alone.")
        return "%s", [self]

    def __str__(self) -> str:
        raise TypeError("A value that is not there yet has no text: it only stands beside a column.")

    def __format__(self, spec: str) -> str:
        return str(self)


def filled(params: Values, values: Sequence[Any], connection: BaseDatabaseWrapper) -> Values:
    """A statement's parameters, with the values as the database takes them where their slots are."""
    stored = [_stored(value, connection) for value in values]
    return tuple(stored[each.place] if type(each) is Slot else each for each in params)


def _stored(value: Any, connection: BaseDatabaseWrapper) -> Any:
    if isinstance(value, Model):
        value = value.pk
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, _SEVERAL):
        return postgresql_array([each for each in value if each is not None])
    if not isinstance(value, str | int):
        raise TypeError(f"{value!r} cannot be put in: what may be missing shapes a query.")
    return value


def postgresql_array(values: list[Any]) -> Any:
    """Ids as PostgreSQL writes an array of them: the driver would look at each, 10 ms for thousands."""
    ids = "".join(values) if set(map(type, values)) == {str} else ""
    plain = ids.isascii() and ids.isalnum() and "" not in values
    return f"{{{','.join(values)}}}" if plain else values


def on(compiler: SQLCompiler, connection: BaseDatabaseWrapper | None) -> SQLCompiler:
    """The compiler on this connection. It is kept on none: whose connection it was made on may go."""
    other = copy(compiler)
    other.connection = connection  # type: ignore[assignment]
    return other


class Statement(Protocol):
    def read(self, values: Sequence[Any]) -> list[Any]: ...


class Compiled(Generic[Asked, Row]):
    """See `compiled`; `make` makes a statement of what `build` gives, `read` reads that without one."""

    def __init__(
        self,
        build: Callable[Asked, Any],
        make: Callable[[Any], Statement],
        read: Callable[[Any], list[Row]],
    ) -> None:
        self._build, self._make, self._read = build, make, read
        self._known: dict[Hashable, Statement] = {}
        update_wrapper(self, build)

    def __call__(self, *values: Asked.args, **shape: Asked.kwargs) -> list[Row]:
        if connection.vendor != "postgresql" and any(isinstance(value, _SEVERAL) for value in values):
            # Elsewhere each of several values has a place of its own.
            return self._read(self._build(*values, **shape))
        kinds = tuple((getattr(value, "is_operator", False), isinstance(value, _SEVERAL)) for value in values)
        key = (kinds, *shape.items())
        if key not in self._known:
            slots = [Slot(n, is_operator=each, several=many) for n, (each, many) in enumerate(kinds)]
            self._known[key] = self._make(self._build(*slots, **shape))  # type: ignore[arg-type]
        return self._known[key].read(values)

    def first(self, *values: Asked.args, **shape: Asked.kwargs) -> Row | None:
        """The first of the rows, if there is one; the query limits itself."""
        return next(iter(self(*values, **shape)), None)


def compiled(build: "Callable[Asked, QuerySet[Found, Row]]") -> Compiled[Asked, Row]:
    """A query that is compiled when it is first asked: called with its values, it gives its rows as a list.

    `build` makes the queryset. Its positional arguments are values that only stand in the statement, where a
    column is compared with them: text, numbers, instants, days, ids to be `in`, never None. A person among
    them is compared by their id or, as `visible_to` does it, not at all. Keyword arguments may shape the
    query, which is compiled for each of their values; these are few and can be hashed. Nothing else that
    changes may be in it: no clock, time zone or language.
    """
    return Compiled(build, _statement, list)


@dataclass(frozen=True)
class _Query:
    """A queryset that is not evaluated itself, the compiler that knows its columns, and what it compiled."""

    rows: QuerySet[Any]
    compiler: SQLCompiler
    sql: str
    params: Values

    def read(self, values: Sequence[Any]) -> list[Any]:
        connection = connections[self.rows.db]
        params = filled(self.params, values, connection)
        # Others may be at the same statement, on a connection of their own.
        compiler = on(self.compiler, connection)
        compiler.as_sql = lambda *args, **kwargs: (self.sql, params)  # type: ignore[method-assign]
        rows = self.rows._chain()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *args, **kwargs: compiler
        return list(rows)


class _Nothing:
    """What can have no rows is not asked."""

    def read(self, values: Sequence[Any]) -> list[Any]:
        return []


def _statement(rows: QuerySet[Any]) -> Statement:
    compiler = rows.query.get_compiler(rows.db)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return _Nothing()
    return _Query(rows, on(compiler, None), sql, tuple(params))
