"""The system page: schedulers, workers, queues, lateness, stores, storage, and what people have stopped."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from redis import RedisError

from accounts.access import person
from accounts.models import User
from chronos_site import __version__
from chronos_site.context import Pulse, Shell
from chronos_site.counting import counting
from dashboard import crew, late, vitals
from dashboard.lateness import Recent, Totals
from dashboard.notices import notices
from dashboard.storage import Storage
from dashboard.vitals import Processes, Scheduler
from jobs.models import Job, JobSchedule, Status, Type
from notifications.unheard import unheard
from runs import retention
from runs.models import Process
from runs.ring import store
from runs.stops import Shown, Stop

LIVE_SECONDS = 5
REMEMBERED_SECONDS = 30
_KEY = "plans"
MOST_UNHEARD = 1000


@require_safe
@vary_on_headers("HX-Request")
def system(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx the panels that it includes."""
    user = person(request)
    context = {**panels(user, timezone.now()), "live_seconds": LIVE_SECONDS}
    shell = Shell(request)
    shell.pulse = Pulse(context["scheduler"].beat_at, context["processes"].at)
    shell.stops = [Shown.of(stop) for stop in context["stops"] if stop.kind != Stop.Kind.WORKER]
    shell.live_runs = "" if context["running_count"] == "0" else context["running_count"]
    inside = request.headers.get("HX-Request")
    template = "dashboard/system/_panels.html" if inside else "dashboard/system/system.html"
    return render(request, template, {**context, "shell": shell})


def panels(user: User, at: datetime) -> dict[str, Any]:
    """Everything the panels show, in a constant number of bounded queries."""
    processes = Processes.read(at)
    running = late.running(user)
    stops = list(Stop.objects.select_related("by").order_by("since"))
    drained = {stop.name for stop in stops if stop.kind == Stop.Kind.WORKER}
    workers = crew.workers(processes, running, drained)
    recent, totals = Recent.read(at), Totals.read(at)
    plans = Plans.read()
    redis_ms = _redis_ms()
    kept = retention.rules()
    return {
        "now": at,
        "stops": stops,
        "processes": processes,
        "scheduler": Scheduler(processes),
        "schedulers": [(each, processes.silent(each)) for each in processes.of(Process.Kind.SCHEDULER)],
        "workers": workers[: crew.SHOWN],
        "more_workers": len(workers) - crew.SHOWN,
        "alive": sum(not each.silent for each in workers),
        "all_workers": len(workers),
        "slots": sum(each.process.slots for each in workers if not each.silent),
        "running_count": vitals.told(len(running), late.MOST_RUNNING),
        "recent": recent,
        "totals": totals,
        "queues": crew.queues(recent, stops, at),
        "firing": next((stop for stop in stops if stop.kind == Stop.Kind.FIRING), None),
        "plans": plans,
        "redis_ms": redis_ms,
        "version": __version__,
        "storage": Storage.read(totals.runs_a_day, kept),
        "notices": notices(
            processes,
            workers,
            broken=plans.broken,
            script_jobs=plans.scripts,
            unheard=plans.unheard,
            redis_ms=redis_ms,
            at=at,
        ),
    }


class Plans(NamedTuple):
    """How many jobs fire, are paused, cannot fire, are scripts or tell nobody; half a minute old at most."""

    active: int
    paused: int
    broken: int
    scripts: int
    next_fire_at: datetime | None
    unheard: str = "0"

    @classmethod
    def read(cls) -> "Plans":
        known: Plans | None = cache.get(_KEY)
        if known is None:
            known = cls._read()
            cache.set(_KEY, known, REMEMBERED_SECONDS)
        return known

    @classmethod
    def _read(cls) -> "Plans":
        rows = Job.objects.order_by().values_list("status", "type").annotate(Count("pk"))
        counts: Mapping[tuple[str, str], int] = {(status, kind): count for status, kind, count in rows}

        def of(*statuses: str) -> int:
            return sum(count for (status, _), count in counts.items() if status in statuses)

        found = JobSchedule.objects.aggregate(
            first=Min("next_fire_at"),
            broken=Count("pk", filter=~Q(problem="")),
            # The same for every row: asked along, it costs no query of its own.
            unheard=Max(counting(unheard(timezone.now()), MOST_UNHEARD)),
        )
        scripts = sum(count for (_, kind), count in counts.items() if kind == Type.SCRIPT)
        active = of(Status.SCHEDULED, Status.RUNNING)
        nobody = vitals.told(found["unheard"] or 0, MOST_UNHEARD)
        return cls(active, of(Status.PAUSED), found["broken"], scripts, found["first"], nobody)


def _redis_ms() -> float | None:
    """How long Redis takes to answer; None when it does not."""
    began = time.perf_counter()
    try:
        store(settings.REDIS_URL).ping()
    except RedisError:
        return None
    return (time.perf_counter() - began) * 1000
