"""The job list: what there is, how it does, what fires next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Q, Value, When
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from chronos_site.counting import counted
from dashboard import paging
from dashboard.filters import CHOICES, Chip, JobFilters
from dashboard.paging import Key, Order, Page
from jobs import moves
from jobs.executors import TYPES
from jobs.executors.base import JobType
from jobs.models import Job, JobQuerySet, Status
from jobs.schedules import BadSchedule, describe
from runs import history
from runs.history import BROKEN, Durations, Failures
from runs.models import Run

LATE_AFTER = timedelta(seconds=60)
MOST_COUNTED = 1000
MOST_ADVICE = 3
DESCRIPTION_START = 200
LIVE_SECONDS = 10

_WORST_FIRST = (
    Status.FAILED,
    Status.RUNNING,
    Status.SCHEDULED,
    Status.PAUSED,
    Status.PENDING,
    Status.CANCELLED,
    Status.SUCCEEDED,
)
_RANK = Case(*(When(status=status, then=Value(rank)) for rank, status in enumerate(_WORST_FIRST)))


@dataclass(frozen=True)
class Sort:
    words: str
    order: Order


SORTS = {
    "name": Sort("by name", Order((Key("name"), Key("pk")))),
    "status": Sort(
        "worst status first", Order((Key("rank", paging.whole), Key("name"), Key("pk")), {"rank": _RANK})
    ),
    "next": Sort(
        "next fire first",
        # Each job has a schedule: saying so makes an inner join, which a database may enter from either side.
        Order(
            (Key("schedule__next_fire_at", paging.instant, nullable=True), Key("pk")),
            where=Q(schedule__isnull=False),
        ),
    ),
    "updated": Sort(
        "last changed first",
        Order((Key("updated_at", paging.instant, descending=True), Key("pk", descending=True))),
    ),
}


@dataclass(frozen=True)
class View:
    """One of the lists that people open most, and whether this page is it."""

    words: str
    address: str
    chosen: bool


VIEWS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("All", ()),
    ("Failing now", (("failing", "1"),)),
    ("Running", (("status", "RUNNING"),)),
    ("Paused", (("status", "PAUSED"),)),
    ("Mine", (("owner", "me"),)),
)


@dataclass(frozen=True)
class Row:
    """One job as the list shows it. `runs` are its last ones, oldest first."""

    job: Job
    at: datetime
    runs: list[Run] = field(default_factory=list)

    @property
    def type(self) -> JobType:
        return TYPES[self.job.type]

    @property
    def state(self) -> str:
        """The job's status; for a scheduled one that is late, or whose last run failed, that instead."""
        if self.job.status != Status.SCHEDULED:
            return self.job.status
        if self.late:
            return "LATE"
        last = self._last
        return str(last.outcome) if last and last.outcome in BROKEN else self.job.status

    @property
    def late(self) -> bool:
        due = self.job.schedule.next_fire_at
        return due is not None and due < self.at - LATE_AFTER

    @property
    def waiting(self) -> float:
        """Seconds since the tick that is due came."""
        due = self.job.schedule.next_fire_at
        return (self.at - due).total_seconds() if due else 0

    @property
    def owner_name(self) -> str:
        return self.job.owner.email.partition("@")[0]

    @property
    def error(self) -> str:
        """How the error of the last run begins, when that run failed."""
        last = self._last
        if last is None or last.outcome not in BROKEN:
            return ""
        return getattr(last, "error_start", None) or last.error_class or ""

    @property
    def durations(self) -> Durations | None:
        return history.durations(self.runs)

    @property
    def reading(self) -> str:
        try:
            return describe(self.job.schedule.plan)
        except BadSchedule as bad:
            return bad.message

    @property
    def may(self) -> set[str]:
        """What may be done with the job now, by the names of `jobs.moves.Event`."""
        return {event.name for event in moves.allowed(self.job.status)} & {"PAUSE", "RESUME"}

    @property
    def _last(self) -> Run | None:
        return history.last_ended(self.runs)


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """A page of the jobs that the person may see and that match."""
    user, at = person(request), timezone.now()
    filters = JobFilters.read(request.GET, user, tuple(SORTS))
    sort = SORTS[filters.sort or "name"]
    visible = Job.objects.visible_to(user)
    # Among everyone's jobs, asking each for its last run takes seconds; people's own are few.
    failures = history.newest_failures() if filters.failing and user.is_operator else None
    matching = filters.apply(visible, user, failures)
    page = paging.page(_shown(matching), sort.order, request.GET)
    context = {
        "now": at,
        "live_seconds": LIVE_SECONDS,
        "page": page,
        "shown": sort.words,
        "failures": failures,
        "rows": _rows(page.rows, at),
        "advice": _advice(filters, visible, user, failures) if not page.rows else (),
        **_counts(filters, visible, matching, page),
        **_controls(filters, user),
    }
    return render(request, "dashboard/jobs/list.html", context)


def _controls(filters: JobFilters, user: User) -> dict[str, Any]:
    return {
        "filters": filters,
        "views": _views(filters, user),
        "choices": [
            (name, name.capitalize(), choices.choices, filters.values(name))
            for name, choices in CHOICES.items()
        ],
        "sorts": [(name, sort.words) for name, sort in SORTS.items()],
        "sort": filters.sort or "name",
    }


def _views(filters: JobFilters, user: User) -> list[View]:
    # Somebody who sees their own jobs only has no use for a view of them.
    offered = VIEWS if user.is_operator else VIEWS[:-1]
    return [
        View(words, JobFilters(conditions).address(), filters.conditions == conditions)
        for words, conditions in offered
    ]


def _shown(jobs: JobQuerySet) -> JobQuerySet:
    beginning = Left("description", DESCRIPTION_START)
    shown = jobs.select_related("schedule", "owner").defer("description", "owner__password")
    return shown.annotate(described=beginning)


def _counts(
    filters: JobFilters, visible: JobQuerySet, matching: JobQuerySet, page: Page[Job]
) -> dict[str, str]:
    # A page that is the whole list has been counted by looking at it.
    matches = str(len(page.rows)) if page.whole else counted(matching, MOST_COUNTED)
    return {"matches": matches, "total": counted(visible, MOST_COUNTED) if filters.conditions else matches}


def _rows(jobs: Sequence[Job], at: datetime) -> list[Row]:
    runs = history.last_runs([job.pk for job in jobs])
    return [Row(job, at, runs[job.pk]) for job in jobs]


def _advice(
    filters: JobFilters, visible: JobQuerySet, user: User, failures: Failures | None
) -> list[tuple[Chip, str]]:
    """How many jobs would match without one of the conditions, where that helps; the first few are tried."""
    found = []
    for condition in filters.conditions[:MOST_ADVICE]:
        matches = counted(filters.without(condition).apply(visible, user, failures), MOST_COUNTED)
        if matches != "0":
            found.append((filters.chip(condition), matches))
    return found
