"""Answers to requests are kept for a day."""

from datetime import timedelta
from typing import Any

from api.models import Answer
from chronos_site.clock import database_now

KEPT = timedelta(days=1)
# At most so many go at a time: the scheduler has ticks to fire.
BATCH = 1000


def forget(**kwargs: Any) -> None:
    """Delete answers that nobody asks for again."""
    old = Answer.objects.filter(created_at__lt=database_now() - KEPT).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    if ids:
        Answer.objects.filter(pk__in=ids).delete()
