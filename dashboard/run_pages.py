"""A page of runs, whatever the conditions, without reading more of a large table than a page needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q
from django.http import QueryDict

from accounts.models import User
from dashboard import late, paging
from dashboard.branches import together
from dashboard.paging import BadCursor, Key, Order, Page
from dashboard.run_filters import RunFilters, State
from runs.models import Run, RunQuerySet

SIZE = 50
# No index knows who started a run: such lists look through the newest runs only.
WINDOW = 100_000

NEWEST = Order((Key("pk", descending=True),))
LAST_ENDED = Order((Key("end_time", paging.instant, descending=True), Key("pk", descending=True)))
LAST_DUE = Order(
    (Key("scheduled_time", paging.instant, descending=True), Key("attempt", paging.whole, descending=True))
)


@dataclass(frozen=True)
class Listed:
    """A page of runs; `searched` is how many of the newest runs were looked through, None for all."""

    page: Page[Run]
    searched: int | None = None


def listed(filters: RunFilters, user: User, query: QueryDict) -> Listed:
    """The page that the query asks for, in the order that an index gives.

    One job's runs come by their ticks, ended ones by their ends, and anything else by its id, which tells
    when a run was made.
    """
    runs = Run.objects.visible_to(user).select_related("job").defer("result", "job__description")
    if filters.triggers:
        runs = runs.filter(trigger__in=filters.triggers)
    if filters.job:
        own = runs.filter(_wanted(filters, user), job=filters.job)
        return Listed(paging.page(own, LAST_DUE, query, SIZE))
    if filters.ends and not filters.states and not filters.triggers:
        return Listed(_merged(runs, [end.runs & filters.within for end in filters.ends], query))
    matching = runs.filter(_wanted(filters, user))
    floor = _floor() if filters.ends or filters.triggers else None
    if floor:
        matching = matching.filter(pk__gte=floor)
    return Listed(paging.page(matching, NEWEST, query, SIZE), WINDOW if floor else None)


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


def _merged(runs: RunQuerySet, ends: Sequence[Q], query: QueryDict) -> Page[Run]:
    """One page of several kinds of ended runs: each gives its first rows, the first of all make the page."""
    forth, back = query.get("after"), query.get("before")
    try:
        if forth and (page := _turned(runs, ends, forth)):
            return page
        if back and (page := _turned(runs, ends, back, backwards=True)):
            return page
    except BadCursor:
        pass
    rows, more = _nearest(runs, ends)
    return Page(rows, after=LAST_ENDED.cursor(rows[-1]) if more else None)


def _turned(
    runs: RunQuerySet, ends: Sequence[Q], cursor: str, *, backwards: bool = False
) -> Page[Run] | None:
    """The page after or before the cursor; None when the first page says the same."""
    beyond = LAST_ENDED.beyond(LAST_ENDED.place(cursor), backwards=backwards)
    rows, more = _nearest(runs.filter(beyond), ends, backwards=backwards)
    if not rows or (backwards and not more):
        return None
    first, last = LAST_ENDED.cursor(rows[0]), LAST_ENDED.cursor(rows[-1])
    return Page(rows, before=first, after=last if more or backwards else None)


def _nearest(runs: RunQuerySet, ends: Sequence[Q], *, backwards: bool = False) -> tuple[list[Run], bool]:
    """The first rows of all kinds, newest first, and whether there are more."""
    branches = [
        LAST_ENDED.sorted(runs.filter(end), backwards=backwards).values("id", "end_time")[: SIZE + 1]
        for end in ends
    ]
    places = sorted(
        ((run.end_time, run.pk) for run in together(branches) if run.end_time), reverse=not backwards
    )
    found = runs.in_bulk([pk for _, pk in places[:SIZE]])
    rows = [found[pk] for _, pk in places[:SIZE] if pk in found]
    return rows[::-1] if backwards else rows, len(places) > SIZE
