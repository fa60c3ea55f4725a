"""The overview: is the engine well, what fails, what is late, what runs, what fires next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import person
from accounts.models import User
from chronos_site.context import Pulse, Shell
from chronos_site.statements import compiled
from dashboard import charts, failing, late, timeline, vitals, wording
from dashboard.charts import Column
from dashboard.due import Due, DueJob
from dashboard.hours import WINDOWS, Day, Hour, day, weeks
from dashboard.late import MOST_RUNNING, Missed, Progress, Running
from dashboard.lately import Lately, lately
from dashboard.vitals import Lag, Processes, Scheduler, Vitals, Waiting, Workers
from jobs.models import Job
from runs import history
from runs.models import DeadLetter, Outcome, Run

HOUR = timedelta(hours=1)
LIVE_SECONDS = 5
LABELLED_DAYS = 6
FAILING_SHOWN, LATE_SHOWN, RUNNING_SHOWN, LETTERS_SHOWN = 6, 6, 10, 3
_ENDED = urlencode([("outcome", outcome) for outcome in Outcome.values])


@require_safe
@vary_on_headers("HX-Request")
def overview(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx the panels that it includes."""
    user = person(request)
    if "first" in request.GET and Job.objects.visible_to(user).exists():
        # The page said that there was no job yet: now that there is one, it looks different as a whole.
        return HttpResponse(headers={"HX-Refresh": "true"})
    window = request.GET.get("window", "")
    found = panels(user, timezone.now(), window)
    context = {**found, "shell": _shell(request, found), "live_seconds": LIVE_SECONDS}
    whole = "overview" if "HX-Request" not in request.headers else "_panels"
    return render(request, f"dashboard/overview/{whole}.html", context)


def _shell(request: HttpRequest, found: dict[str, Any]) -> Shell:
    """The shell, told what the page knows already."""
    shell = Shell(request, with_schedules=True)
    scheduler: Scheduler = found["vitals"].scheduler
    shell.pulse = Pulse(scheduler.beat_at, scheduler.at)
    shell.live_runs = "" if found["running_count"] == "0" else found["running_count"]
    return shell


def panels(user: User, at: datetime, window: str = "") -> dict[str, Any]:
    """Everything the panels show, in a constant number of bounded queries."""
    processes = Processes.read(at)
    waiting = Waiting.read(user, at)
    recent = lately(user, at)
    fails = failing.failing_jobs(user, recent, at)
    running = late.running(user)
    past = history.last_runs(
        {job.pk for job in fails.jobs[:FAILING_SHOWN]} | {run.job_id for run in late.longest(running)}
    )
    progress = late.compared(running, past, at)
    due = Due.read(user, at)
    today = day(user, at)
    days = WINDOWS.get(window, 0)
    chart = weeks(user, days, at, today) if days else today
    scale = charts.per_hour([hour.counts for hour in chart.hours])
    runs = reverse("run_list")
    return {
        "now": at,
        "vitals": _vitals(user, processes, waiting, recent, running, at),
        "failing": fails,
        "failing_rows": list(failing.told(fails.jobs[:FAILING_SHOWN], past, recent)),
        "last_failure": recent.failed[0] if recent.failed else None,
        "late": Late(
            waiting,
            [each for each in progress if each.needs_a_look],
            _late_rows(user, at) if waiting.late else [],
            due.overdue,
            late.missed(user, at),
            at,
        ),
        "running": progress[:RUNNING_SHOWN],
        "running_count": vitals.told(len(running), MOST_RUNNING),
        "due": due,
        "letters": _letters(user),
        "day": today,
        "day_address": _ended(runs, today.start, today.start + HOUR * 24),
        "window": window if days else "24h",
        "windows": list(WINDOWS),
        "chart": chart,
        "chart_address": _ended(runs, chart.start, chart.end),
        "hours": _hours(chart, scale.columns, runs),
        "scale": scale,
        "timeline": timeline.timeline(recent, progress, due.ahead, at, more=due.more),
    }


def _vitals(
    user: User,
    processes: Processes,
    waiting: Waiting,
    recent: Lately,
    running: Sequence[Running],
    at: datetime,
) -> Vitals:
    busy = frozenset(run.worker for run in running if run.worker)
    slots = vitals.told(len(running), MOST_RUNNING)
    return Vitals(
        Scheduler(processes),
        Workers(processes, busy, slots),
        waiting,
        Lag.of(recent, at),
    )


def _late_rows(user: User, at: datetime) -> list[Run]:
    return list(late.waiting_late(user, at).select_related("job")[:LATE_SHOWN])


@dataclass(frozen=True)
class Late:
    """What is late: runs that missed a promise, that wait or need a look, and ticks that nobody fired."""

    waiting: Waiting
    running: list[Progress]
    rows: list[Run]
    overdue: list[DueJob]
    missed: list[Missed]
    at: datetime

    @cached_property
    def number(self) -> int:
        """How many runs are late, each counted once whatever it is late by."""
        running = {each.run.pk for each in self.running}
        missed = [each for each in self.missed if each.run.pk not in running and not each.waits_late(self.at)]
        return self.waiting.late + len(self.running) + len(missed)

    @property
    def count(self) -> str:
        return vitals.told(self.number, vitals.MOST_WAITING)

    def __bool__(self) -> bool:
        return bool(self.number or self.overdue)

    @property
    def missed_shown(self) -> list[Missed]:
        return self.missed[:LATE_SHOWN]

    @cached_property
    def _told(self) -> set[str]:
        return {each.run.pk for each in self.missed_shown}

    @property
    def shown(self) -> list[Progress]:
        return [each for each in self.running if each.run.pk not in self._told][:LATE_SHOWN]

    @property
    def waiting_shown(self) -> list[Run]:
        rows = [run for run in self.rows if run.pk not in self._told]
        return rows[: max(2, LATE_SHOWN - len(self.shown) - len(self.missed_shown))]

    @property
    def others(self) -> int:
        """How many late runs are not shown one by one."""
        return self.number - len(self.missed_shown) - len(self.shown) - len(self.waiting_shown)

    @property
    def silent(self) -> set[str]:
        """The ids of the runs whose worker is silent."""
        return {each.run.pk for each in self.running if each.stuck}


@compiled
def _letters(user: User) -> QuerySet[DeadLetter]:
    """The newest dead letters that wait for a person; the shell knows how many there are."""
    pending = DeadLetter.objects.pending().visible_to(user).order_by("-created_at")
    newest = pending.select_related("job").only("job__name", "run_id", "created_at")
    return newest.annotate(reason=Left("failure_reason", 300))[:LETTERS_SHOWN]


def _ended(runs: str, since: datetime, until: datetime) -> str:
    """The address of the list of runs, at `runs`, with those that ended in between."""
    between = urlencode({"since": wording.iso(since), "until": wording.iso(until)})
    return f"{runs}?{_ENDED}&{between}"


@dataclass(frozen=True)
class HourColumn:
    """One hour or day of the chart: its marks, the list of runs that they count, its label if it has one."""

    hour: Hour
    column: Column
    address: str
    middle: float
    label: str

    @property
    def words(self) -> str:
        """12:00 to 13:00, or the day."""
        if self.hour.is_day:
            return f"{wording.date(self.hour.start)} (UTC)"
        return f"{timezone.localtime(self.hour.start):%H:%M} to {timezone.localtime(self.hour.end):%H:%M}"


def _hours(chart: Day, drawn: Sequence[Column], runs: str) -> list[HourColumn]:
    step = charts.width_of(len(drawn)) / 2
    return [
        HourColumn(
            hour,
            column,
            _ended(runs, hour.start, hour.end),
            round(column.x + step, 1),
            _label(hour, len(drawn) - 1 - n),
        )
        for n, (hour, column) in enumerate(zip(chart.hours, drawn, strict=True))
    ]


def _label(hour: Hour, before_last: int) -> str:
    """What stands below a column: each sixth hour, or a day now and then."""
    if hour.is_day:
        return f"{hour.start.day} {hour.start:%b}" if before_last % LABELLED_DAYS == 0 else ""
    local = timezone.localtime(hour.start)
    return f"{local:%H:%M}" if local.hour % 6 == 0 else ""
