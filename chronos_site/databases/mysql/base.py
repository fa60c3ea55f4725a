"""MariaDB and MySQL."""

from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement
from django.db.backends.mysql import base, operations, schema

from chronos_site.schema import UpdateStamp, with_on_delete


class SchemaEditor(schema.DatabaseSchemaEditor):
    # Whatever character set the database was created with.
    sql_create_table = (
        "CREATE TABLE %(table)s (%(definition)s) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    )
    # A column added with its foreign key takes the road that knows the ON DELETE rule.
    sql_create_column_inline_fk = None  # type: ignore[assignment]

    def _create_fk_sql(self, model: type[models.Model], field: Any, suffix: str) -> Statement:
        return with_on_delete(super()._create_fk_sql(model, field, suffix), field)  # type: ignore[misc]

    def db_default_sql(self, field: Any) -> tuple[str, Any]:
        sql, params = super().db_default_sql(field)
        moves = " ON UPDATE CURRENT_TIMESTAMP(6)" if isinstance(field, UpdateStamp) else ""
        return sql + moves, params


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *args: Any, **kwargs: Any) -> list[str]:
        """To empty every table is to empty the audit trail too."""
        flush = super().sql_flush(*args, **kwargs)
        return flush and ["SET @chronos_audit_open = 1", *flush, "SET @chronos_audit_open = NULL"]


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
    ops_class = DatabaseOperations
