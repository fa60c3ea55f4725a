"""Many rows in one statement, in the form that each database is fastest with; the ORM takes thrice as long.

Names are those of models' fields, never what a person gave. Values are as the drivers take them: no
expressions, and plain text for choices.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.constants import OnConflict


def insert(model: type[models.Model], names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new rows with these fields, without those that a unique constraint refuses."""
    if not rows:
        return
    fields = _fields(model, names)
    words = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
    begin = f"{words} {model._meta.db_table} ({', '.join(field.column for field in fields)})"
    end = connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], [])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{begin} SELECT * FROM {_unnest(fields)} {end}", _columns(rows))  # noqa: S608
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"{begin} VALUES ({marks}) {end}", _adapted(fields, rows))


def update(model: type[models.Model], names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write these fields of the rows whose primary keys come last in each tuple."""
    if not rows:
        return
    fields = _fields(model, [*names, "pk"])
    table, *columns = model._meta.db_table, *(field.column for field in fields)
    key = columns[-1]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            values = ", ".join(f"{column} = new.{column}" for column in columns[:-1])
            given = f"{_unnest(fields)} AS new ({', '.join(columns)})"
            statement = f"UPDATE {table} SET {values} FROM {given} WHERE {table}.{key} = new.{key}"  # noqa: S608
            cursor.execute(statement, _columns(rows))
        else:
            values = ", ".join(f"{column} = %s" for column in columns[:-1])
            cursor.executemany(f"UPDATE {table} SET {values} WHERE {key} = %s", _adapted(fields, rows))  # noqa: S608


def _fields(model: type[models.Model], names: Sequence[str]) -> list[Any]:
    return [model._meta.pk if name == "pk" else model._meta.get_field(name) for name in names]


def _unnest(fields: Sequence[Any]) -> str:
    # The type of a parameter, not of a column that counts by itself.
    return f"unnest({', '.join(f'%s::{field.rel_db_type(connection)}[]' for field in fields)})"


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _adapted(fields: Sequence[Any], rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with instants as the driver takes them."""
    columns = _columns(rows)
    for place, field in enumerate(fields):
        if isinstance(field, models.DateTimeField):
            columns[place] = [connection.ops.adapt_datetimefield_value(value) for value in columns[place]]
    return list(zip(*columns, strict=True))
