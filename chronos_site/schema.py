"""What Django's schema layer lacks for the names and rules of the seed's schema."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.migrations.operations.base import Operation
from django.db.models.deletion import Collector
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.functions import Now
from django.db.models.lookups import In
from ulid import ULID

from chronos_site.statements import Slot, postgresql_array


def new_ulid() -> str:
    """A fresh 26-character ULID; later ones sort after earlier ones, by the millisecond."""
    return str(ULID())


def first_id(at: datetime) -> str:
    """The smallest ULID that a row made at this time can have."""
    return str(ULID.from_datetime(at))[:10] + "0" * 16


def made_at(ulid: str) -> datetime:
    """When the row with this ULID was made."""
    return ULID.from_str(ulid).datetime


class UlidField(models.CharField):  # type: ignore[type-arg]
    """A ULID as VARCHAR(26)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 26
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        # MariaDB's usual collations would find an id written in the wrong case.
        binary = {"collation": "utf8mb4_bin"} if connection.vendor == "mysql" else {}
        return {**super().db_parameters(connection), **binary}


class _OneOfThese:
    """`IN` as one array on PostgreSQL, which reads it faster than as many values, and so does the driver."""

    lhs: Any
    rhs: Any

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Any:
        lookup: Any = self
        if isinstance(lookup.rhs, Slot):
            column, params = lookup.process_lhs(compiler, connection)
            return f"{column} = ANY(%s)", [*params, lookup.rhs]
        # By the types, of which there are one or two, for the values may be thousands.
        kinds = set(map(type, lookup.rhs)) if lookup.rhs_is_direct_value() else set()
        if not kinds or any(hasattr(kind, "as_sql") for kind in kinds):
            return lookup.as_sql(compiler, connection)
        values = dict.fromkeys(lookup.rhs)
        values.pop(None, None)
        if not values:
            raise EmptyResultSet
        column, params = lookup.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, postgresql_array(list(values))]


@UlidField.register_lookup
class UlidIn(_OneOfThese, In):
    """One of some ids."""

    def get_prep_lookup(self) -> Any:
        # Text is what the database is given: to ask the field at each of thousands takes 20 ms.
        if self.rhs_is_direct_value() and set(map(type, self.rhs)) == {str}:
            return list(self.rhs)
        return super().get_prep_lookup()


@models.ForeignKey.register_lookup
class KeyIn(_OneOfThese, RelatedIn):
    """A reference to one of some rows."""


if TYPE_CHECKING:
    _Instant = models.DateTimeField[datetime, datetime]
else:
    _Instant = models.DateTimeField


class Stamp(_Instant):
    """When the database made the row.

    The seed lets the column be NULL; only SQL that says NULL makes it so.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"db_default": Now(), "editable": False, **kwargs, "null": True})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["null"]
        return name, path, args, kwargs


class UpdateStamp(Stamp):
    """When the row was last changed, by anyone: MariaDB's ON UPDATE, elsewhere a trigger, sees to it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_now": True})


class Average(models.FloatField):  # type: ignore[type-arg]
    """An AVG() of a view, a float on every database."""

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> float | None:
        return None if value is None else float(value)


class SeedIndex(models.Index):
    """An index whose name may be as long as the databases allow, not Django's 30 characters."""

    max_name_length = 63


class PartialIndex(SeedIndex):
    """An index over the rows of a condition; where there is no such thing, over the columns that tell.

    `fallback` names the fields of the whole index that MariaDB and MySQL get instead.
    """

    def __init__(
        self, *, fields: Sequence[str], name: str, condition: models.Q, fallback: Sequence[str]
    ) -> None:
        # Django must not know the condition: it warns that MariaDB would ignore it.
        super().__init__(fields=fields, name=name)
        self.where = condition
        self.fallback = list(fallback)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "condition": self.where, "fallback": self.fallback}

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Any:
        if schema_editor.connection.features.supports_partial_indexes:
            index = models.Index(fields=self.fields, name=self.name, condition=self.where)
        else:
            index = models.Index(fields=self.fallback, name=self.name)
        return index.create_sql(model, schema_editor, using, **kwargs)


def cascade(collector: Collector, field: Any, sub_objs: Iterable[Any], using: str) -> None:
    """Delete with the parent: the database's own ON DELETE CASCADE."""


def set_null(collector: Collector, field: Any, sub_objs: Iterable[Any], using: str) -> None:
    """Outlive the parent: the database's own ON DELETE SET NULL."""


# Or Django reads all the rows only to find out whether to call.
cascade.lazy_sub_objs = set_null.lazy_sub_objs = True  # type: ignore[attr-defined]

_ON_DELETE = {cascade: " ON DELETE CASCADE", set_null: " ON DELETE SET NULL"}


def on_delete(field: Any) -> str:
    """The rule of a foreign key as SQL; empty for one that Django's own functions see to."""
    return _ON_DELETE.get(field.remote_field.on_delete, "")


def with_on_delete(statement: Statement, field: Any) -> Statement:
    """The statement that makes the field's foreign key, with its rule."""
    statement.template = statement.template.replace("%(deferrable)s", f"{on_delete(field)}%(deferrable)s")
    return statement


class PerDatabase(Operation):
    """SQL that each database says differently: vendor to pairs of a statement and the one that undoes it."""

    def __init__(self, statements: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self.statements = statements

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Django's models do not show views and triggers."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for forwards, _ in self.statements[schema_editor.connection.vendor]:
            schema_editor.execute(forwards, None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for _, backwards in reversed(self.statements[schema_editor.connection.vendor]):
            schema_editor.execute(backwards, None)

    def describe(self) -> str:
        return "SQL by database"
