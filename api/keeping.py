"""Answers to requests are kept for a day."""

from datetime import timedelta
from typing import Any

from django.core.cache import cache

from api.models import Answer
from chronos_site.clock import database_now

KEPT = timedelta(days=1)
# The scheduler asks oftener.
EVERY = timedelta(minutes=5)
# At most so many go at a time: the scheduler has ticks to fire.
BATCH = 1000


def forget(**kwargs: Any) -> None:
    """Delete answers that nobody asks for again, now and then."""
    if not cache.add("api:answers", 1, int(EVERY.total_seconds())):
        return
    old = Answer.objects.filter(created_at__lt=database_now() - KEPT).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    if ids:
        Answer.objects.filter(pk__in=ids).delete()
