"""PostgreSQL."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import psycopg
from django.db import models
from django.db.backends.ddl_references import Statement
from django.db.backends.postgresql import base, operations, schema

from chronos_site.schema import with_on_delete

_DEPENDENT = """
    SELECT DISTINCT 'DROP VIEW ' || v.oid::regclass,
                    'CREATE VIEW ' || v.oid::regclass || ' AS ' || pg_get_viewdef(v.oid)
    FROM pg_depend d
    JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
    WHERE d.refobjid = ANY(%s::regclass[])
    UNION ALL
    SELECT format('DROP TRIGGER %%I ON %%s', tgname, tgrelid::regclass), pg_get_triggerdef(oid)
    FROM pg_trigger
    WHERE tgrelid = ANY(%s::regclass[]) AND NOT tgisinternal
"""

# A process that stands still in the middle of a transaction must not hold its locks for ever. And the
# stock price of a page read out of order is that of a turning disk: with it, the planner would rather read
# a hundred thousand runs in a row than the few of one job by their index. Another price is somebody's choice.
_OURS = """
    SET idle_in_transaction_session_timeout = '30s';
    SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'
"""


_TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid


# As the driver's own compiled code reads times: Django's loader, in Python, takes ten times as long for what
# a page reads hundreds of. Every connection speaks UTC, as the settings do.
_COMPILED = psycopg.adapters.get_loader(_TIMESTAMPTZ, psycopg.pq.Format.TEXT)


# A plan that was made once takes a list for a handful, be it a list or the text of an array of ids.
_MANY, _LONG = 1_000, 20_000
_LONGEST_WORD = 24


class Cursor(base.ServerBindingCursor):
    """Sends statements that are worth planning once, as `prepare_threshold` of the settings has it."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        if isinstance(params, list | tuple):
            query, params = _with_words(query, params)
            if any(map(_is_long, params)):
                how["prepare"] = False
        return super().execute(query, params, **how)  # type: ignore[misc]


def _is_long(value: Any) -> bool:
    return isinstance(value, list | str) and len(value) > (_LONG if isinstance(value, str) else _MANY)


def _with_words(query: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The statement with words like PENDING in it: how rare each of them is, a plan must know."""
    words = [_word(value) for value in params]
    between = query.split("%s") if any(words) else []
    if len(between) != len(params) + 1:
        return query, params
    marks = [f"'{word}'" if word else "%s" for word in words]
    told = "".join(chain.from_iterable(zip(between, [*marks, ""], strict=True)))
    return told, [value for value, word in zip(params, words, strict=True) if not word]


def _word(value: Any) -> str:
    """A value that looks like one of our enumerations; empty for whatever else."""
    if not isinstance(value, str) or len(value) > _LONGEST_WORD or not value.isascii():
        return ""
    return str(value) if value.isupper() and value.isidentifier() else ""


class SchemaEditor(schema.DatabaseSchemaEditor):
    # A column added with its foreign key takes the road that knows the ON DELETE rule.
    sql_create_column_inline_fk = None  # type: ignore[assignment]

    def _create_fk_sql(self, model: type[models.Model], field: Any, suffix: str) -> Statement:
        return with_on_delete(super()._create_fk_sql(model, field, suffix), field)  # type: ignore[misc]

    def _create_like_index_sql(self, model: type[models.Model], field: Any) -> None:
        # Nothing is searched by the beginning of an id: the second index would only cost writes.
        return None

    def _alter_field(
        self,
        model: type[models.Model],
        old_field: Any,
        new_field: Any,
        old_type: str,
        new_type: str,
        *rest: Any,
    ) -> None:
        # A column's type cannot change while a view or a trigger's condition reads it.
        aside = self._dependent(model) if old_type != new_type else []
        for drop, _ in aside:
            self.execute(drop, None)
        super()._alter_field(model, old_field, new_field, old_type, new_type, *rest)  # type: ignore[misc]
        for _, create in aside:
            self.execute(create, None)

    def _dependent(self, model: type[models.Model]) -> list[tuple[str, str]]:
        # The columns of the foreign keys to the table change their type along with its key.
        models = [model, *(related.related_model for related in model._meta.related_objects)]
        tables = [self.quote_name(each._meta.db_table) for each in models]
        with self.connection.cursor() as cursor:
            cursor.execute(_DEPENDENT, [tables, tables])
            return [(drop, create) for drop, create in cursor.fetchall()]


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *args: Any, **kwargs: Any) -> list[str]:
        """To empty every table is to empty the audit trail too."""
        flush = super().sql_flush(*args, **kwargs)
        return flush and ["SET LOCAL chronos.audit_open = 'on'", *flush]


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": Cursor}

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        cursor.adapters.register_loader("timestamptz", _COMPILED)
        return cursor

    def init_connection_state(self) -> None:
        super().init_connection_state()
        with self.connection.cursor() as cursor:
            cursor.execute(_OURS)
