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
    """Insert the rows as `insert` does, but for those that a unique constraint refuses."""
    if not rows:
        return
    verb = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], [])
    into = f"{verb} {model._meta.db_table} ({', '.join(names)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            lists = _lists([model._meta.get_field(name) for name in names])
            cursor.execute(f"{into} SELECT * FROM unnest({lists}) {suffix}", _columns(rows))  # noqa: S608
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
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            fields = [*(model._meta.get_field(name) for name in names), model._meta.pk]
            lists = _lists(fields)
            told = [f"told_{name}" for name in (*names, key)]
            sets = ", ".join(f"{name} = told_{name}" for name in names)
            cursor.execute(
                f"UPDATE {table} SET {sets} FROM unnest({lists}) AS told ({', '.join(told)})"  # noqa: S608
                f" WHERE {key} = told_{key}{also}",
                _columns(rows),
            )
        else:
            sets = ", ".join(f"{name} = %s" for name in names)
            cursor.executemany(f"UPDATE {table} SET {sets} WHERE {key} = %s{also}", rows)  # noqa: S608


def _lists(fields: Sequence[Any]) -> str:
    """Places for the columns of many rows in PostgreSQL's SQL."""
    return ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
