"""What load balancers and monitors ask: does this process live, can the product do its work."""

from collections.abc import Callable

import django_rq
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis import RedisError

from chronos_site.clock import database_now
from runs.models import Process


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Each part as "ok" or "down", and 503 when one is down; why it is down stands in the log."""
    parts = {name: "ok" if works() else "down" for name, works in PARTS.items()}
    return JsonResponse(parts, status=503 if "down" in parts.values() else 200)


def _database() -> bool:
    try:
        return bool(database_now())
    except DatabaseError:
        return False


def _redis() -> bool:
    try:
        return bool(django_rq.get_connection("high").ping())
    except RedisError:
        return False


def _alive(kind: Process.Kind) -> bool:
    try:
        return Process.objects.alive(database_now()).filter(kind=kind).exists()
    except DatabaseError:
        return False


PARTS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "redis": _redis,
    "scheduler": lambda: _alive(Process.Kind.SCHEDULER),
    "worker": lambda: _alive(Process.Kind.WORKER),
}
