"""The calendar: how busy the coming week is, what collides, what ran, what fires next."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import person
from accounts.models import User
from dashboard import upcoming
from dashboard.busy_hour import BusyHour
from dashboard.forecast import BUDGET_SECONDS, FIRST_SECONDS, Forecast, forecast
from dashboard.quiet import Quiet
from dashboard.ran import SPANS, Chart, Window
from dashboard.upcoming import Conditions
from dashboard.viewer import ViewerZone
from dashboard.week import BUSY, UNITS, Week
from jobs.models import Type
from runs.models import Process

SHOWN_JOBS = 12


@require_safe
@vary_on_headers("HX-Request")
def calendar(request: HttpRequest) -> HttpResponse:
    """The week and one hour of it; for htmx, as long as the forecast grows, the part that it changes."""
    user, at = person(request), timezone.now()
    context = _context(request, user, at)
    inside = request.headers.get("HX-Request")
    if inside:
        return render(request, "dashboard/calendar/_week.html", context)
    context["quiet"] = Quiet.read(user, context["forecast"], at)
    return render(request, "dashboard/calendar/calendar.html", context)


@require_safe
def calendar_spread(request: HttpRequest) -> HttpResponse:
    """What spreading an hour would change, each change to be ticked or not."""
    context = _context(request, person(request), timezone.now())
    if context["hour"] is None:
        return redirect("calendar")
    return render(request, "dashboard/calendar/spread.html", context)


@require_safe
def calendar_ran(request: HttpRequest) -> HttpResponse:
    """What ran in an hour or a day."""
    at = timezone.now()
    window = _window(request, at)
    context = {"now": at, "window": window, "chart": Chart.read(person(request), window)}
    return render(request, "dashboard/calendar/ran.html", context)


@require_safe
def calendar_upcoming(request: HttpRequest) -> HttpResponse:
    """The next fires of the jobs that match."""
    at, conditions = timezone.now(), Conditions.read(request.GET)
    found = upcoming.fires(conditions.schedules(person(request)), at)
    context = {
        "now": at,
        "fires": found,
        "conditions": conditions,
        "types": Type.choices,
        "most": upcoming.MOST,
    }
    return render(request, "dashboard/calendar/upcoming.html", context)


@require_safe
def calendar_file(request: HttpRequest) -> HttpResponse:
    """The same fires for another calendar."""
    at, conditions = timezone.now(), Conditions.read(request.GET)
    found = upcoming.fires(conditions.schedules(person(request)), at)
    text = upcoming.icalendar(found, at, request.build_absolute_uri("/").rstrip("/"))
    headers = {"Content-Disposition": 'attachment; filename="chronos.ics"'}
    return HttpResponse(text, content_type="text/calendar; charset=utf-8", headers=headers)


def _window(request: HttpRequest, at: datetime) -> Window:
    """The hour or day that was asked for, else the current one, on the viewer's clock."""
    asked = request.GET.get("span", "hour")
    span = asked if asked in SPANS else "hour"
    local = (_instant(request.GET.get("from", "")) or at).astimezone(_zone(request))
    start = local.replace(minute=0, second=0, microsecond=0)
    return Window((start.replace(hour=0) if span == "day" else start).astimezone(UTC), span, at)


def _context(request: HttpRequest, user: User, at: datetime) -> dict[str, Any]:
    refreshing = "HX-Request" in request.headers
    found = forecast(user, at, seconds=BUDGET_SECONDS if refreshing else FIRST_SECONDS)
    week = Week(found, _zone(request), at, _slots(at), _unit(request))
    asked = request.GET.get("hour", "")
    everything = request.GET.get("all") == "1"
    return {
        "now": at,
        "forecast": found,
        "week": week,
        "hour": _hour(week, asked, found, user, at),
        "asked": asked,
        "others": _others(request),
        "shown": SHOWN_JOBS,
        "everything": everything,
        "asked_slice": "" if everything else f":{SHOWN_JOBS}",
        "back": f"{reverse('calendar')}?{urlencode({'hour': asked})}"
        if _instant(asked)
        else reverse("calendar"),
    }


def _others(request: HttpRequest) -> str:
    """The beginning of this page's addresses that ask for another hour."""
    query = request.GET.copy()
    query.pop("hour", None)
    return f"?{query.urlencode()}&" if query else "?"


def _zone(request: HttpRequest) -> Any:
    viewer: ViewerZone = getattr(request, "viewer_zone", ViewerZone())
    return viewer.zone


def _unit(request: HttpRequest) -> str:
    unit = request.GET.get("unit", BUSY)
    return unit if unit in UNITS else BUSY


def _slots(at: datetime) -> int:
    alive = Process.objects.alive(at).filter(kind=Process.Kind.WORKER)
    return alive.aggregate(slots=Sum("slots"))["slots"] or 0


def _hour(week: Week, asked: str, found: Forecast, user: User, at: datetime) -> BusyHour | None:
    """The hour that was asked for, else the busiest; None when nothing fires in the whole week."""
    instant = _instant(asked)
    cell = week.cell_at(instant) if instant else week.busiest
    if cell is None or not cell.steps or not (asked or cell.fires):
        return None
    return BusyHour.read(found, cell, user, at)


def _instant(asked: str) -> datetime | None:
    try:
        instant = parse_datetime(asked)
    except ValueError:
        return None
    # Far from now, it could leave the calendar in another zone.
    if instant is None or instant.tzinfo is None or abs(instant - timezone.now()) > timedelta(days=400):
        return None
    return instant
