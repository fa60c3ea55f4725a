"""The inbox of dead letters, and one of them: groups, events and detail, side by side or each on its own."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import person
from accounts.models import User
from chronos_site.counting import Counts
from dashboard import letter_groups, paging
from dashboard.letter_filters import ACKNOWLEDGED, TEXTS, LetterFilters, Tab
from dashboard.letter_groups import Groups
from dashboard.letter_page import LetterPage
from dashboard.paging import Key, Order, Page
from dashboard.run_filters import WINDOWS
from jobs.models import Job
from runs.models import DeadLetter, DeadLetterQuerySet
from runs.triage import is_replaying

SIZE = 50
MOST_COUNTED = 10_000
_NEWEST_FIRST = Order((Key("created_at", paging.instant, descending=True), Key("pk", descending=True)))
# What stands in the line of an event: never its text.
_SHOWN = (
    "job__name",
    "run__attempt",
    "run_id",
    "status",
    "created_at",
    "resolved_at",
    "replays",
    "replayed_at",
    "replay_failed_at",
    "signature",
    "assignee__email",
)


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def dead_letter_list(request: HttpRequest) -> HttpResponse:
    """The groups that match, and the events of the one that is open, else of the first."""
    user, at = person(request), timezone.now()
    filters = LetterFilters.read(request.GET, user, at)
    target = request.headers.get("HX-Target") if request.headers.get("HX-Request") else ""
    context: dict[str, Any] = {"now": at, "filters": filters}
    if target == "groups":
        context |= {**_groups(request, filters), "opened": filters}
        return render(request, "dashboard/dead_letters/_groups.html", context)
    if target == "events":
        context |= {**_events(request, filters), "beside": request.GET.get("beside", "")}
        return render(request, "dashboard/dead_letters/_chosen.html", context)
    context |= _groups(request, filters)
    context |= _events(request, filters)
    if not (context["events"] and context["events"].rows):
        # No group is open, or the last of it was just decided: the first one is next.
        filters = replace(filters, signature="")
        first = next((group.signature for group in context["groups"].rows), "")
        context |= {**_events(request, replace(filters, signature=first)), "filters": filters}
    context |= {"chosen": bool(filters.signature), **_around(filters)}
    return render(request, "dashboard/dead_letters/list.html", context)


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def dead_letter_detail(request: HttpRequest, letter_id: str) -> HttpResponse:
    """One event; asked for by its pane, the pane alone."""
    user, at = person(request), timezone.now()
    letters = DeadLetter.objects.visible_to(user).select_related(
        "job__schedule", "job__owner", "job__payload", "run", "assignee", "closed_by"
    )
    letter = get_object_or_404(letters.defer("job__owner__password", "run__result"), pk=letter_id)
    asked = LetterFilters.read(request.GET, user, at)
    filters = LetterFilters(user, at, asked.conditions, letter.signature or "none")
    context = {"now": at, "filters": filters, "page": LetterPage.read(letter, user, at), "event_shown": True}
    if request.headers.get("HX-Request") and request.headers.get("HX-Target") == "event":
        return render(request, "dashboard/dead_letters/_event.html", context)
    return render(request, "dashboard/dead_letters/event.html", context)


def _groups(request: HttpRequest, filters: LetterFilters) -> dict[str, Any]:
    found: Groups = letter_groups.groups(filters, request.GET)
    lines = [(group, *letter_groups.pill(group.known, filters.user, filters.at)) for group in found.rows]
    return {"groups": found, "lines": lines}


def _events(request: HttpRequest, filters: LetterFilters) -> dict[str, Any]:
    """The events of the open group."""
    if not filters.signature:
        return {"events": None}
    query = QueryDict(mutable=True)
    for name in ("after", "before"):
        if cursor := request.GET.get(f"events_{name}"):
            query[name] = cursor
    page: Page[DeadLetter] = paging.page(filters.alike, _NEWEST_FIRST, query, SIZE, shown=_shown)
    return {"events": page, "opened": filters}


def _shown(letters: DeadLetterQuerySet) -> DeadLetterQuerySet:
    lines = letters.select_related("job", "run", "assignee").only(*_SHOWN)
    return lines.annotate(replaying=is_replaying())


def _around(filters: LetterFilters) -> dict[str, Any]:
    """Tabs, chips and the form of the filters."""
    user = filters.user
    visible = DeadLetter.objects.visible_to(user)
    parts = {tab.value: [visible.filter(part) for part in tab.parts(user)] for tab in Tab}
    counts = Counts.of(parts, MOST_COUNTED).read()
    return {
        "tabs": [(tab, filters.on(tab), counts[tab.value], tab is filters.tab) for tab in Tab],
        "chips": filters.chips(_job_name(filters, user)),
        "texts": [
            (name, words, filters.given.get(name, ""))
            for name, words in TEXTS.items()
            if name != "owner" or user.is_operator
        ],
        "windows": [(value, words) for value, (words, _) in WINDOWS.items()],
        "acknowledged": ACKNOWLEDGED.items(),
    }


def _job_name(filters: LetterFilters, user: User) -> str:
    if not (job := filters.given.get("job")):
        return ""
    return Job.objects.visible_to(user).filter(pk=job).values_list("name", flat=True).first() or "unknown"
