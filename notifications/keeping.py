"""How long messages and what was wrong are kept: a subject of retention each."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from notifications.alerts import Alert
from notifications.models import Delivery, Notification
from runs.purge import CHUNK, KINDS, Kind, Step
from runs.retention import SUBJECTS, Subject


def _messages(before: datetime) -> Q:
    return Q(created_at__lt=before) & ~Q(status=Delivery.PENDING)


def _alerts(before: datetime) -> Q:
    return Q(closed_at__lt=before)


def _by_number(model: type[models.Model], column: str, too_old: Any) -> Any:
    """The next rows by their numbers, which grow with time, up to the first that is young enough."""

    def look(after: Any, before: datetime) -> Step:
        rows = model._default_manager.filter(pk__gt=after or 0).order_by("pk")
        seen = list(rows.values_list("pk", column)[:CHUNK])
        keys = [pk for pk, _ in seen]
        gone = model._default_manager.filter(too_old(before), pk__in=keys).values_list("pk", flat=True)
        over = len(seen) < CHUNK or seen[-1][1] >= before
        return Step(list(gone), None if over else keys[-1])

    return look


def keep() -> None:
    """Have retention know them."""
    SUBJECTS["MESSAGES"] = Subject("MESSAGES", "Messages that were sent, failed or were cancelled", 90)
    KINDS["MESSAGES"] = Kind(Notification, _by_number(Notification, "created_at", _messages), _messages)
    SUBJECTS["ALERTS"] = Subject("ALERTS", "What was wrong and is over", 90)
    KINDS["ALERTS"] = Kind(Alert, _by_number(Alert, "opened_at", _alerts), _alerts)
