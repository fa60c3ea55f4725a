"""The pages where jobs are defined and steered."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import is_ours, page_of, person
from audit import denials
from chronos_site.clock import database_now
from chronos_site.counting import counted
from jobs import actions, definition, moves, spread, tags
from jobs.definition import Definition
from jobs.draft import SAVE, SAVE_AND_RUN, TYPING, Draft, preview_of
from jobs.executors import placeholders
from jobs.forms import ScheduleForm
from jobs.models import Job, JobVersion
from jobs.moves import Event
from jobs.pausing import PauseForm
from jobs.rights import refusal
from jobs.schedules import BadSchedule
from jobs.spread import CannotMove
from jobs.transfer import documents, exporting

MOST_COUNTED = 10_000
LONGEST_NOTE = 255
_MOVE = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})\.([0-9]{1,9})\.([0-9]{1,2})", re.ASCII)
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
read_or_write = require_http_methods(["GET", "HEAD", "POST"])


@read_or_write
def job_create(request: HttpRequest) -> HttpResponse:
    """A new job: blank, or with `?from=` like another one."""
    user, at = person(request), timezone.now()
    typed = request.POST if request.method == "POST" else None
    if "from" in request.GET:
        draft = Draft.copy(_job_to_change(request, request.GET["from"]), typed, user=user, at=at)
    elif typed is not None:
        draft = Draft(typed, user=user, at=at)
    else:
        draft = Draft.blank(request.GET, user=user, at=at)
    if _is_to_be_saved(request, draft):
        owner = draft.new_owner or user
        job = actions.create(draft.definition(), owner=owner, by=user, at=database_now())
        return _saved(request, job)
    return _page(request, draft)


@read_or_write
def job_edit(request: HttpRequest, job_id: str) -> HttpResponse:
    """The definition of a job; one that somebody else has saved meanwhile is not overwritten unasked."""
    user = person(request)
    job = _job_to_change(request, job_id)
    draft = Draft.of(job, request.POST if request.method == "POST" else None, user=user, at=timezone.now())
    if _is_to_be_saved(request, draft):
        version = _version(request)
        try:
            # A new owner may be what the change is for: both, or neither.
            with transaction.atomic():
                job = actions.edit(
                    job, draft.definition(), by=user, at=database_now(), note=draft.note, version=version
                )
                if (owner := draft.new_owner) and owner != job.owner:
                    actions.hand_over(job, owner, by=user)
        except actions.Stale as stale:
            return _page(request, draft, conflict=Conflict.read(stale.job, version), status=409)
        except actions.TypeIsFixed as fixed:
            draft.basics.add_error("type", str(fixed))
            return _page(request, draft)
        return _saved(request, job)
    return _page(request, draft)


@read_or_write
def schedule_preview(request: HttpRequest) -> HttpResponse:
    """What the schedule's fields say, as the fragment that the form includes."""
    asked = request.POST if request.method == "POST" else request.GET
    job = job_of(request, asked["job"]) if asked.get("job") else None
    shown = preview_of(ScheduleForm(asked), timezone.now(), person(request), job)
    return render(request, "jobs/_preview.html", {"preview": shown})


@require_safe
def tag_suggestions(request: HttpRequest) -> HttpResponse:
    """What the line of tags may be continued to, as the options of a list."""
    offered = tags.completions(person(request), request.GET.get("tags", "").replace("\0", ""))
    return render(request, "jobs/_tags.html", {"offered": offered})


@read_or_write
def job_pause(request: HttpRequest, job_id: str) -> HttpResponse:
    job = job_of(request, job_id)
    form = PauseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actions.pause(job, by=person(request), at=database_now(), **form.cleaned_data)
        told = _paused(job, form.cleaned_data["until"])
        messages.success(request, _undoable(told, "job_resume", job))
        return _back(request, job)
    return render(request, "jobs/pause.html", {"job": job, "form": form, "next": _next(request)})


@require_POST
def job_restore(request: HttpRequest, job_id: str, number: int) -> HttpResponse:
    """Go back to an earlier version; what speaks against it is told on a page."""
    job = _job_to_change(request, job_id)
    kept = get_object_or_404(job.versions, version=number)
    note = request.POST.get("note", "").replace("\0", "").strip()[:LONGEST_NOTE]
    seen, at = _version(request) or 0, database_now()
    try:
        actions.restore(job, kept, by=person(request), at=at, version=seen, note=note)
    except (actions.Stale, actions.TypeIsFixed, actions.NothingToRestore, BadSchedule) as refusal:
        context = {"sentence": str(refusal), "back": page_of(request)}
        return render(request, "409.html", context, status=409)
    messages.success(
        request, _("%(name)s is as it was in version %(number)s.") % {"name": job.name, "number": number}
    )
    return redirect("job_detail", job.pk)


@require_safe
def job_file(request: HttpRequest, job_id: str) -> HttpResponse:
    """The job's definition as a file that can be imported; secrets are masked."""
    job = job_of(request, job_id)
    text = documents.write(exporting.document([job]), "json")
    name = slugify(job.name)[:60] or job.pk
    disposition = f'attachment; filename="{name}.json"'
    return HttpResponse(text, content_type="application/json", headers={"Content-Disposition": disposition})


@require_POST
def job_resume(request: HttpRequest, job_id: str) -> HttpResponse:
    job = job_of(request, job_id)
    actions.resume(job, by=person(request), at=database_now())
    messages.success(request, _undoable(_("%(name)s fires again.") % {"name": job.name}, "job_pause", job))
    return _back(request, job)


@require_POST
def jobs_spread(request: HttpRequest) -> HttpResponse:
    """Let the jobs that were ticked fire later; one that has changed since keeps all of them as they are."""
    moves = _moves(request)
    try:
        actions.spread(moves, by=person(request), at=database_now())
    except (actions.Stale, CannotMove) as refusal:
        context = {"sentence": f"Nothing was moved. {refusal}", "back": page_of(request)}
        return render(request, "409.html", context, status=409)
    if moves:
        told = ngettext(
            "%(count)s job fires later. To undo it, go back to the version before on the job's page.",
            "%(count)s jobs fire later. To undo it, go back to the version before on each job's page.",
            len(moves),
        )
        messages.success(request, told % {"count": len(moves)})
    else:
        messages.warning(request, _("No job was ticked: nothing was moved."))
    return redirect(_next(request) or reverse("job_list"))


def _moves(request: HttpRequest) -> list[tuple[Job, int, int]]:
    """What was ticked, as job, version and minutes; what makes no sense, or is not theirs, is not there."""
    ticked = [_MOVE.fullmatch(each) for each in request.POST.getlist("move")[: spread.MOST]]
    if None in ticked:
        raise Http404
    asked = {each[1]: (int(each[2]), int(each[3])) for each in ticked if each}
    jobs = Job.objects.visible_to(person(request)).select_related("schedule", "payload", "owner")
    found = list(jobs.filter(pk__in=asked))
    if len(found) < len(asked):
        raise Http404
    return [(job, *asked[job.pk]) for job in found]


@read_or_write
def job_delete(request: HttpRequest, job_id: str) -> HttpResponse:
    """What goes with the job, and then the deed."""
    job = job_of(request, job_id)
    if request.method == "POST":
        actions.delete(job, by=person(request))
        messages.success(request, _("%(name)s is deleted.") % {"name": job.name})
        return redirect("job_list")
    context = {
        "job": job,
        "runs": counted(job.runs.all(), MOST_COUNTED),
        "dead_letters": counted(job.dead_letters.all(), MOST_COUNTED),
        "can_pause": Event.PAUSE in moves.allowed(job.status),
    }
    return render(request, "jobs/delete.html", context)


def job_of(request: HttpRequest, job_id: str) -> Job:
    """The job, when the person may see it; anything else is not there, whatever the id is made of."""
    jobs = Job.objects.visible_to(person(request)).select_related("schedule", "payload", "owner")
    if not _ULID.fullmatch(job_id):
        raise Http404
    return get_object_or_404(jobs, pk=job_id)


def _job_to_change(request: HttpRequest, job_id: str) -> Job:
    job = job_of(request, job_id)
    if sentence := refusal(person(request), job.type):
        raise PermissionDenied(sentence)
    return job


def _is_to_be_saved(request: HttpRequest, draft: Draft) -> bool:
    """Whether the person pressed a save button and there is nothing to complain about."""
    if request.POST.get("do") in (SAVE, SAVE_AND_RUN) and draft.payload.is_bound:
        if draft.refusal:
            denials.note(request)
        return draft.is_valid()
    draft.hush()
    return False


def _version(request: HttpRequest) -> int | None:
    typed = request.POST.get("version", "")
    return int(typed) if typed.isdecimal() and len(typed) < 10 else None


@dataclass(frozen=True)
class Conflict:
    """What somebody else has saved since the page was opened, and the definition that it was opened with."""

    theirs: JobVersion | None
    before: Definition

    @classmethod
    def read(cls, job: Job, version: int | None) -> "Conflict":
        opened = version or 0
        versions = job.versions.select_related("author").filter(version__in={job.version, opened})
        found = {each.version: each for each in versions}
        return cls(found.get(job.version), found[opened].definition if opened in found else {})


def _page(
    request: HttpRequest, draft: Draft, *, conflict: Conflict | None = None, status: int = 200
) -> HttpResponse:
    context = {"draft": draft, "job": draft.job, "conflict": conflict, "now": draft.at}
    # What changes while somebody types, and the page that includes it.
    template = "jobs/_typing.html" if request.POST.get("do") == TYPING else "jobs/form.html"
    return render(request, template, context, status=status)


def _saved(request: HttpRequest, job: Job) -> HttpResponse:
    if request.POST.get("do") == SAVE_AND_RUN:
        # 307 repeats this very POST at the run's own address: one click, two steps, no script.
        return HttpResponseRedirect(reverse("job_run_now", args=[job.pk]), status=307)
    messages.success(request, _("%(name)s is saved.") % {"name": job.name})
    if lacking := placeholders.without_default(definition.of(job)["payload"]):
        given, default = f"{{{{ param:{lacking[0]} }}}}", f"{{{{ param:{lacking[0]}=text }}}}"
        messages.warning(
            request,
            _("Its scheduled runs will fail: %(given)s has no default, as %(default)s has.")
            % {"given": given, "default": default},
        )
    return redirect("job_detail", job.pk)


def _paused(job: Job, until: datetime | None) -> str:
    if until is None:
        return gettext("%(name)s is paused.") % {"name": job.name}
    local = timezone.localtime(until)
    instant = f"{local:%a} {local.day} {local:%b, %H:%M}"
    if local.year != timezone.localtime().year:
        instant = f"{local.day} {local:%b %Y, %H:%M}"
    return gettext("%(name)s is paused until %(until)s.") % {"name": job.name, "until": instant}


def _undoable(told: str, undoing: str, job: Job) -> str:
    """The message with a button that takes it back; the form that it sends stands beside the messages."""
    button = (
        '{} <button class="btn btn-outline-secondary btn-sm" form="undo" data-key="u" formaction="{}">{}'
        "</button>"
    )
    return format_html(button, told, reverse(undoing, args=[job.pk]), _("Undo"))


def _next(request: HttpRequest) -> str:
    address = request.POST.get("next") or request.GET.get("next", "")
    return address if is_ours(request, address) else ""


def _back(request: HttpRequest, job: Job) -> HttpResponse:
    return redirect(_next(request) or reverse("job_detail", args=[job.pk]))
