"""What load balancers and monitors ask: does this process live, can the product do its work."""

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis import RedisError

from chronos_site.clock import database_now
from runs.models import Process
from runs.ring import store
from runs.stops import Stop

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Each part as "ok" or "down", and 503 when one is down; why it is down stands in the log.

    `scheduler_age_seconds` and `worker_age_seconds` say how long ago the last of them gave a sign of life;
    null where none ever has or the database cannot tell. `stopped` names what people have paused or drained,
    which makes nothing less ready.
    """
    parts = _engine() | {"redis": _word(redis_answers())}
    return JsonResponse(parts, status=503 if "down" in parts.values() else 200)


def _engine() -> dict[str, Any]:
    kinds = (Process.Kind.SCHEDULER, Process.Kind.WORKER)
    try:
        now = database_now()
        alive = set(Process.objects.alive(now).values_list("kind", flat=True))
        last = dict(Process.objects.values_list("kind").annotate(Max("beat_at")))
        stopped = [str(stop).lower() for stop in Stop.objects.order_by("pk")]
    except DatabaseError as error:
        logger.warning("the database does not answer: %s", error)
        parts = {kind.lower(): "down" for kind in kinds}
        unknown = {f"{kind.lower()}_age_seconds": None for kind in kinds}
        return {"database": "down", **parts, **unknown, "stopped": None}
    parts = {kind.lower(): _word(kind in alive) for kind in kinds}
    ages = {f"{kind.lower()}_age_seconds": _age(last.get(kind), now) for kind in kinds}
    return {"database": "ok", **parts, **ages, "stopped": stopped}


def _word(works: bool) -> str:
    return "ok" if works else "down"


def _age(then: datetime | None, now: datetime) -> float | None:
    return round(max((now - then).total_seconds(), 0.0), 1) if then else None


def redis_answers() -> bool:
    """Whether Redis gives a sign of life soon; why it does not is logged."""
    try:
        return bool(store(settings.REDIS_URL).ping())
    except RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return False
