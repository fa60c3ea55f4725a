"""Trials: an unsaved definition executed once by a worker, for the person who is writing it.

A trial is no run: no schedule, retry, total or alert knows of it. It has its own row, which the person
looks at and which goes when they have tried a few more.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site.clock import database_now
from chronos_site.locks import locked
from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid
from jobs.models import Priority
from jobs.sealing import SealedDefinition, SealedParameters
from runs.claim import lease
from runs.models import Outcome
from runs.ring import ring
from runs.stops import is_drained

# Of one person; the oldest go first.
KEPT = 10
LINES = 500
# Nobody waits longer for a worker to take it.
WAITING = timedelta(minutes=2)


class TrialQuerySet(models.QuerySet["Trial"]):
    def visible_to(self, user: User) -> Self:
        """Their own alone: a trial is part of what they are writing."""
        return self.filter(person=user)

    def waiting(self, at: datetime) -> Self:
        """Those that no worker has taken yet, and that somebody still waits for."""
        return self.filter(started_at=None, outcome=None, created_at__gte=at - WAITING)


class Trial(models.Model):
    """One execution of a definition as it was typed."""

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="trials", db_index=False
    )
    # Whose rights it has: those of the job's owner.
    owner_id = models.BigIntegerField()
    # The job that the definition would change; empty for a new one.
    job_id = models.CharField(max_length=26, blank=True, default="")
    definition = SealedDefinition()
    parameters = SealedParameters(default=dict)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    # Its worker is there until then, and renews it.
    lease_expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    worker_id = models.CharField(max_length=255, blank=True, default="")
    outcome = models.CharField(max_length=20, null=True, choices=Outcome)  # noqa: DJ001 (as a run's)
    error_class = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    result = models.JSONField(null=True)
    lines = models.JSONField(default=list)

    objects = TrialQuerySet.as_manager()

    class Meta:
        db_table = "trials"
        indexes = [
            SeedIndex(fields=["started_at", "outcome", "created_at"], name="idx_trials_waiting"),
            SeedIndex(fields=["person", "created_at"], name="idx_trials_person"),
        ]

    def __str__(self) -> str:
        return f"Trial {self.pk}"

    def state(self, at: datetime) -> str:
        """WAITING, RUNNING, LOST, or the outcome."""
        if self.outcome:
            return self.outcome
        if self.lease_expires_at is None:
            return "WAITING" if at < self.created_at + WAITING else "LOST"
        return "RUNNING" if at < self.lease_expires_at else "LOST"


@transaction.atomic
def start(
    definition: Mapping[str, Any],
    *,
    owner: User,
    by: User,
    at: datetime,
    job_id: str = "",
    parameters: Mapping[str, str],
) -> Trial:
    """Have a worker execute the definition once; one that the person waits for already is cancelled."""
    mine = Trial.objects.filter(person=by)
    mine.filter(outcome=None, cancel_requested_at=None).update(cancel_requested_at=at)
    old = mine.order_by("-created_at").values_list("pk", flat=True)[KEPT - 1 :]
    Trial.objects.filter(pk__in=list(old)).delete()
    trial = Trial.objects.create(
        person=by,
        owner_id=owner.pk,
        job_id=job_id,
        definition=dict(definition),
        parameters=dict(parameters),
        created_at=at,
    )
    record(by, "JOB_TRIED", trial, details={"type": definition["type"], "job": job_id or None})
    transaction.on_commit(lambda: ring([Priority.HIGH.rank]))
    return trial


def cancel(trial: Trial, *, at: datetime) -> None:
    """Ask the worker to stop; a trial that none has taken ends at once."""
    ended = {"outcome": Outcome.CANCELLED, "ended_at": at, "error_message": "Cancelled before it started."}
    if not Trial.objects.filter(pk=trial.pk, started_at=None, outcome=None).update(**ended):
        Trial.objects.filter(pk=trial.pk, outcome=None).update(cancel_requested_at=at)


@transaction.atomic
def take(worker: str, free: int) -> list[Trial]:
    """Take trials that wait, oldest first, for this worker."""
    at = database_now()
    asked = Trial.objects.waiting(at).filter(cancel_requested_at=None).order_by("created_at")
    # A plain look first: nearly always nothing is there, and nothing needs a lock.
    if free <= 0 or not asked.exists() or is_drained(worker):
        return []
    taken = list(locked(asked, skip=True)[: min(free, KEPT)])
    for trial in taken:
        trial.worker_id, trial.started_at, trial.lease_expires_at = worker, at, at + lease()
        trial.save(update_fields=["worker_id", "started_at", "lease_expires_at"])
    return taken


def renew(ids: Collection[str]) -> None:
    """Say that a worker is still at these trials."""
    Trial.objects.filter(pk__in=list(ids), outcome=None).update(lease_expires_at=database_now() + lease())


def to_stop(ids: list[str]) -> set[str]:
    """Those of these trials that nobody waits for any more."""
    there = Trial.objects.filter(pk__in=ids, cancel_requested_at=None).values_list("pk", flat=True)
    return set(ids) - set(there)


def tell(trial_id: str, lines: list[dict[str, str]]) -> None:
    """Show what the trial has logged so far."""
    Trial.objects.filter(pk=trial_id, outcome=None).update(lines=lines)


def end(trial_id: str, outcome: Outcome, lines: list[dict[str, str]], **fields: Any) -> None:
    """Write how the trial ended."""
    Trial.objects.filter(pk=trial_id, outcome=None).update(
        outcome=outcome, ended_at=Now(), lines=lines, **fields
    )
