"""SQLite."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.backends.sqlite3 import base, schema

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


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
