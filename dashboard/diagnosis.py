"""A diagnosis to send to whoever is asked for help: one file, in which no secret stands."""

import platform
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import distributions
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis import RedisError

from chronos_site import __version__
from chronos_site.logs import first_line
from dashboard import crew
from dashboard.lateness import Recent
from dashboard.vitals import Processes
from jobs import masking
from jobs.models import JobSchedule
from runs import doctor
from runs.models import Outcome, Run
from runs.ring import store
from runs.stops import Stop

# Of the runs of so many days the invariants are looked at.
DAYS = 1
MOST_ERRORS = 20
MOST_BROKEN = 50
# Those that tell how it is set up; whatever is not named here may be a secret, and stays out.
SETTINGS = (
    "DEBUG",
    "HTTPS",
    "BASE_URL",
    "ENVIRONMENT",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "TIME_ZONE",
    "MISFIRE_THRESHOLD_SECONDS",
    "CATCH_UP_CAP",
    "LEASE_SECONDS",
    "SLOTS",
    "STOP_GRACE_SECONDS",
    "DRAIN_LIFETIME_SECONDS",
    "LOG_LINES_LIMIT",
    "ARTEFACT_LIMIT_MB",
    "ALLOWED_NETWORKS",
    "FILE_ROOTS",
    "SCRIPT_ENABLED",
    "SCRIPT_USER",
    "EMAIL_HOST",
    "EMAIL_PORT",
)
# Of these the names that people gave to addresses, and not the addresses.
NAMES = ("BROKERS", "CACHE_REGIONS", "NAMED_DATABASES")


@require_safe
def diagnosis(request: HttpRequest) -> JsonResponse:
    """The file, for operators and administrators."""
    at = timezone.now()
    response = JsonResponse(read(at), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="chronos-diagnosis-{at:%Y%m%d-%H%M%S}.json"'
    return response


def read(at: datetime) -> Mapping[str, Any]:
    """How the installation is made up and what is wrong with it, as JSON."""
    told = {
        "made_at": at.isoformat(),
        "versions": _versions(),
        "settings": _settings(),
        "processes": _processes(at),
        "queues": _queues(at),
        "stops": _stops(),
        "schedules_out_of_plan": _broken(),
        "checks": [each.plain for each in doctor.examine(DAYS)],
        "last_errors": _errors(),
    }
    masked: Mapping[str, Any] = masking.anything(told)
    return masked


def _versions() -> dict[str, Any]:
    packages = {each.name: each.version for each in distributions()}
    return {
        "chronos": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "database": f"{connection.vendor} {_database_version()}",
        "redis": _redis_version(),
        "packages": dict(sorted(packages.items())),
    }


def _database_version() -> str:
    try:
        return ".".join(map(str, connection.get_database_version()))
    except DatabaseError:
        return "unknown"


def _redis_version() -> str:
    try:
        info = store(settings.REDIS_URL).info("server")
    except RedisError:
        return "does not answer"
    return str(info.get("valkey_version") or info.get("redis_version"))


def _settings() -> dict[str, Any]:
    values = {name.lower(): _plain(getattr(settings, name, None)) for name in SETTINGS}
    names = {name.removeprefix("NAMED_").lower(): getattr(settings, name) for name in NAMES}
    return values | {f"names_of_{name}": sorted(given) for name, given in names.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, set)):
        return [str(each) for each in value]
    return value if isinstance(value, (bool, int)) or value is None else str(value)


def _processes(at: datetime) -> list[dict[str, Any]]:
    processes = Processes.read(at)
    columns = ("name", "kind", "host", "version", "slots", "busy", "started_at", "beat_at")
    return [
        {**{name: getattr(each, name) for name in columns}, "silent": processes.silent(each)}
        for each in processes.known
    ]


def _queues(at: datetime) -> list[dict[str, Any]]:
    found = crew.queues(Recent.read(at), list(Stop.objects.queues()), at)
    return [
        {"name": each.name, "waiting": each.count, "oldest": each.oldest, "paused": each.stop is not None}
        for each in found
    ]


def _stops() -> list[dict[str, Any]]:
    return [{"what": str(stop).lower(), "since": stop.since} for stop in Stop.objects.order_by("since")]


def _broken() -> list[dict[str, str]]:
    broken = JobSchedule.objects.broken().order_by("job_id").values_list("job_id", "problem")
    return [{"job": job_id, "problem": masking.text(first_line(why))} for job_id, why in broken[:MOST_BROKEN]]


def _errors() -> list[dict[str, Any]]:
    """The last runs that failed: what they met, without the names and the payloads of their jobs."""
    found = [run for outcome in (Outcome.FAILURE, Outcome.TIMEOUT) for run in _ended(outcome)]
    found.sort(key=lambda run: (run.end_time, run.pk), reverse=True)
    return [
        {
            "run": run.pk,
            "type": run.job.type,
            "ended_at": run.end_time,
            "attempt": run.attempt,
            "error_class": run.error_class,
            "error": masking.text(first_line(run.error_message or "")),
        }
        for run in found[:MOST_ERRORS]
    ]


def _ended(outcome: Outcome) -> list[Run]:
    ended = Run.objects.filter(outcome=outcome, end_time__isnull=False).order_by("-end_time")
    columns = ("end_time", "attempt", "error_class", "error_message", "job__type")
    return list(ended.select_related("job").only(*columns)[:MOST_ERRORS])
