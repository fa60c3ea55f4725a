"""The job list: what there is, how it does, what fires next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, Value, When
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from chronos_site.context import Shell
from chronos_site.counting import bounded, counted
from dashboard import columns, job_row, offered_views, paging, windows
from dashboard.conditions import MOST_TARGETS, Seeker
from dashboard.filters import Chip, JobFilters
from dashboard.job_row import Row
from dashboard.offered_views import Offered
from dashboard.paging import Key, Order, Page
from jobs.models import Job, JobQuerySet, Status

MOST_COUNTED = 1000
MOST_ADVICE = 2
DESCRIPTION_START = 200
MOST_TAGS = 12
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
        "worst status first",
        Order(
            (Key("rank", paging.whole), Key("name"), Key("pk")),
            {"rank": _RANK},
            parts=tuple(Q(status=status) for status in _WORST_FIRST),
        ),
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
        "last active first",
        Order((Key("updated_at", paging.instant, descending=True), Key("pk", descending=True))),
    ),
}


VIEWS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (_("All"), ()),
    (_("Failing now"), (("failing", "1"),)),
    (_("Late"), (("late", "1"),)),
    (_("Running"), (("status", "RUNNING"),)),
    (_("Paused"), (("status", "PAUSED"),)),
    (_("Within the hour"), (("fires", "1h"),)),
    (_("Mine"), (("owner", "me"),)),
)


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """A page of the jobs that the person may see and that match."""
    user, at = person(request), timezone.now()
    # The shell around the page counts all jobs anyway.
    shell = Shell(request)
    filters = JobFilters.read(request.GET, tuple(SORTS))
    sort = SORTS[filters.sort or "name"]
    seeker = Seeker(user, at)
    matching = filters.apply(seeker.visible, seeker)
    # Names are not looked through twice, for the page and for how many there are.
    look_to = MOST_COUNTED if filters.text else 0
    page = paging.page(matching, sort.order, request.GET, look_to=look_to, shown=_shown)
    rows = job_row.rows(page.rows, at)
    context = {
        "now": at,
        "live_seconds": LIVE_SECONDS,
        "page": page,
        "shown": sort.words,
        "rows": rows,
        "advice": _advice(filters, seeker) if not rows else (),
        "shell": shell,
        "total": shell.jobs,
        "matches": _matches(filters, seeker, matching, page) if filters.conditions else shell.jobs,
        **_controls(filters, user, rows),
        **columns.context(request),
        "looked_back_to": seeker.since,
        "hosts_looked_at": MOST_TARGETS if seeker.cut else None,
    }
    return render(request, "dashboard/jobs/list.html", context)


def _controls(filters: JobFilters, user: User, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "filters": filters,
        "offered": _offered(filters, user),
        "tags": _tags(filters, rows),
        "windows": [(value, words) for value, (words, _) in windows.AHEAD.items()],
        "between": windows.clock_times(filters.given.get("fires", "")),
        "sorts": [(name, sort.words) for name, sort in SORTS.items()],
        "sort": filters.sort or "name",
    }


def _offered(filters: JobFilters, user: User) -> Offered:
    # Somebody who sees their own jobs only has no use for a view of them.
    built_in = VIEWS if user.is_operator else VIEWS[:-1]
    addresses = [(words, JobFilters(conditions).address()) for words, conditions in built_in]
    return offered_views.of_jobs(addresses, filters.address(), user)


def _tags(filters: JobFilters, rows: Sequence[Row]) -> list[tuple[str, bool]]:
    """The tags asked for and the commonest of this page, and which of them are asked for."""
    chosen = filters.values("tag")
    seen = Counter(tag for row in rows for tag in row.tags if tag not in chosen)
    return [(tag, True) for tag in chosen] + [(tag, False) for tag, _ in seen.most_common(MOST_TAGS)]


def _shown(jobs: JobQuerySet) -> JobQuerySet:
    beginning = Left("description", DESCRIPTION_START)
    shown = jobs.select_related("schedule", "owner").defer("description", "owner__password")
    return shown.annotate(described=beginning)


def _matches(filters: JobFilters, seeker: Seeker, matching: JobQuerySet, page: Page[Job]) -> str:
    if page.seen is not None:
        return bounded(page.seen, MOST_COUNTED)
    if "failing" not in filters.given:
        return counted(matching, MOST_COUNTED)
    # What failed for good is known by its status; others are asked for their last run, which takes longer,
    # and need not be once there are enough.
    anyway = filters.without(("failing", "1")).apply(seeker.visible, seeker)
    failed = anyway.filter(status=Status.FAILED)[: MOST_COUNTED + 1].count()
    if failed > MOST_COUNTED:
        return bounded(failed, MOST_COUNTED)
    rest = matching.exclude(status=Status.FAILED)[: MOST_COUNTED + 1 - failed].count()
    return bounded(failed + rest, MOST_COUNTED)


def _advice(filters: JobFilters, seeker: Seeker) -> list[tuple[Chip, str]]:
    """How many jobs would match without one of the conditions, where that helps; the first few are tried."""
    found = []
    for condition in filters.conditions[:MOST_ADVICE]:
        matches = counted(filters.without(condition).apply(seeker.visible, seeker), MOST_COUNTED)
        if matches != "0":
            found.append((filters.chip(condition), matches))
    return found
