"""What each kind of report shows of Chronos's own figures: its columns, its rows and its chart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.executors.base import Context
from jobs.executors.documents import charts
from jobs.executors.documents.charts import Chart, Series
from jobs.executors.documents.tables import Column, Kind, Row, grouped
from jobs.executors.reports.periods import Period

PAGE = 500

ENDS = (
    Series("SUCCESS", "Succeeded", "#4a9470"),
    Series("FAILURE", "Failed", "#d13a30"),
    Series("TIMEOUT", "Timed out", "#bf7d0a"),
    Series("CANCELLED", "Cancelled", "#7b8999"),
    Series("SKIPPED", "Skipped", "#c3ccd6"),
)
LETTERS = (
    Series("PENDING", "Waiting", "#d13a30"),
    Series("RESOLVED", "Resolved", "#4a9470"),
    Series("IGNORED", "Ignored", "#7b8999"),
)

Figures = Sequence[Mapping[str, Any]]
Days = Mapping[date, Figures]


@dataclass(frozen=True)
class ReportKind:
    """One kind: `daily` names the figures of a day, whose `tally` is counted by `group` in the chart."""

    title: str
    what: str
    columns: Sequence[Column]
    rows: Callable[[Context, Period, Days], Iterator[Mapping[str, Any]]]
    daily: str = "ended"
    group: str = "ended"
    tally: str = "runs"
    series: Sequence[Series] = ENDS

    def days(self, context: Context, period: Period) -> Days:
        """The figures of each day of the period."""
        found: dict[date, Figures] = {}
        for day, since, until in period.windows():
            found[day] = _ask(context, self.daily, since=since, until=until)
        return found

    def chart(self, days: Days) -> Chart:
        counts = {day: self._counted(figures) for day, figures in days.items()}
        return charts.by_day(self.what, self.series, counts, list(days))

    def _counted(self, figures: Figures) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in figures:
            counts[row[self.group]] = counts.get(row[self.group], 0) + row[self.tally]
        return counts

    def table(self, context: Context, period: Period, days: Days) -> Iterator[Row]:
        """The rows, in the order of the columns."""
        for row in self.rows(context, period, days):
            yield [row.get(column.name) for column in self.columns]


def totals(chart: Chart) -> list[tuple[str, str]]:
    """The chart's sums in words, and which share of the runs succeeded."""
    sums = dict(zip((each.name for each in chart.series), chart.totals, strict=True))
    told = [("In all", grouped(sum(sums.values())))]
    told += [(each.label, grouped(sums[each.name])) for each in chart.series]
    rate = success_rate(*(sums.get(name, 0) for name in ("SUCCESS", "FAILURE", "TIMEOUT")))
    return told if rate is None else [*told, ("Success rate", f"{rate:.1%}".replace("%", " %"))]


def success_rate(succeeded: int, failed: int, timed_out: int) -> float | None:
    """The share of those that ran to an end of their own; None when none did."""
    ran = succeeded + failed + timed_out
    return succeeded / ran if ran else None


def summary_columns(chart: Chart) -> list[Column]:
    """The columns of the chart's numbers as a table."""
    word = chart.title.rpartition(" ")[2]
    return [
        Column(word, word.capitalize()),
        *(Column(each.name.lower(), each.label, Kind.NUMBER) for each in chart.series),
    ]


def summary_rows(chart: Chart) -> Iterator[Row]:
    return ([date.fromisoformat(label), *counts] for label, counts in chart.bars)


def _ask(context: Context, name: str, **asked: Any) -> Figures:
    """The figures, as long as the run may go on."""
    try:
        return context.figures(name, closing=context.closing, **asked)
    except Exception:
        # What a database says whose answer was cut short is the deadline or a cancellation.
        context.check()
        raise


def _jobs(context: Context, period: Period, days: Days) -> Iterator[Mapping[str, Any]]:
    window = {"since": period.since, "until": period.until}
    for row in _paged(context, "jobs", lambda last: (last["name"], last["id"]), **window):
        rate = success_rate(row["succeeded"], row["failed"], row["timed_out"])
        yield {**row, "schedule": _schedule(row), "success_rate": rate}


def _schedule(row: Mapping[str, Any]) -> str | None:
    match row["schedule_type"]:
        case "CRON":
            return f"{row['cron_expression']} ({row['timezone'] or 'UTC'})"
        case "INTERVAL":
            return f"every {row['interval_seconds']:,} s"
        case "ONCE" if row["run_at"]:
            return f"once at {row['run_at']:%Y-%m-%d %H:%M} UTC"
        case _:
            return None


def _ended(context: Context, period: Period, days: Days) -> Iterator[Mapping[str, Any]]:
    return ({"day": day, **row} for day, figures in days.items() for row in figures)


def _late_and_failed(context: Context, period: Period, days: Days) -> Iterator[Mapping[str, Any]]:
    return _newest_days(context, period, "late_and_failed", "scheduled_time")


def _dead_letters(context: Context, period: Period, days: Days) -> Iterator[Mapping[str, Any]]:
    return _newest_days(context, period, "dead_letters", "created_at")


def _newest_days(context: Context, period: Period, name: str, column: str) -> Iterator[Mapping[str, Any]]:
    """Day by day, so that no question takes longer than a day's rows."""
    for _, since, until in reversed(list(period.windows())):
        yield from _paged(context, name, lambda last: (last[column], last["id"]), since=since, until=until)


def _paged(
    context: Context, name: str, mark: Callable[[Mapping[str, Any]], object], **window: Any
) -> Iterator[Mapping[str, Any]]:
    after = None
    while True:
        page = _ask(context, name, after=after, most=PAGE, **window)
        yield from page
        if len(page) < PAGE:
            return
        after = mark(page[-1])


KINDS = {
    "JOB_SUMMARY": ReportKind(
        "Job summary",
        "Runs",
        (
            Column("name", "Job", width=7),
            Column("type", "Type", width=3),
            Column("status", "Status", width=4),
            Column("priority", "Priority", width=0),
            Column("owner_email", "Owner", width=7),
            Column("schedule", "Schedule", width=6),
            Column("runs", "Runs", Kind.NUMBER, width=3),
            Column("succeeded", "Succeeded", Kind.NUMBER, width=4),
            Column("failed", "Failed", Kind.NUMBER, width=3),
            Column("timed_out", "Timed out", Kind.NUMBER, width=3),
            Column("cancelled", "Cancelled", Kind.NUMBER, width=4),
            Column("skipped", "Skipped", Kind.NUMBER, width=3),
            Column("success_rate", "Success rate", Kind.SHARE, width=3),
            Column("average_ms", "Average", Kind.DURATION, width=3),
            Column("last_run", "Last run", width=4),
            Column("last_outcome", "Last outcome", width=4),
            Column("next_run", "Next run", width=4),
            Column("id", "Job id", width=0),
        ),
        _jobs,
    ),
    "EXECUTION_STATS": ReportKind(
        "Execution statistics",
        "Runs",
        (
            Column("day", "Day"),
            Column("type", "Type"),
            Column("ended", "Outcome"),
            Column("runs", "Runs", Kind.NUMBER),
            Column("average_ms", "Average", Kind.DURATION),
            Column("shortest_ms", "Shortest", Kind.DURATION),
            Column("longest_ms", "Longest", Kind.DURATION),
        ),
        _ended,
    ),
    "DEAD_LETTERS": ReportKind(
        "Dead letters",
        "Dead letters",
        (
            Column("created_at", "When", width=4),
            Column("job_name", "Job", width=6),
            Column("type", "Type", width=4),
            Column("status", "Status", width=3),
            Column("reason", "Reason", width=14),
            Column("replays", "Replays", Kind.NUMBER, width=2),
            Column("resolved_at", "Closed", width=4),
            Column("notes", "Notes", width=6),
            Column("signature", "Signature", width=0),
            Column("run_id", "Run id", width=0),
            Column("id", "Dead letter id", width=0),
        ),
        _dead_letters,
        daily="letters",
        group="status",
        tally="events",
        series=LETTERS,
    ),
    "LATE_AND_FAILED": ReportKind(
        "Late and failed runs",
        "Runs",
        (
            Column("scheduled_time", "Due", width=4),
            Column("job_name", "Job", width=6),
            Column("type", "Type", width=4),
            Column("start_time", "Started", width=4),
            Column("late_ms", "Late by", Kind.DURATION, width=3),
            Column("outcome", "Outcome", width=3),
            Column("duration_ms", "Took", Kind.DURATION, width=3),
            Column("attempt", "Attempt", Kind.NUMBER, width=2),
            Column("error_class", "Error class", width=4),
            Column("error", "Error", width=12),
            Column("id", "Run id", width=0),
        ),
        _late_and_failed,
    ),
}
