"""What operators do from the system page: each view translates one POST into one action."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import page_of, person
from chronos_site.clock import database_now
from chronos_site.counting import counted
from jobs.models import JobSchedule
from runs import processes, stops
from runs.models import Process, Run
from runs.processes import StillAlive
from runs.stops import RANKS, NotSo

MOST_COUNTED = 10_000
read_or_write = require_http_methods(["GET", "HEAD", "POST"])


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(
        label=_("Note"), required=False, max_length=255, help_text=_("Why; the audit trail keeps it.")
    )


@read_or_write
def firing_stop(request: HttpRequest) -> HttpResponse:
    """What will not happen, and then the deed."""
    user, at = person(request), database_now()
    form = NoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        note = form.cleaned_data["note"]
        told = "All firing is paused: nothing fires until somebody resumes it."
        return _done(request, told, lambda: stops.stop_firing(by=user, at=at, note=note))
    armed = JobSchedule.objects.filter(next_fire_at__isnull=False)
    context = {
        "form": form,
        "armed": counted(armed, MOST_COUNTED),
        "soon": counted(JobSchedule.objects.due(at + stops.SOON), MOST_COUNTED),
        "waiting": counted(Run.objects.pending(), MOST_COUNTED),
        "running": counted(Run.objects.running(), MOST_COUNTED),
    }
    return render(request, "runs/stop_firing.html", context)


@require_POST
def firing_resume(request: HttpRequest) -> HttpResponse:
    user = person(request)
    told = "Firing goes on. Ticks that came meanwhile follow their jobs' rules for missed fires."
    return _done(request, told, lambda: stops.resume_firing(by=user, at=database_now()), page_of(request))


@read_or_write
def queue_stop(request: HttpRequest, name: str) -> HttpResponse:
    """What will not happen, and then the deed."""
    user, at = person(request), database_now()
    form = NoteForm(request.POST if request.method == "POST" else None)
    rank = _rank(name)
    if form.is_valid():
        note = form.cleaned_data["note"]
        told = f"The queue {name} is paused: no worker claims its runs."
        return _done(request, told, lambda: stops.stop_queue(name, by=user, at=at, note=note))
    context = {
        "form": form,
        "name": name,
        "waiting": counted(Run.objects.pending().filter(priority=rank), MOST_COUNTED),
        "running": counted(Run.objects.running().filter(priority=rank), MOST_COUNTED),
    }
    return render(request, "runs/stop_queue.html", context)


@require_POST
def queue_resume(request: HttpRequest, name: str) -> HttpResponse:
    user = person(request)
    _rank(name)
    told = f"The queue {name} goes on."
    return _done(request, told, lambda: stops.resume_queue(name, by=user), page_of(request))


@read_or_write
def worker_drain(request: HttpRequest, name: str) -> HttpResponse:
    """What will not happen, and then the deed."""
    user, at = person(request), database_now()
    worker = _worker(name)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        note = form.cleaned_data["note"]
        told = f"{name} claims no more and finishes what it has."
        return _done(request, told, lambda: stops.drain_worker(worker, by=user, at=at, note=note))
    running = Run.objects.running().filter(worker_id=name)
    others = Process.objects.alive(at).filter(kind=Process.Kind.WORKER).exclude(pk=name)
    context = {
        "form": form,
        "worker": worker,
        "running": counted(running, MOST_COUNTED),
        "others": others.count(),
    }
    return render(request, "runs/drain_worker.html", context)


@require_POST
def worker_undrain(request: HttpRequest, name: str) -> HttpResponse:
    user = person(request)
    worker = _worker(name)
    return _done(request, f"{name} claims runs again.", lambda: stops.undrain_worker(worker, by=user))


@require_POST
def worker_forget(request: HttpRequest, name: str) -> HttpResponse:
    user = person(request)
    worker = _worker(name)
    told = f"{name} is forgotten; if it comes back, it is shown again."
    return _done(request, told, lambda: processes.forget(worker, by=user, at=database_now()))


def _rank(name: str) -> int:
    if name not in RANKS:
        raise Http404
    return RANKS[name]


def _worker(name: str) -> Process:
    return get_object_or_404(Process.objects.filter(kind=Process.Kind.WORKER, stopped_at=None), pk=name)


def _done(request: HttpRequest, told: str, act: Callable[[], Any], back: str = "") -> HttpResponse:
    """Do it and go back; or say with 409 why it cannot be done now."""
    try:
        act()
    except (NotSo, StillAlive) as refusal:
        context = {"sentence": str(refusal), "back": page_of(request)}
        return render(request, "409.html", context, status=409)
    messages.success(request, told)
    return redirect(back or reverse("system"))
