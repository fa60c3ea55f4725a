"""One search for everything: jobs, views, tags, runs, dead letters, pages and commands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import person
from accounts.models import Role, User
from dashboard.filters import plain
from dashboard.models import SavedView
from dashboard.places import COMMANDS, PAGES, Place, named
from jobs import moves, rights, tags
from jobs.executors import TYPES
from jobs.models import Job
from runs.models import DeadLetter, Run

SHOWN = 6
TAGS_SHOWN = 2
# The newest jobs that match are put in order; of dead letters, the newest are looked through.
LOOKED_AT = 50
LETTERS_LOOKED_AT = 100
MOST_WORDS = 5
REASON_START = 200
# The drawing of the list that a view is of, and its name.
VIEWS_OF = {"job_list": ("jobs", "jobs"), "run_list": ("runs", "runs")}
# What may be done with a job that is named after the word.
DEEDS = {
    "pause": (_("Pause %(name)s…"), "job_pause", "pause"),
    "edit": (_("Edit %(name)s…"), "job_edit", "edit"),
    "backfill": (_("Backfill %(name)s…"), "job_backfill", "replay"),
    "delete": (_("Delete %(name)s…"), "job_delete", "trash"),
}
_START_OF_ID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{5,25}")


@dataclass(frozen=True)
class Found:
    """One thing that a search leads to; `state` is a job's or run's, `key` what is pressed to get there."""

    title: str
    address: str
    icon: str
    aside: str = ""
    key: str = ""
    state: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Group:
    """Things of one kind, and the list that has them all."""

    title: str
    found: Sequence[Found]
    more: str = ""


@require_safe
@vary_on_headers("HX-Request")
def search(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx the groups that it includes."""
    text = plain(request.GET.get("q", ""))
    template = "_found.html" if request.headers.get("HX-Request") else "page.html"
    context = {"text": text, "groups": groups(person(request), text)}
    return render(request, f"dashboard/search/{template}", context)


def groups(user: User, text: str) -> list[Group]:
    """What the person may see that matches the text, in bounded queries; without text, where one may go."""
    words = text.lower().split()[:MOST_WORDS]
    things = []
    if words:
        things = [
            _deeds(user, words),
            _runs(user, text),
            _jobs(user, text, words),
            _views(user, words),
            _tags(user, text),
            _letters(user, words),
        ]
    return [group for group in (*things, *places(user.role, words)) if group.found]


def places(role: Role, words: Sequence[str] = ()) -> list[Group]:
    """Where somebody of the role may go and what they may do from any page, by words in lower case."""
    return [
        Group("Go to", _found(named(role, PAGES, words))),
        Group("Do", _found(named(role, COMMANDS, words))),
    ]


def _found(places: Sequence[Place]) -> list[Found]:
    return [Found(place.title, place.address, place.icon, key=place.key) for place in places]


def _deeds(user: User, words: list[str]) -> Group:
    """What `pause invoices` asks for, of the jobs with this name: pages that ask before anything happens."""
    verb, *rest = words
    if verb not in DEEDS or not rest:
        return Group("Do", [])
    words_for, address, icon = DEEDS[verb]
    found = [
        Found(gettext(words_for) % {"name": job.name}, reverse(address, args=[job.pk]), icon)
        for job in _matching(user, " ".join(rest), rest)
        if _may(user, verb, job)
    ]
    return Group("Do", found[:SHOWN])


def _may(user: User, verb: str, job: Job) -> bool:
    if verb == "pause":
        return moves.Event.PAUSE in moves.allowed(job.status)
    return verb != "edit" or not rights.refusal(user, job.type)


def _jobs(user: User, text: str, words: list[str]) -> Group:
    """The newest jobs that match, those first whose names begin with the text."""
    jobs = _matching(user, text, words)
    found = [
        Found(job.name, reverse("job_detail", args=[job.pk]), TYPES[job.type].icon, state=job.status)
        for job in jobs[:SHOWN]
    ]
    more = f"{reverse('job_list')}?{urlencode({'q': text})}" if len(jobs) > SHOWN and len(words) == 1 else ""
    return Group("Jobs", found, more)


def _matching(user: User, text: str, words: Sequence[str]) -> list[Job]:
    matches = _in_name(words)
    if ids := _ids(text):
        matches |= Q(pk__range=ids)
    matching = Job.objects.visible_to(user).filter(matches).order_by("-pk")
    jobs = list(matching.only("name", "type", "status")[:LOOKED_AT])
    jobs.sort(key=lambda job: (job.name.lower() != text.lower(), _place_in(job.name, text), job.name))
    return jobs


def _in_name(words: Sequence[str]) -> Q:
    matches = Q()
    for word in words:
        matches &= Q(name__icontains=word)
    return matches


def _views(user: User, words: Sequence[str]) -> Group:
    """Views of lists, their own and those that others share."""
    views = SavedView.objects.visible_to(user).filter(_in_name(words)).order_by("name", "pk")[:SHOWN]
    return Group("Views", [Found(view.name, view.address, *VIEWS_OF[view.page]) for view in views])


def _place_in(name: str, text: str) -> int:
    place = name.lower().find(text.lower())
    return place if place >= 0 else len(name)


def _tags(user: User, text: str) -> Group:
    names = tags.in_use(user, text, TAGS_SHOWN)
    return Group(
        "Tags",
        [Found(name, f"{reverse('job_list')}?{urlencode({'tag': name})}", "tag", "jobs") for name in names],
    )


def _runs(user: User, text: str) -> Group:
    """The newest runs whose id begins with the text."""
    if not (ids := _ids(text)):
        return Group("Runs", [])
    runs = Run.objects.visible_to(user).filter(pk__range=ids).select_related("job").order_by("-pk")
    shown = runs.only("outcome", "start_time", "skip_reason", "scheduled_time", "job__name")[:SHOWN]
    found = [
        Found(
            run.job.name,
            reverse("run_detail", args=[run.pk]),
            "runs",
            state=run.state,
            at=run.scheduled_time,
        )
        for run in shown
    ]
    return Group("Runs", found)


def _letters(user: User, words: list[str]) -> Group:
    """The newest dead letters that wait, by their job's name and how their reason begins; any by its id."""
    letters = DeadLetter.objects.visible_to(user)
    columns = ("pk", "job__name", "created_at", Left("failure_reason", REASON_START))
    if ids := _ids(" ".join(words)):
        told = letters.filter(pk__range=ids).order_by("-pk").values_list(*columns)[:SHOWN]
        return Group("Dead letters", [_letter(*row) for row in told])
    newest = letters.pending().order_by("-created_at").values_list(*columns)[:LETTERS_LOOKED_AT]
    found = [row for row in newest if all(word in f"{row[1]} {row[3]}".lower() for word in words)]
    more = f"{reverse('dead_letter_list')}?{urlencode({'q': ' '.join(words)})}" if len(found) > SHOWN else ""
    return Group("Dead letters", [_letter(*row) for row in found[:SHOWN]], more)


def _letter(pk: str, name: str, created_at: datetime, reason: str) -> Found:
    address = reverse("dead_letter_detail", args=[pk])
    return Found(name, address, "dlq", reason.partition("\n")[0], at=created_at)


def _ids(text: str) -> tuple[str, str] | None:
    """The first and the last id that begin with the text; None when it is no beginning of an id."""
    start = text.upper()
    return (start.ljust(26, "0"), start.ljust(26, "Z")) if _START_OF_ID.fullmatch(start) else None
