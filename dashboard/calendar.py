"""The calendar: how busy a week is or was, what collides, what ran, what fires next."""

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
from dashboard.filters import plain
from dashboard.forecast import BUDGET_SECONDS, FIRST_SECONDS, MOMENT, forecast
from dashboard.hours import HOUR, full_hour
from dashboard.quiet import Quiet
from dashboard.ran import SPANS, Chart, Window
from dashboard.ran_hours import RanHours
from dashboard.seven_days import SevenDays
from dashboard.upcoming import Conditions
from dashboard.viewer import ViewerZone
from dashboard.week import BUSY, UNITS, Cell, Week
from jobs.models import Type
from runs.models import Process

SHOWN_JOBS = 12
LONGEST_WEEK = 40


@require_safe
@vary_on_headers("HX-Request")
def calendar(request: HttpRequest) -> HttpResponse:
    """The week and one hour of it; for htmx, as long as the forecast grows, the part that it changes."""
    user, at = person(request), timezone.now()
    context = _context(request, user, at)
    if "HX-Request" in request.headers:
        return render(request, "dashboard/calendar/_grown.html", context)
    if context["forecast"]:
        context["quiet"] = Quiet.read(user, context["forecast"], max(at, context["days"].begin))
    return render(request, "dashboard/calendar/calendar.html", context)


@require_safe
def calendar_spread(request: HttpRequest) -> HttpResponse:
    """What spreading an hour would change, each change to be ticked or not."""
    context = _context(request, person(request), timezone.now())
    if context["hour"] is None:
        return redirect(context["back"])
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
    week = _week(request, user, at)
    asked = request.GET.get("hour", "")
    cell = _cell(week, asked)
    hour = BusyHour.read(week.forecast, cell, user, at) if cell and cell.steps and week.forecast else None
    everything = request.GET.get("all") == "1"
    return {
        "now": at,
        "forecast": week.forecast,
        "week": week,
        "days": week.days,
        "cell": cell,
        "hour": hour,
        "asked": asked,
        "others": _others(request),
        "shown": SHOWN_JOBS,
        "everything": everything,
        "asked_slice": "" if everything else f":{SHOWN_JOBS}",
        "back": _back(week, asked),
    }


def _week(request: HttpRequest, user: User, at: datetime) -> Week:
    """The days that were asked for: what ran in the hours that are over, a forecast of the others."""
    days = SevenDays.read(plain(request.GET.get("week", ""))[:LONGEST_WEEK], at, _zone(request))
    # A moment of its own for who waits for the page: what is missing comes with the next refresh.
    seconds = BUDGET_SECONDS if "HX-Request" in request.headers else FIRST_SECONDS
    found = None
    if not days.over:
        found = forecast(user, at, days.begin if days.ahead else None, seconds=seconds)
    slots = _slots(at) if found else 0
    return Week(found, days, at, slots, _unit(request), _past(user, days, at))


def _past(user: User, days: SevenDays, at: datetime) -> RanHours:
    """What ran in the days, as far as they are over."""
    # One's own runs have to be counted, which takes longer than this morning is worth.
    if days.from_today and not user.is_operator:
        return RanHours()
    # Hours are counted by UTC's: the last one begins before the last day ends.
    until = min(at, days.end + HOUR - MOMENT)
    return RanHours.read(user, full_hour(days.begin), full_hour(until), at)


def _cell(week: Week, asked: str) -> Cell | None:
    """The hour that was asked for, else the busiest; None when nothing happens in the whole week."""
    instant = _instant(asked)
    cell = week.cell_at(instant) if instant else week.busiest
    return cell if cell and (asked or cell.fires) else None


def _back(week: Week, asked: str) -> str:
    """The address of the calendar with these days and this hour."""
    kept = {"week": week.days.asked, "hour": asked if _instant(asked) else ""}
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"{reverse('calendar')}?{query}" if query else reverse("calendar")


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


def _instant(asked: str) -> datetime | None:
    try:
        instant = parse_datetime(asked)
    except ValueError:
        return None
    # Far from now, it could leave the calendar in another zone.
    if instant is None or instant.tzinfo is None or abs(instant - timezone.now()) > timedelta(days=400):
        return None
    return instant
