"""How runs ended, by hour: totals that outlive the runs; and the last day of what you may see."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from accounts.access import person
from api.keys import Bearer
from api.models import Scope
from api.problems import ANSWERS
from dashboard import hours

router = Router(tags=["statistics"])


class HourShown(Schema):
    start: datetime
    end: datetime
    counts: dict[str, int]


class DayShown(Schema):
    succeeded: str
    total: int
    hours: list[HourShown]


@router.get("/day", response={200: DayShown, **ANSWERS}, auth=Bearer(Scope.READ), operation_id="get_day")
def get_day(request: HttpRequest) -> Any:
    """The ends of the last 24 hours, hour by hour, and the share that succeeded."""
    day = hours.day(person(request), timezone.now())
    shown = [{"start": hour.start, "end": hour.end, "counts": dict(hour.counts)} for hour in day.hours]
    return {"succeeded": day.share, "total": day.total, "hours": shown}
