"""What the shell shows around every page, asked for only where a page shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from accounts.models import Role, User
from chronos_site import __version__
from chronos_site.counting import Counts
from chronos_site.statements import compiled
from dashboard import search, wording
from dashboard.viewer import ViewerZone
from jobs.models import Job, JobSchedule
from notifications.models import Notification
from runs import stops
from runs.models import DeadLetter, Process, Run

MOST_COUNTED = 10_000
# The scheduler beats every few seconds; after this long it is worth a word.
SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True)
class Pulse:
    """When a scheduler last said that it lives, by the database's clock."""

    beat_at: datetime | None = None
    now: datetime | None = None

    @property
    def ticking(self) -> bool:
        return self.silence is not None and self.silence < SILENT_AFTER

    @property
    def silence(self) -> timedelta | None:
        return self.now - self.beat_at if self.now and self.beat_at else None

    @property
    def sentence(self) -> str:
        if self.silence is None:
            return "Scheduler not running"
        return f"Scheduler silent for {wording.rough_span(int(self.silence.total_seconds()))}"


class Shell:
    """Each part costs one query, when a page first shows it; nobody who is not signed in causes any."""

    version = __version__
    environment = settings.ENVIRONMENT

    def __init__(self, request: HttpRequest, *, with_schedules: bool = False) -> None:
        """`with_schedules` counts the broken ones too, in the same query, for the page that tells of them."""
        # A request refused early, for its host, has none.
        user = getattr(request, "user", None)
        self._user = user if isinstance(user, User) else None
        self._with_schedules = with_schedules
        self.section = request.path.strip("/").partition("/")[0]

    @cached_property
    def pulse(self) -> Pulse:
        last = _last_beat.first()
        return Pulse(*last) if last else Pulse()

    @cached_property
    def stops(self) -> list[stops.Shown]:
        """What people have stopped that concerns everyone.

        What the page counts around it says, where it has been counted, that there is nothing to ask for.
        """
        counts = vars(self).get("_counts", {})
        return [] if self._user is None or counts.get("stops") == "0" else stops.shown()

    @property
    def firing_paused(self) -> bool:
        return any(stop.kind == stops.Stop.Kind.FIRING for stop in self.stops)

    @property
    def palette(self) -> SafeString:
        """Where the person may go and what they may do from every page, as the palette lists it."""
        return self._places("dashboard/search/_found.html")

    @property
    def keys(self) -> SafeString:
        """The keys that lead to these places."""
        return self._places("_keys_places.html")

    def _places(self, template: str) -> SafeString:
        return _places(template, self._user.role, get_language()) if self._user else SafeString()

    @cached_property
    def _counts(self) -> dict[str, str]:
        """What the page counts around it, in one query."""
        if self._user is None:
            return {}
        return _counts(self._user, self._user.is_operator, self._with_schedules).read()

    @cached_property
    def jobs(self) -> str:
        return self._counts.get("jobs", "")

    @cached_property
    def dead_letters(self) -> str:
        """Waiting for a person; empty when none is."""
        return self._unless_none("dead_letters")

    @cached_property
    def live_runs(self) -> str:
        """Running now; empty when nothing is."""
        return self._unless_none("live_runs")

    @cached_property
    def failed_messages(self) -> str:
        """Messages that could not be delivered; empty when there are none."""
        return self._unless_none("failed_messages")

    @cached_property
    def broken_schedules(self) -> str:
        """Schedules that the scheduler took out of the plan; empty when none is, or none was asked for."""
        return self._unless_none("broken_schedules")

    def _unless_none(self, name: str) -> str:
        counted = self._counts.get(name, "")
        return "" if counted == "0" else counted


@compiled
def _last_beat() -> "QuerySet[Process, Any]":
    schedulers = Process.objects.filter(kind=Process.Kind.SCHEDULER, stopped_at=None)
    return schedulers.order_by("-beat_at").values_list("beat_at", Now())[:1]


# What is counted differs by person and role, and to compile it takes longer than to count.
@lru_cache(maxsize=256)
def _counts(user: User, _is_operator: bool, with_schedules: bool) -> Counts:
    asked: dict[str, list[QuerySet[Any]]] = {
        "jobs": [Job.objects.visible_to(user)],
        "live_runs": [Run.objects.visible_to(user).running()],
        "dead_letters": [DeadLetter.objects.visible_to(user).pending()],
        "failed_messages": [Notification.objects.visible_to(user).failed()],
        "stops": [stops.Stop.objects.of_all()],
    }
    if with_schedules:
        asked["broken_schedules"] = [JobSchedule.objects.visible_to(user).broken()]
    return Counts.of(asked, MOST_COUNTED)


@cache
def _places(template: str, role: Role, _language: str | None) -> SafeString:
    # A third of what a short page takes, were it drawn each time; only these make a difference.
    return render_to_string(template, {"groups": search.places(role)})


def shell(request: HttpRequest) -> dict[str, Any]:
    """`shell`, `now`, and the viewer's zone; a view's own `now` goes before this one."""
    viewer: ViewerZone = getattr(request, "viewer_zone", ViewerZone())
    return {
        "shell": Shell(request),
        "now": timezone.now(),
        "viewer_zone": viewer,
        "zone_choice": viewer.choice,
    }
