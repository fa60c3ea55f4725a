"""What Django's schema layer lacks for the names and rules of the seed's schema."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.deletion import CASCADE, SET_NULL, Collector
from ulid import ULID


def new_ulid() -> str:
    """A fresh 26-character ULID; later ones sort after earlier ones, by the millisecond."""
    return str(ULID())


class UlidField(models.CharField):  # type: ignore[type-arg]
    """A ULID as VARCHAR(26)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 26
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs


class SeedIndex(models.Index):
    """An index whose name may be as long as the databases allow, not Django's 30 characters."""

    max_name_length = 63


class PartialIndex(SeedIndex):
    """An index over the rows of a condition; where the database has no such thing, over the columns that tell.

    `fallback` names the fields of the whole index that MariaDB and MySQL get instead.
    """

    def __init__(self, *expressions: Any, fallback: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*expressions, **kwargs)
        self.fallback = list(fallback)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "fallback": self.fallback}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Any:
        if schema_editor.connection.features.supports_partial_indexes:
            return super().create_sql(model, schema_editor, using, **kwargs)
        whole = SeedIndex(fields=self.fallback, name=self.name)
        return whole.create_sql(model, schema_editor, using, **kwargs)


def _by_orm(using: str) -> bool:
    # Django remakes SQLite's tables on each change and would drop ON DELETE with them.
    return connections[using].vendor == "sqlite"


def cascade(collector: Collector, field: Any, sub_objs: Iterable[Any], using: str) -> None:
    """Delete with the parent: the database's own ON DELETE CASCADE, on SQLite the ORM's."""
    if _by_orm(using):
        CASCADE(collector, field, sub_objs, using)  # type: ignore[arg-type]


def set_null(collector: Collector, field: Any, sub_objs: Iterable[Any], using: str) -> None:
    """Outlive the parent: the database's own ON DELETE SET NULL, on SQLite the ORM's."""
    if _by_orm(using):
        SET_NULL(collector, field, sub_objs, using)  # type: ignore[arg-type]
