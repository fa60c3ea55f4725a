"""SQLite."""

from typing import Any

from django.db.backends.sqlite3 import base, schema


class SchemaEditor(schema.DatabaseSchemaEditor):
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
