"""What people do with runs from a page: each view translates one POST into one action."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import is_ours, page_of, person
from chronos_site.clock import database_now
from jobs import definition, masking
from jobs.models import Job
from runs import actions
from runs.acknowledgements import NotAcknowledged
from runs.actions import BackfillInProgress, NoBackfill, NothingToSkip, RunHasEnded
from runs.backfill import BadRange, Proposal, propose
from runs.bulk import BulkHasEnded, CannotUndo, TooManyTargets
from runs.forms import BackfillForm, ParametersForm, asked_by
from runs.models import Run
from runs.triage import CannotSee, NotesMissing, NotWaiting, ReasonMissing, TooManyLetters

View = Callable[..., HttpResponse]
LONGEST_NOTE, LONGEST_NOTES = 255, 1000
REFUSALS = (
    RunHasEnded,
    BackfillInProgress,
    NoBackfill,
    TooManyLetters,
    NotesMissing,
    NothingToSkip,
    NotWaiting,
    BulkHasEnded,
    CannotUndo,
    TooManyTargets,
    CannotSee,
    ReasonMissing,
    NotAcknowledged,
)


def told_when(*refusals: type[Exception]) -> Callable[[View], View]:
    """Answer what cannot be done now, which one of these says, with 409 and the sentence that says why."""

    def guarding(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except refusals as refusal:
                context = {"sentence": str(refusal), "back": page_of(request)}
                return render(request, "409.html", context, status=409)

        return guarded

    return guarding


told_when_refused = told_when(*REFUSALS)


@require_http_methods(["GET", "HEAD", "POST"])
@told_when_refused
def job_run_now(request: HttpRequest, job_id: str) -> HttpResponse:
    """Start a run by hand and go to it; a job that asks for parameters is first given them on a page."""
    user, at = person(request), database_now()
    job = _job_with_plan(request, job_id)
    form = ParametersForm(request.POST or None, asked=_asked_by(job))
    if request.method == "POST" and (not form.asked or (form.was_sent and form.is_valid())):
        run = actions.run_now(job, by=user, at=at, parameters=form.parameters if form.asked else None)
        if run.available_at != at:
            messages.info(request, _("A run by hand was waiting already: this is it."))
        return redirect("run_detail", run.pk)
    if not form.asked:
        return redirect("job_detail", job.pk)
    shown = form if form.was_sent else ParametersForm(asked=form.asked, initial=_given_before(request, job))
    return render(request, "runs/run_now.html", {"job": job, "form": shown})


def _given_before(request: HttpRequest, job: Job) -> dict[str, str]:
    """What the run that `?as=` names was given, without what must not be shown."""
    run = Run.objects.filter(job=job, pk=request.GET.get("as", "").replace("\0", "")).first()
    given = run.given if run else {}
    shown = masking.anything(given)
    return {
        f"{ParametersForm.PREFIX}{name}": value for name, value in given.items() if shown.get(name) == value
    }


def _asked_by(job: Job) -> dict[str, str | None]:
    return asked_by(definition.of(job)["payload"])


@require_POST
def job_cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    """Stop a job for good; a move that its status does not allow is answered by the middleware."""
    user = person(request)
    job = get_object_or_404(Job.objects.visible_to(user), pk=job_id)
    actions.cancel_job(job, by=user, at=database_now(), note=typed(request, "note", LONGEST_NOTE))
    messages.success(request, _("%(name)s is cancelled: it fires no more.") % {"name": job.name})
    return redirect(way_back(request) or reverse("job_detail", args=[job.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
@told_when_refused
def job_skip(request: HttpRequest, job_id: str) -> HttpResponse:
    """What skipping the next fire means, and then the deed."""
    job, at = _job_with_plan(request, job_id), database_now()
    if request.method == "POST":
        tick, note = _instant(request.POST.get("tick", "")), typed(request, "note", LONGEST_NOTE)
        actions.skip_next(job, tick=tick, by=person(request), at=at, note=note)
        messages.success(request, _("%(name)s skips its next fire.") % {"name": job.name})
        return redirect(way_back(request) or reverse("job_detail", args=[job.pk]))
    following = actions.after_skipping(job.schedule, at)
    return render(request, "runs/skip.html", {"job": job, "following": following})


@require_POST
@told_when_refused
def run_cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    """End a waiting run, or ask the worker of a running one to stop."""
    user = person(request)
    run = get_object_or_404(Run.objects.visible_to(user), pk=run_id)
    actions.cancel_run(run, by=user, at=database_now())
    run.refresh_from_db()
    messages.success(
        request,
        _("Cancelled before it started.")
        if run.outcome
        else _("Asked to stop: the worker ends it within seconds."),
    )
    return redirect(way_back(request) or reverse("run_detail", args=[run.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
@told_when_refused
def job_backfill(request: HttpRequest, job_id: str) -> HttpResponse:
    """Run past ticks of a job: GET with a range shows what would run, POST starts it."""
    job = _job_with_plan(request, job_id)
    if request.method == "POST":
        form = BackfillForm(request.POST, asked=_asked_by(job))
        if form.is_valid() and (count := _start_backfill(request, job, form)):
            told = ngettext(
                "%(count)s run of the backfill on the way.",
                "%(count)s runs of the backfill on the way.",
                count,
            )
            messages.success(request, told % {"count": f"{count:,}"})
            return redirect("job_detail", job.pk)
        return render(request, "runs/backfill.html", {"job": job, "form": form})
    form = BackfillForm(request.GET if "since" in request.GET else None, asked=_asked_by(job))
    found = _proposal(job, form) if form.is_valid() else None
    return render(request, "runs/backfill.html", {"job": job, "form": form, "found": found})


def _job_with_plan(request: HttpRequest, job_id: str) -> Job:
    jobs = Job.objects.visible_to(person(request)).select_related("schedule", "payload")
    return get_object_or_404(jobs, pk=job_id)


def _start_backfill(request: HttpRequest, job: Job, form: BackfillForm) -> int:
    try:
        given = form.parameters if form.asked else None
        return actions.backfill(job, by=person(request), at=database_now(), parameters=given, **form.range)
    except BadRange as bad:
        form.add_error(bad.field, bad.message)
        return 0


def _proposal(job: Job, form: BackfillForm) -> Proposal | None:
    try:
        return propose(job.schedule, at=database_now(), **form.range)
    except BadRange as bad:
        form.add_error(bad.field, bad.message)
        return None


@require_POST
@told_when_refused
def job_backfill_cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    """End what waits of a backfill."""
    user = person(request)
    job = get_object_or_404(Job.objects.visible_to(user), pk=job_id)
    actions.cancel_backfill(job, by=user, at=database_now())
    messages.success(request, _("The backfill is cancelled; a run that was under way is asked to stop."))
    return redirect("job_detail", job.pk)


def typed(request: HttpRequest, name: str, most: int) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def _instant(text: str) -> datetime | None:
    """The instant that a page sent back; None for anything else."""
    with suppress(ValueError):
        instant = parse_datetime(text)
        return instant if instant and is_aware(instant) else None
    return None


def way_back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    return address if is_ours(request, address) else ""
