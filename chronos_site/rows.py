"""Many rows in one statement, at what the database itself costs; values come as its columns store them."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.constants import OnConflict

Row = Sequence[Any]


def stored(instant: Any) -> Any:
    """A datetime, or None, as the database takes it."""
    return connection.ops.adapt_datetimefield_value(instant)


def insert(model: type[models.Model], names: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert the rows, each the values of the named columns, all or none of them.

    Defaults are the database's. JSON is text here. A row that the database refuses raises as the ORM does.
    """
    if not rows:
        return
    into = f"{model._meta.db_table} ({', '.join(names)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {into} VALUES ({marks})", rows)  # noqa: S608


def insert_new(model: type[models.Model], names: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert the rows as `insert` does, but for those that a unique constraint refuses; name the key too."""
    if not rows:
        return
    verb = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], [])
    into = f"{verb} {model._meta.db_table} ({', '.join(names)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            told = _Told([model._meta.get_field(name) for name in names], rows)
            statement = f"{into} SELECT {', '.join(told.values)} FROM {told.source} {suffix}"  # noqa: S608
            cursor.execute(statement, told.params)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"{into} VALUES ({marks}) {suffix}", rows)


def update(model: type[models.Model], names: Sequence[str], rows: Sequence[Row], *, where: str = "") -> None:
    """Write each row's values, the named columns and then the key, over the row with that key.

    `where` is SQL over the columns: rows of which it is not true are left alone. JSON is text here.
    """
    if not rows:
        return
    table, key = model._meta.db_table, model._meta.pk.column
    also = f" AND {where}" if where else ""
    # A name may be a word of the database's own, as `before` is MariaDB's.
    columns = [connection.ops.quote_name(name) for name in names]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            told = _Told([*(model._meta.get_field(name) for name in names), model._meta.pk], rows)
            *values, told_key = told.values
            sets = ", ".join(f"{name} = {value}" for name, value in zip(columns, values, strict=True))
            statement = f"UPDATE {table} SET {sets} FROM {told.source} WHERE {key} = {told_key}{also}"  # noqa: S608
            cursor.execute(statement, told.params)
        else:
            sets = ", ".join(f"{name} = %s" for name in columns)
            cursor.executemany(f"UPDATE {table} SET {sets} WHERE {key} = %s{also}", rows)  # noqa: S608


class _Told:
    """The rows as PostgreSQL is told them: once what all of them share, the other columns as arrays.

    `values` are the columns' expressions over the rows of `source`; `params` belong to both, in this order.
    """

    def __init__(self, fields: Sequence[Any], rows: Sequence[Row]) -> None:
        shared: list[Any] = []
        arrays: dict[str, list[Any]] = {}
        lists: list[str] = []
        self.values: list[str] = []
        for field, column in zip(fields, zip(*rows, strict=True), strict=True):
            kind = field.db_type(connection)
            if not field.primary_key and column.count(column[0]) == len(column):
                self.values.append(f"%s::{kind}")
                shared.append(column[0])
            else:
                self.values.append(f"told_{field.column}")
                lists.append(f"%s::{kind}[]")
                arrays[f"told_{field.column}"] = list(column)
        self.source = f"unnest({', '.join(lists)}) AS told ({', '.join(arrays)})"
        self.params = [*shared, *arrays.values()]
