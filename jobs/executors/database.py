"""DATABASE: one statement against a database, read or write."""

from typing import Any, ClassVar

from jobs.executors.addresses import DatabaseUrlField
from jobs.executors.base import JobType, PayloadForm
from jobs.executors.fields import FlagField, JsonField, NumberField, TextField, WordField

ISOLATIONS = ("READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE")


class QueryForm(PayloadForm):
    """Fields of every type that asks a database something.

    `?` takes the parameters in their order, but PostgreSQL and MySQL sort the keys of a JSON object
    that they keep. So the order is kept next to it, as the option `parameter_order`.
    """

    def columns(self) -> dict[str, Any]:
        kept = super().columns()
        others = {
            name: value for name, value in kept.pop("metadata", {}).items() if name != "parameter_order"
        }
        if len(kept.get("parameters", {})) > 1:
            others["parameter_order"] = list(kept["parameters"])
        return {**kept, "metadata": others} if others else kept

    @classmethod
    def initial_from(cls, payload: Any) -> dict[str, Any]:
        initial = super().initial_from(payload)
        others = dict(initial["metadata"] or {})
        order, parameters = others.pop("parameter_order", None), initial.get("parameters")
        if isinstance(order, list) and isinstance(parameters, dict):
            known = [name for name in order if isinstance(name, str) and name in parameters]
            initial["parameters"] = {**{name: parameters[name] for name in known}, **parameters}
        return {**initial, "metadata": others or None}


class DatabaseForm(QueryForm):
    options: ClassVar[tuple[str, ...]] = ()

    database_url = DatabaseUrlField()
    query = TextField(
        label="Query",
        lines=8,
        mono=True,
        help_text="One statement, such as SELECT id FROM orders WHERE status = ? or :status",
    )
    parameters = JsonField(
        label="Parameters",
        lines=3,
        required=False,
        help_text='For :name by name, for ? in this order: {"status": "OPEN", "since": "2026-01-01"}',
    )
    read_only = FlagField(label="Read only", default=True, help_text="The database refuses every change.")
    query_timeout_seconds = NumberField(
        label="Query timeout", required=False, least=1, most=86_400, help_text="Seconds; 30 if empty."
    )
    max_rows = NumberField(
        label="Most rows", required=False, least=1, most=1_000_000, help_text="Rows to fetch; 1,000 if empty."
    )
    transaction_isolation = WordField(
        label="Isolation",
        required=False,
        choices={
            "": "The database's own",
            **{each: each.replace("_", " ").capitalize() for each in ISOLATIONS},
        },
    )
    metadata = JsonField(label="Other options", required=False)


TYPE = JobType(
    code="DATABASE",
    label="Database",
    hint="Run a query or procedure",
    icon="ty-database",
    form=DatabaseForm,
    aliases={
        "databaseUrl": "database_url",
        "query": "query",
        "sql": "query",
        "sqlQuery": "query",
        "parameters": "parameters",
        "queryParameters": "parameters",
        "readOnly": "read_only",
        "queryTimeoutSeconds": "query_timeout_seconds",
        "maxRows": "max_rows",
        "transactionIsolation": "transaction_isolation",
        "metadata": "metadata",
    },
    ceiling=16,
    repeatable=lambda payload: payload.read_only is not False,
    error_classes=("DATABASE_ERROR", "CONNECTION_ERROR", "DEADLOCK", "TIMEOUT"),
)
