"""What is wrong right now, by rule: so that it is told once, reminded of, and told when it is over."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from chronos_site.schema import PartialIndex, SeedIndex, cascade, set_null
from jobs.models import Job
from notifications.rules import Rule
from runs.models import Run


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def failing(self) -> Self:
        return self.open().filter(kind=Alert.Kind.FAILING)

    def close(self, at: datetime) -> int:
        """Say of these that they are over; gives their number."""
        return self.update(closed_at=at, open_key=None, remind_at=None)


class Alert(models.Model):
    """Something that a rule watches has gone wrong and is not over, until `closed_at`.

    `count` is how often it was seen since: of a job that fails, its failures in a row. Without a job it is
    about Chronos itself, and `about` says what. `open_key` is unique while it is open, NULL afterwards.
    """

    class Kind(models.TextChoices):
        FAILING = "FAILING", "Failing"
        LATE = "LATE", "Late"
        STUCK = "STUCK", "Stuck"
        SLOW = "SLOW", "Slow"
        SCHEDULER = "SCHEDULER", "Chronos itself"

    rule = models.ForeignKey(Rule, on_delete=cascade, related_name="alerts", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    job = models.ForeignKey(Job, on_delete=cascade, null=True, related_name="alerts", db_index=False)
    run = models.ForeignKey(Run, on_delete=set_null, null=True, related_name="+", db_index=False)
    about = models.CharField(max_length=40, blank=True, default="")
    reason = models.CharField(max_length=255, blank=True, default="")
    open_key = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 (NULL is not unique)
    count = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)
    reminded = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        db_table = "alerts"
        indexes = [
            SeedIndex(fields=["rule"], name="idx_alerts_rule"),
            SeedIndex(fields=["job", "closed_at"], name="idx_alerts_job"),
            PartialIndex(
                fields=["run"], condition=Q(run__isnull=False), fallback=["run"], name="idx_alerts_run"
            ),
            PartialIndex(
                fields=["remind_at"],
                condition=Q(closed_at__isnull=True),
                fallback=["closed_at", "remind_at"],
                name="idx_alerts_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.job_id or self.about}"

    def close(self, at: datetime) -> None:
        """Make it one that is over; whoever asks for that saves it."""
        self.closed_at, self.open_key, self.remind_at = at, None, None
