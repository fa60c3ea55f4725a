"""Counts for people: exact where that is cheap, bounded where it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import IntegerField, Model, QuerySet
from django.db.models.expressions import RawSQL

Row = TypeVar("Row", bound=Model)


def counted(rows: "QuerySet[Row]", most: int) -> str:
    """How many rows there are: 1,248, or "1,000+" without counting further."""
    return bounded(rows.order_by()[: most + 1].count(), most)


def bounded(count: int, most: int) -> str:
    """A count that went no further than one more than the most."""
    return f"{most:,}+" if count > most else f"{count:,}"


@dataclass(frozen=True)
class Counts:
    """Several counts, no further than one more than `most` each, as one statement; compiled once."""

    names: tuple[str, ...]
    most: int
    sql: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, asked: "Mapping[str, Sequence[QuerySet[Any]]]", most: int) -> "Counts":
        """How many rows there are under each name.

        Each name has querysets without a row in common, each of which an index can answer by itself.
        """
        parts: list[str] = []
        values: list[Any] = []
        for name, each in ((name, rows) for name, several in asked.items() for rows in several):
            try:
                sql, params = each.order_by().values("pk")[: most + 1].query.sql_with_params()
            except EmptyResultSet:
                continue
            parts.append(f"SELECT %s, COUNT(*) FROM ({sql}) AS counted")  # noqa: S608 (compiled by the ORM)
            values += [name, *params]
        return cls(tuple(asked), most, " UNION ALL ".join(parts), tuple(values))

    def read(self) -> dict[str, str]:
        """Each count as `counted` says it, in one query."""
        found = dict.fromkeys(self.names, 0)
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.values)
            for name, count in cursor:
                found[name] += count
        return {name: bounded(count, self.most) for name, count in found.items()}


def counting(rows: "QuerySet[Any]", most: int) -> RawSQL:
    """An expression that counts these rows, and one more than `most` at most, whatever the query is about."""
    sql, params = rows.order_by().values("pk")[: most + 1].query.sql_with_params()
    counted = f"(SELECT COUNT(*) FROM ({sql}) AS counted)"  # noqa: S608 (compiled by the ORM)
    return RawSQL(counted, params, output_field=IntegerField())  # noqa: S611
