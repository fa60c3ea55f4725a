"""The pages of trials: a definition that nobody has saved, executed once and looked at."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from audit import denials
from chronos_site.clock import database_now
from jobs import definition
from jobs.draft import Draft
from jobs.views import job_of
from runs import trials
from runs.forms import ParametersForm, asked_by
from runs.trials import Trial

LIVE_SECONDS = 1


@require_POST
def job_test(request: HttpRequest) -> HttpResponse:
    """Try what the job form says; or tell what it lacks, or ask for its parameters."""
    user = person(request)
    job = job_of(request, request.POST["job"]) if request.POST.get("job") else None
    source = definition.of(job) if job else None
    draft = Draft(request.POST, user=user, at=timezone.now(), job=job, source=source)
    if draft.refusal:
        denials.note(request)
    tried = draft.to_try()
    if tried is None:
        return _shown(request, {"draft": draft})
    form = ParametersForm(request.POST, asked=asked_by(tried["payload"]))
    if form.asked and not (form.was_sent and form.is_valid()):
        shown = form if form.was_sent else ParametersForm(asked=form.asked)
        return _shown(request, {"draft": draft, "form": shown})
    trial = trials.start(
        tried,
        owner=job.owner if job else user,
        by=user,
        at=database_now(),
        job_id=job.pk if job else "",
        parameters=form.parameters if form.asked else {},
    )
    return _shown(request, _told(trial)) if _is_fragment(request) else redirect("trial_detail", trial.pk)


@require_safe
def trial_detail(request: HttpRequest, trial_id: str) -> HttpResponse:
    """What became of a trial so far."""
    return _shown(request, _told(_trial(request, trial_id)))


@require_POST
def trial_cancel(request: HttpRequest, trial_id: str) -> HttpResponse:
    trial = _trial(request, trial_id)
    trials.cancel(trial, at=database_now())
    trial.refresh_from_db()
    return _shown(request, _told(trial)) if _is_fragment(request) else redirect("trial_detail", trial.pk)


def _trial(request: HttpRequest, trial_id: str) -> Trial:
    return get_object_or_404(Trial.objects.visible_to(person(request)), pk=trial_id)


def _told(trial: Trial) -> dict[str, Any]:
    state = trial.state(database_now())
    live = LIVE_SECONDS if state in ("WAITING", "RUNNING") else None
    data = (trial.result or {}).get("data")
    shown = json.dumps(data, indent=2, ensure_ascii=False) if data else ""
    return {"trial": trial, "state": state, "live_seconds": live, "data": shown}


def _shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    inside = _is_fragment(request)
    return render(request, "runs/_trial.html" if inside else "runs/trial.html", {**context, "inside": inside})


def _is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, which puts the answer into the page that it has."""
    return bool(request.headers.get("HX-Request"))
