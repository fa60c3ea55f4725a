"""SQLite."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.backends.sqlite3 import base, operations, schema

from chronos_site.schema import on_delete


class SchemaEditor(schema.DatabaseSchemaEditor):
    # A foreign key stands in its column's definition, where the ON DELETE rule is known.
    sql_create_inline_fk = sql_create_column_inline_fk = " "

    def _iter_column_sql(
        self,
        column_db_type: str,
        params: list[Any],
        model: type[models.Model],
        field: Any,
        field_db_params: Any,
        include_default: bool,
    ) -> Iterator[str]:
        yield from super()._iter_column_sql(  # type: ignore[misc]
            column_db_type, params, model, field, field_db_params, include_default
        )
        if field.remote_field and field.db_constraint:
            target = field.target_field
            table, column = self.quote_name(target.model._meta.db_table), self.quote_name(target.column)
            yield f"REFERENCES {table} ({column}){on_delete(field)} DEFERRABLE INITIALLY DEFERRED"

    def _remake_table(self, *args: Any, **kwargs: Any) -> None:
        # Dropping the old table takes its triggers along, and renaming the new one is refused
        # while any view or trigger names a table that is not there.
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')")
            aside = cursor.fetchall()
        for kind, name, _ in aside:
            self.execute(f"DROP {kind} {self.quote_name(name)}", None)
        super()._remake_table(*args, **kwargs)  # type: ignore[misc]
        for _, _, statement in aside:
            self.execute(statement, None)


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *args: Any, **kwargs: Any) -> list[str]:
        """To empty every table is to empty the audit trail too."""
        flush = super().sql_flush(*args, **kwargs)
        return flush and ["SELECT chronos_audit_open(1)", *flush, "SELECT chronos_audit_open(0)"]


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.create_function("chronos_audit_open", -1, _Gate())
        return connection


class _Gate:
    """Whether the connection may delete from the audit trail: told with a value, asked without one.

    SQLite has no settings of a session that a trigger could read.
    """

    def __init__(self) -> None:
        self._open = 0

    def __call__(self, *value: int) -> int:
        if value:
            self._open = value[0]
        return self._open
