"""DATABASE: one statement against a database, read or write."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from jobs import masking
from jobs.executors.addresses import DatabaseUrlField
from jobs.executors.base import Context, ExecutionError, JobType, Payload, Result, artefact_limit
from jobs.executors.databases import Answer, Database, Terms, open_database, statements, urls
from jobs.executors.databases.gathering import Gathered, gather
from jobs.executors.fields import FlagField, NumberField, TextField, WordField
from jobs.executors.json_fields import JsonField, OptionsField
from jobs.executors.payload_form import PayloadForm

ISOLATIONS = ("READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE")
TIMEOUT_SECONDS = 30
MOST_ROWS = 1_000
# Engines whose sessions can be kept from changing anything, whatever the statement says.
_KEPT_READ_ONLY = {"postgresql", "mysql", "sqlite"}


class QueryForm(PayloadForm):
    """Fields of every type that asks a database something.

    `?` takes the parameters in their order, but PostgreSQL and MySQL sort the keys of a JSON object
    that they keep. So the order is kept next to it, as the option `parameter_order`. Placeholders in the
    query become parameters too.
    """

    binds: ClassVar[frozenset[str]] = frozenset({"query"})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        query = cleaned.get("query")
        if query and not self.filled:
            try:
                statements.bind_placeholders(query, lexicon(cleaned.get("database_url")), lambda _: "")
            except statements.Mismatch as error:
                self.add_error("query", str(error))
        return cleaned

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
        if isinstance(initial["metadata"], str):
            return initial
        others = dict(initial["metadata"] or {})
        order, parameters = others.pop("parameter_order", None), initial.get("parameters")
        if isinstance(order, list) and isinstance(parameters, dict):
            known = [name for name in order if isinstance(name, str) and name in parameters]
            initial["parameters"] = {**{name: parameters[name] for name in known}, **parameters}
        return {**initial, "metadata": others or None}


class DatabaseForm(QueryForm):
    options: ClassVar[tuple[str, ...]] = ("several_statements", "keep_rows")

    database_url = DatabaseUrlField()
    query = TextField(
        label=_("Query"),
        lines=8,
        mono=True,
        help_text=_("One statement, such as SELECT id FROM orders WHERE status = ? or :status"),
    )
    parameters = JsonField(
        label=_("Parameters"),
        lines=3,
        required=False,
        help_text=_('For :name by name, for ? in this order: {"status": "OPEN", "since": "2026-01-01"}'),
    )
    read_only = FlagField(
        label=_("Read only"), default=True, help_text=_("The database refuses every change.")
    )
    several_statements = FlagField(
        label=_("Several statements"),
        help_text=_("Separated by semicolons, in one transaction; only where changes are allowed."),
    )
    query_timeout_seconds = NumberField(
        label=_("Query timeout"), required=False, least=1, most=86_400, help_text=_("Seconds; 30 if empty.")
    )
    max_rows = NumberField(
        label=_("Most rows"),
        required=False,
        least=1,
        most=1_000_000,
        help_text=_("Rows to fetch; 1,000 if empty."),
    )
    transaction_isolation = WordField(
        label=_("Isolation"),
        required=False,
        choices={
            "": _("The database's own"),
            **{each: each.replace("_", " ").capitalize() for each in ISOLATIONS},
        },
    )
    keep_rows = WordField(
        label=_("Keep the rows as a file"),
        required=False,
        choices={"": "No", "CSV": "CSV", "JSON": "JSON"},
    )
    metadata = OptionsField()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("several_statements") and cleaned.get("read_only"):
            self.add_error(
                "several_statements", _("A read-only job runs one statement: allow changes, or choose one.")
            )
        return cleaned


def lexicon(url: str | None) -> statements.Lexicon:
    """How the database at the URL writes its strings; PostgreSQL's way where the URL does not tell."""
    try:
        return statements.LEXICONS[urls.read(url or "").engine]
    except urls.Unreadable:
        return statements.LEXICONS["postgresql"]


@contextmanager
def opened(payload: Payload, context: Context, terms: Terms) -> Iterator[tuple[Database, dict[str, Any]]]:
    """The database that a payload names, and the parameters of its query in their order.

    `username` and `password` among them that the query does not ask for are credentials, where the URL
    names no user: so it was in the system that most of our users come from.
    """
    try:
        place = urls.read(payload.database_url or "")
    except urls.Unreadable as error:
        raise ExecutionError("INVALID_URL", str(error)) from error
    parameters = _in_order(payload)
    asked = statements.names(payload.query or "", statements.LEXICONS[place.engine])
    if not place.user and place.engine != "sqlite" and parameters.keys() - asked >= _CREDENTIALS:
        user, password = str(parameters.pop("username")), str(parameters.pop("password"))
        place = replace(place, user=user, password=password)
    context.log("INFO", _told(place, terms))
    with open_database(place, context, terms) as database:
        yield database, parameters


_CREDENTIALS = {"username", "password"}


def _in_order(payload: Payload) -> dict[str, Any]:
    given: dict[str, Any] = payload.parameters or {}
    order = payload.options.get("parameter_order")
    known = [name for name in order if name in given] if isinstance(order, list) else []
    return {**{name: given[name] for name in known}, **given}


def _told(place: urls.Place, terms: Terms) -> str:
    where = f"{place.host}:{place.port}/{place.database}" if place.host else place.database
    how = "read only" if terms.read_only else "to read and write"
    return masking.text(
        f"Opening {where} as {place.user}, {how}" if place.user else f"Opening {where}, {how}"
    )


def execute(payload: Payload, context: Context) -> Result:
    """Run the statement and gather its rows, or the number of rows that it changed.

    Raises ExecutionError with one of the type's error classes.
    """
    terms = Terms(
        read_only=payload.read_only is not False,
        timeout=payload.query_timeout_seconds or TIMEOUT_SECONDS,
        isolation=payload.transaction_isolation or "",
    )
    _refuse_pretence(payload, terms)
    started = time.monotonic()
    with opened(payload, context, terms) as (database, parameters):
        queries: list[tuple[str, Mapping[str, Any]]] = [(payload.query, parameters)]
        if payload.options.get("several_statements"):
            queries = database.several(payload.query, parameters)
        found = [_one(database, *each, payload, among=len(queries)) for each in queries]
        if not terms.read_only:
            database.commit()
    took = f"{(time.monotonic() - started) * 1000:,.0f} ms"
    for each in found:
        context.log("WARN" if each.cut else "INFO", each.sentence)
    return _result(found, took)


def _refuse_pretence(payload: Payload, terms: Terms) -> None:
    if terms.read_only and _engine(payload.database_url) not in _KEPT_READ_ONLY:
        raise ExecutionError(
            "DATABASE_ERROR",
            "Chronos cannot keep a session of this database read only: give the job a user that may only"
            " read, and switch Read only off.",
        )


def _engine(url: str | None) -> str:
    try:
        return urls.read(url or "").engine
    except urls.Unreadable as error:
        raise ExecutionError("INVALID_URL", str(error)) from error


def _one(database: Database, query: str, parameters: Any, payload: Payload, *, among: int) -> Gathered:
    answer: Answer = database.run(query, parameters)
    return gather(
        answer,
        most=payload.max_rows or MOST_ROWS,
        to_the_end=payload.read_only is False,
        keep=payload.options.get("keep_rows") or "",
        room=artefact_limit() // among,
    )


def _result(found: list[Gathered], took: str) -> Result:
    files = [each.file for each in found if each.file]
    if len(files) > 1:
        files = [replace(file, name=f"{number}-{file.name}") for number, file in enumerate(files, 1)]
    if len(found) == 1:
        return Result(f"{found[0].sentence} in {took}", found[0].data(1), artefacts=files)
    summary = f"{len(found)} statements in {took}: {'; '.join(each.sentence for each in found)}"
    data = {"statements": [each.data(len(found)) for each in found]}
    return Result(summary[:500], data, artefacts=files)


# What every type that asks a database something may fail with.
ERROR_CLASSES = (
    "DATABASE_ERROR",
    "AUTHENTICATION_ERROR",
    "CONSTRAINT_VIOLATION",
    "DEADLOCK",
    "DRIVER_MISSING",
    "LOCK_TIMEOUT",
    "PERMISSION_DENIED",
    "READ_ONLY_VIOLATION",
    "SERIALIZATION_FAILURE",
    "SYNTAX_ERROR",
    "PARAMETER_ERROR",
    "RESULT_TOO_LARGE",
    "CONNECTION_ERROR",
    "DNS_ERROR",
    "TLS_ERROR",
    "TIMEOUT",
    "INVALID_URL",
    "FORBIDDEN_ADDRESS",
    "FORBIDDEN_PATH",
)

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
        "severalStatements": "several_statements",
        "queryTimeoutSeconds": "query_timeout_seconds",
        "maxRows": "max_rows",
        "transactionIsolation": "transaction_isolation",
        "keepRows": "keep_rows",
        "metadata": "metadata",
    },
    execute=execute,
    ceiling=16,
    repeatable=lambda payload: payload.read_only is not False,
    error_classes=ERROR_CLASSES,
)
