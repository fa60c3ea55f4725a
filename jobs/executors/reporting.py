"""What a REPORT run does: read the figures, make the file, keep it, mail it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jobs import zones
from jobs.executors import periods, report_kinds, report_texts
from jobs.executors.base import Artefact, Context, ExecutionError, Payload, Result
from jobs.executors.documents.charts import Chart
from jobs.executors.documents.tables import Document
from jobs.executors.periods import Period
from jobs.executors.report_files import OUTPUTS, Stream, made, name_of, room
from jobs.executors.report_kinds import KINDS, Days, ReportKind


def execute(payload: Payload, context: Context) -> Result:
    """Make the report's file, then keep and mail it where the job says so.

    Raises ExecutionError with REPORT_ERROR, TEMPLATE_ERROR, ARTEFACT_TOO_LARGE, DATABASE_ERROR,
    CONNECTION_ERROR, FILE_ERROR or EMAIL_ERROR; once the file is made, it comes with the failure.
    """
    options = payload.options
    output, compress = OUTPUTS[options["format"]], bool(options.get("compress"))
    zone = zones.zone(options.get("timezone") or context.figures("zone")[0]["timezone"])
    document = _document(payload, context, zone)
    _put_texts(document, payload)
    document.rows = stream = Stream(
        document.rows, context, output.most_rows, room(output, compress), document.notes
    )
    day = context.scheduled_time.astimezone(zone).date()
    file = made(document, output, name_of(document.title, day, output.extension), compress=compress)
    return _delivered(file, document, stream, payload, context)


def _document(payload: Payload, context: Context, zone: ZoneInfo) -> Document:
    """What the report shows; its rows are still to be read."""
    kind = KINDS[payload.options["report_type"]]
    period = _period(payload.options, context.scheduled_time, zone)
    context.log("INFO", f"{kind.title} of {period}, {zone.key}")
    days = kind.days(context, period)
    document = _laid_out(kind, days, payload, context, period)
    document.facts = [f"{period}, {zone.key}", f"Made for the run of {_due(context, zone)}"]
    document.about = {
        "report": payload.options["report_type"],
        "since": period.since.astimezone(zone).isoformat(),
        "until": period.until.astimezone(zone).isoformat(),
        "timezone": zone.key,
        "totals": _totals(kind.chart(days)),
    }
    return document


def _laid_out(kind: ReportKind, days: Days, payload: Payload, context: Context, period: Period) -> Document:
    chart, layout = kind.chart(days), payload.options.get("template")
    if layout == "SUMMARY":
        columns, rows = report_kinds.summary_columns(chart), report_kinds.summary_rows(chart)
    else:
        columns, rows = list(kind.columns), kind.table(context, period, days)
    document = Document(kind.title, columns, rows, zone=period.zone)
    if layout != "ROWS":
        document.totals, document.chart = report_kinds.totals(chart), chart
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
    given = report_texts.data(options["report_type"], payload.parameters, options.get("template_data"))
    texts = [options.get(name) or "" for name in ("title", "intro", "footer")]
    period = {report_texts.PERIOD: document.facts[0].partition(",")[0]}
    try:
        title, document.intro, document.footer = (
            report_texts.filled(text, {**period, **given}) for text in texts
        )
    except KeyError as error:
        raise ExecutionError(
            "TEMPLATE_ERROR", f"${error.args[0]} stands for nothing: add it to the template data."
        ) from error
    document.title = title or document.title
    shown = report_texts.unnamed(given, texts)
    document.facts = [*document.facts, *(f"{name}: {value}" for name, value in shown.items())]


def _delivered(
    file: Artefact, document: Document, stream: Stream, payload: Payload, context: Context
) -> Result:
    if stream.cut:
        context.log("WARN", document.notes[0])
    data = {
        "file": file.name,
        "bytes": len(file.content),
        "rows": stream.count,
        "cut": stream.cut,
        **document.about,
    }
    rows = "1 row" if stream.count == 1 else f"{stream.count:,} rows"
    summary = f"{document.title}: {rows} as {file.name}, {len(file.content):,} bytes"
    context.log("INFO", summary)
    return Result(summary, data, artefacts=(file,))
