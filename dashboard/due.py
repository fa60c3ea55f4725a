"""Fires next: the schedules due within the hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts.models import User
from chronos_site.statements import compiled
from jobs.models import JobSchedule
from jobs.schedules import BadSchedule, Plan, describe
from runs.late import LATE_AFTER

HOUR = timedelta(hours=1)
MOST, SHOWN = 300, 7


class DueJob(NamedTuple):
    """One schedule that is due soon, with what its plan is made of."""

    job_id: str
    job_name: str
    next_fire_at: datetime
    schedule_type: str
    run_at: datetime | None
    cron_expression: str | None
    interval_seconds: int | None
    timezone: str | None
    anchor_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    jitter_seconds: int

    @property
    def plan(self) -> Plan:
        columns = self._asdict()
        del columns["job_name"]
        return JobSchedule(**columns).plan

    @property
    def reading(self) -> str:
        try:
            words = describe(self.plan)
        except BadSchedule as bad:
            return bad.message
        return words[:1].lower() + words[1:]


@dataclass(frozen=True)
class Due:
    """The schedules due within the hour, soonest first, and those whose tick has passed unfired."""

    overdue: list[DueJob]
    ahead: list[DueJob]
    more: bool

    @classmethod
    def read(cls, user: User, at: datetime) -> "Due":
        found = [DueJob(*row) for row in _due(user, at + HOUR)]
        overdue = [each for each in found if each.next_fire_at < at - LATE_AFTER]
        return cls(overdue, found[len(overdue) : MOST], len(found) > MOST)

    @property
    def count(self) -> str:
        return f"{len(self.ahead):,}{'+' if self.more else ''}"

    @property
    def shown(self) -> list[DueJob]:
        return self.ahead[:SHOWN]


@compiled
def _due(user: User, until: datetime) -> "QuerySet[JobSchedule, Any]":
    columns = ["job__name" if name == "job_name" else name for name in DueJob._fields]
    return JobSchedule.objects.visible_to(user).due(until).values_list(*columns)[: MOST + 1]
