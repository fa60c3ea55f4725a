"""Several limited lists of one table in one query, each read off its own index."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections, router
from django.db.models import Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler

from chronos_site.statements import Asked, Compiled, Slot, Values, filled, on, postgresql_array

Row = TypeVar("Row", bound=Model)


def together(branches: "Sequence[QuerySet[Row, Any]]", most: int | None = None) -> list[Row]:
    """The rows of all branches, one branch after the other; all give the same `values()`, with the id.

    A column that is not among these costs a query where it is read. With `most` rows at the most,
    branches after those that give them need not be read at all.
    """
    compiled = _compiled(branches)
    return compiled[0].read(((each.sql, each.parameters) for each in compiled), most) if compiled else []


def values_together(branches: "Sequence[QuerySet[Any, Any]]") -> Sequence[Sequence[Any]]:
    """The rows of all branches as tuples, faster for thousands; all give the same `values_list()`."""
    compiled = _compiled(branches)
    return compiled[0].values((each.sql, each.parameters) for each in compiled) if compiled else []


def compiled_together(
    build: "Callable[Asked, Sequence[QuerySet[Row, Any]]]",
) -> "Compiled[Asked, Row]":
    """What `together` gives of the branches that `build` makes, compiled when they are first asked for."""
    return Compiled(build, _Branches.of, together)


@dataclass(frozen=True)
class _Branches(Generic[Row]):
    compiled: "list[Branch[Row]]"

    @classmethod
    def of(cls, branches: "Sequence[QuerySet[Row, Any]]") -> "_Branches[Row]":
        return cls(_compiled(branches))

    def read(self, values: Sequence[Any]) -> list[Row]:
        if not self.compiled:
            return []
        first = self.compiled[0]
        connection = connections[first.database]
        return first.read((each.sql, filled(each.parameters, values, connection)) for each in self.compiled)


def _compiled(branches: "Sequence[QuerySet[Row, Any]]") -> "list[Branch[Row]]":
    compiled = []
    for branch in branches:
        # What can have no rows is not asked for.
        with suppress(EmptyResultSet):
            compiled.append(Branch.of(branch))
    return compiled


@dataclass(frozen=True)
class Branch(Generic[Row]):
    """A limited list as the ORM compiles it: its SQL, and how its rows become instances."""

    model: type[Row]
    database: str
    compiler: SQLCompiler
    sql: str
    parameters: Values

    @classmethod
    def of(cls, rows: "QuerySet[Row, Any]") -> "Branch[Row]":
        """Raises EmptyResultSet for what can have no rows."""
        database = router.db_for_read(rows.model)
        compiler = rows.query.get_compiler(database)
        sql, parameters = compiler.as_sql()
        return cls(rows.model, database, on(compiler, None), sql, tuple(parameters))

    def read(self, branches: Iterable[tuple[str, Values]], most: int | None = None) -> list[Row]:
        """The rows of these branches, all of which have the columns of this one."""
        return self._instances(self.values(branches, most))

    def each(self, ids: Sequence[str]) -> list[Row]:
        """The rows of this branch for each of the ids, which stand in its one slot."""
        if not ids:
            return []
        connection = connections[self.database]
        if connection.vendor != "postgresql":
            return self.read((self.sql, filled(self.parameters, [each], connection)) for each in ids)
        sql, parameters = self._lateral
        return self._instances(self._tuples(sql, [postgresql_array(list(ids)), *parameters]))

    @cached_property
    def _lateral(self) -> tuple[str, Values]:
        """The branch for each of the ids in an array, its first parameter: one statement for any number."""
        begun, *rest = self.sql.split("%s")
        places = ["asked.id" if type(each) is Slot else "%s" for each in self.parameters]
        branch = begun + "".join(f"{place}{text}" for place, text in zip(places, rest, strict=True))
        sql = (
            f"SELECT branch.* FROM unnest(%s::varchar[]) AS asked(id) CROSS JOIN LATERAL ({branch}) AS branch"  # noqa: S608 (compiled by the ORM)
        )
        return sql, tuple(each for each in self.parameters if type(each) is not Slot)

    def values(
        self, branches: Iterable[tuple[str, Values]], most: int | None = None
    ) -> Sequence[Sequence[Any]]:
        """The same as tuples."""
        statements, values = zip(*branches, strict=True)
        # The ORM's own union refuses limited branches on SQLite, which wants each of them wrapped.
        sql = " UNION ALL ".join(f"SELECT * FROM ({each}) AS branch" for each in statements)  # noqa: S608 (compiled by the ORM)
        limit = "" if most is None else f" LIMIT {int(most)}"
        return self._tuples(sql + limit, [value for each in values for value in each])

    def _tuples(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        with connections[self.database].cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchall()
        compiler = on(self.compiler, connections[self.database])
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        return list(compiler.apply_converters(found, converters)) if converters else found

    def _instances(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        names = self._names()
        return [self._instance(names, row) for row in rows]

    def _names(self) -> list[str]:
        """The attributes that the columns are for, in their order."""
        query = self.compiler.query
        fields = [self.model._meta.get_field(name).attname for name in query.values_select]  # type: ignore[union-attr]
        return [*fields, *query.annotation_select]

    def _instance(self, names: Sequence[str], row: Sequence[Any]) -> Row:
        # As from_db does it, but for the signals and defaults: a list has thousands of rows, and each of
        # them would take ten times as long.
        instance = self.model.__new__(self.model)
        instance.__dict__.update(zip(names, row, strict=True))
        instance._state = ModelState()
        instance._state.adding, instance._state.db = False, self.database
        return instance
