"""A page of runs, whatever the conditions, without reading more of a large table than a page needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q
from django.http import QueryDict

from accounts.models import User
from chronos_site.branches import together
from dashboard import late, paging
from dashboard.paging import BadCursor, Key, Order, Page
from dashboard.run_filters import End, RunFilters, State
from runs.models import Run, RunQuerySet

SIZE = 50
# What no index knows is looked for among so many of the newest runs: of all, of a job, of each outcome.
WINDOW, JOB_WINDOW, END_WINDOW = 100_000, 20_000, 10_000

LAST_ENDED = Order((Key("end_time", paging.instant, descending=True), Key("pk", descending=True)))
LAST_DUE = Order(
    (Key("scheduled_time", paging.instant, descending=True), Key("attempt", paging.whole, descending=True))
)


def _shown(runs: RunQuerySet) -> RunQuerySet:
    return runs.select_related("job").defer("result", "job__description")


@dataclass(frozen=True)
class Listed:
    """A page of runs, and in words how far it looked; empty where it looked at all that match."""

    page: Page[Run]
    limit: str = ""


def listed(filters: RunFilters, user: User, query: QueryDict, size: int = SIZE) -> Listed:
    """The page that the query asks for, in the order that an index gives.

    One job's runs come by their ticks, ended ones by their ends, and anything else by its id, which tells
    when a run was made. Conditions that no index knows are looked for among the newest runs only.
    """
    runs = Run.objects.visible_to(user)
    rest = filters.rest & Q(trigger__in=filters.triggers) if filters.triggers else filters.rest
    if filters.job:
        return _of_job(runs.filter(rest), filters, user, query, size)
    if filters.ends and not filters.states and not filters.triggers:
        return _of_ends(runs.filter(rest), filters, query, size)
    matching = runs.filter(_wanted(filters, user) & rest)
    floor = _floor() if filters.ends or rest else None
    if floor:
        matching = matching.filter(pk__gte=floor)
    limit = f"Only the newest {WINDOW:,} runs were looked through." if floor else ""
    return Listed(paging.page(matching, paging.NEWEST, query, size, shown=_shown), limit)


def _of_job(runs: RunQuerySet, filters: RunFilters, user: User, query: QueryDict, size: int) -> Listed:
    wanted = _wanted(filters, user)
    ticks = Run.objects.filter(job=filters.job).order_by("-scheduled_time").values_list("scheduled_time")
    narrowed = len(filters.conditions) > 1
    last = ticks[JOB_WINDOW : JOB_WINDOW + 1].first() if narrowed else None
    if last:
        wanted &= Q(scheduled_time__gte=last[0])
    limit = f"Only the newest {JOB_WINDOW:,} runs of the job were looked through." if last else ""
    own = runs.filter(wanted, job=filters.job)
    return Listed(paging.page(own, LAST_DUE, query, size, shown=_shown), limit)


def _of_ends(runs: RunQuerySet, filters: RunFilters, query: QueryDict, size: int) -> Listed:
    ends = [end.runs & filters.within for end in filters.ends]
    if not filters.rest:
        return Listed(_merged(runs, ends, query, size))
    floors = [_end_floor(end, filters) for end in filters.ends]
    bounded = [
        end & Q(end_time__gte=floor) if floor else end for end, floor in zip(ends, floors, strict=True)
    ]
    limit = f"Only the newest {END_WINDOW:,} runs of each outcome were looked through." if any(floors) else ""
    return Listed(_merged(runs, bounded, query, size), limit)


def _end_floor(end: End, filters: RunFilters) -> datetime | None:
    """The end before which lie all but the newest runs that ended so; None where there are not so many."""
    newest = Run.objects.filter(end.runs & filters.within, end_time__isnull=False).order_by("-end_time")
    return newest.values_list("end_time", flat=True)[END_WINDOW : END_WINDOW + 1].first()


def _wanted(filters: RunFilters, user: User) -> Q:
    """That a run is in one of the states or ended in one of the ways; without any, every run is wanted."""
    kinds = [_in_state(state, filters, user) for state in filters.states]
    kinds += [end.runs & filters.within for end in filters.ends]
    return reduce(or_, kinds) if kinds else Q()


def _in_state(state: State, filters: RunFilters, user: User) -> Q:
    match state:
        case State.RUNNING:
            return Q(start_time__isnull=False, outcome=None)
        case State.PENDING:
            return Q(start_time=None, outcome=None)
        case State.DUE:
            return Q(start_time=None, outcome=None, available_at__lte=filters.at)
        case State.LATE:
            return Q(pk__in=late.late_ids(user, filters.at))


def _floor() -> str | None:
    """The id below which lies all but the newest runs; None where there are not so many."""
    return Run.objects.order_by("-pk").values_list("pk", flat=True)[WINDOW : WINDOW + 1].first()


def _merged(runs: RunQuerySet, ends: Sequence[Q], query: QueryDict, size: int) -> Page[Run]:
    """One page of several kinds of ended runs: each gives its first rows, the first of all make the page."""
    forth, back = query.get("after"), query.get("before")
    try:
        if forth and (page := _turned(runs, ends, forth, size)):
            return page
        if back and (page := _turned(runs, ends, back, size, backwards=True)):
            return page
    except BadCursor:
        pass
    rows, more = _nearest(runs, ends, size)
    return Page(rows, after=LAST_ENDED.cursor(rows[-1]) if more else None)


def _turned(
    runs: RunQuerySet, ends: Sequence[Q], cursor: str, size: int, *, backwards: bool = False
) -> Page[Run] | None:
    """The page after or before the cursor; None when the first page says the same."""
    beyond = LAST_ENDED.beyond(LAST_ENDED.place(cursor), backwards=backwards)
    rows, more = _nearest(runs.filter(beyond), ends, size, backwards=backwards)
    if not rows or (backwards and not more):
        return None
    first, last = LAST_ENDED.cursor(rows[0]), LAST_ENDED.cursor(rows[-1])
    return Page(rows, before=first, after=last if more or backwards else None)


def _nearest(
    runs: RunQuerySet, ends: Sequence[Q], size: int, *, backwards: bool = False
) -> tuple[list[Run], bool]:
    """The first rows of all kinds, newest first, and whether there are more."""
    branches = [
        LAST_ENDED.sorted(runs.filter(end), backwards=backwards).values("id", "end_time")[: size + 1]
        for end in ends
    ]
    places = sorted(
        ((run.end_time, run.pk) for run in together(branches) if run.end_time), reverse=not backwards
    )
    found = _shown(Run.objects.all()).in_bulk([pk for _, pk in places[:size]])
    rows = [found[pk] for _, pk in places[:size] if pk in found]
    return rows[::-1] if backwards else rows, len(places) > size
