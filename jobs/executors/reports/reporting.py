"""What a REPORT run does: read the figures, make the file, keep it, mail it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from itertools import chain, islice, repeat
from typing import Any
from zoneinfo import ZoneInfo

from jobs import zones
from jobs.executors.base import Context, ExecutionError, Payload, Result
from jobs.executors.database import opened
from jobs.executors.databases import Terms
from jobs.executors.documents.charts import Chart
from jobs.executors.documents.tables import Column, Document, Kind, Row, distinct, is_number
from jobs.executors.reports import kinds, periods, texts
from jobs.executors.reports.delivery import deliver
from jobs.executors.reports.files import OUTPUTS, Stream, made, name_of, room
from jobs.executors.reports.kinds import KINDS, ReportKind
from jobs.executors.reports.periods import Period
from jobs.executors.wording import counted


def execute(payload: Payload, context: Context) -> Result:
    """Make the report's file, then keep and mail it where the job says so.

    Raises ExecutionError with REPORT_ERROR, TEMPLATE_ERROR or ARTEFACT_TOO_LARGE, what a query fails
    with, and FILE_ERROR or what mail fails with; once the file is made, it comes with the failure.
    """
    options = payload.options
    output, compress = OUTPUTS[options["format"]], bool(options.get("compress"))
    zone = zones.zone(options.get("timezone") or context.figures("zone")[0]["timezone"])
    with ExitStack() as stack:
        make = _of_query if options["report_type"] == "QUERY" else _of_figures
        document = make(payload, context, zone, stack)
        _put_texts(document, payload)
        rows = Stream(document.rows, context, output.most_rows, room(output, compress), document.notes)
        document.rows = rows
        name = name_of(document.title, context.scheduled_time.astimezone(zone).date(), output.extension)
        file = made(document, output, name, compress=compress)
    if rows.cut:
        context.log("WARN", document.notes[0])
    said = f"{document.title}: {counted(rows.count, 'row')} as {file.name}, {len(file.content):,} bytes"
    context.log("INFO", said)
    data = {
        "file": file.name,
        "bytes": len(file.content),
        "rows": rows.count,
        "cut": rows.cut,
        **document.about,
    }
    return deliver(Result(said, data, artefacts=(file,)), document, payload, context)


def _of_query(payload: Payload, context: Context, zone: ZoneInfo, stack: ExitStack) -> Document:
    """What a query gives; the session stays open as long as the stack."""
    terms = Terms(read_only=True, streaming=True, timeout=max(context.remaining, 1))
    session, parameters = stack.enter_context(opened(payload, context, terms))
    names, rows = session.rows(payload.query, parameters)
    first = list(islice(rows, 1))
    shapes = [Kind.NUMBER if is_number(value) else Kind.PLAIN for row in first for value in row]
    columns = [
        Column(name, name, kind)
        for name, kind in zip(distinct(names), chain(shapes, repeat(Kind.PLAIN)), strict=False)
    ]
    document = Document("A query's rows", columns, chain(first, rows), zone=zone)
    document.facts = [f"Made for the run of {_due(context, zone)}, {zone.key}"]
    document.about = {"report": "QUERY", "timezone": zone.key}
    return document


def _of_figures(payload: Payload, context: Context, zone: ZoneInfo, stack: ExitStack) -> Document:
    """What Chronos's own figures say."""
    kind = KINDS[payload.options["report_type"]]
    period = _period(payload.options, context.scheduled_time, zone)
    if period.length > periods.MOST_DAYS:
        raise ExecutionError(
            "REPORT_ERROR",
            f"{period} are {period.length:,} days; a report looks at {periods.MOST_DAYS:,} at most.",
        )
    context.log("INFO", f"{kind.title} of {period}, {zone.key}")
    days = kind.days(context, period)
    chart = kind.chart(days)
    document = _laid_out(kind, chart, kind.table(context, period, days), payload, zone)
    document.words = {texts.PERIOD: str(period)}
    document.facts = [f"{period}, {zone.key}", f"Made for the run of {_due(context, zone)}"]
    document.about = {
        "report": payload.options["report_type"],
        "since": period.since.astimezone(zone).isoformat(),
        "until": period.until.astimezone(zone).isoformat(),
        "timezone": zone.key,
        "totals": _totals(chart),
    }
    return document


def _laid_out(
    kind: ReportKind, chart: Chart, rows: Iterator[Row], payload: Payload, zone: ZoneInfo
) -> Document:
    layout = payload.options.get("template")
    columns: Sequence[Column] = kind.columns
    if layout == "SUMMARY":
        columns, rows = kinds.summary_columns(chart), kinds.summary_rows(chart)
    document = Document(kind.title, columns, rows, zone=zone)
    if layout != "ROWS":
        document.totals, document.chart = kinds.totals(chart), chart
    return document


def _totals(chart: Chart) -> dict[str, int]:
    return {each.name.lower(): total for each, total in zip(chart.series, chart.totals, strict=True)}


def _period(options: Mapping[str, Any], at: datetime, zone: ZoneInfo) -> Period:
    first, last = (_day(options.get(name)) for name in ("first_day", "last_day"))
    if first:
        return periods.between(first, last, zone) if last else periods.since(first, at, zone)
    if name := options.get("period"):
        return periods.named(name, at, zone)
    return periods.back(options.get("days") or periods.DAYS, at, zone)


def _day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def _due(context: Context, zone: ZoneInfo) -> str:
    return f"{context.scheduled_time.astimezone(zone):%Y-%m-%d %H:%M}"


def _put_texts(document: Document, payload: Payload) -> None:
    """Fill title, intro and footer, and show what none of them names.

    Raises ExecutionError with TEMPLATE_ERROR for a name that stands for nothing.
    """
    options = payload.options
    given = texts.data(options["report_type"], payload.parameters, options.get("template_data"))
    said = [options.get(name) or "" for name in ("title", "intro", "footer")]
    try:
        title, document.intro, document.footer = (
            texts.filled(text, {**document.words, **given}) for text in said
        )
    except KeyError as error:
        raise ExecutionError(
            "TEMPLATE_ERROR", f"${error.args[0]} stands for nothing: add it to the template data."
        ) from error
    document.title = title or document.title
    shown = texts.unnamed(given, said)
    document.facts = [*document.facts, *(f"{name}: {value}" for name, value in shown.items())]
