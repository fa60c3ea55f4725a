"""What the handover of a shift reads, each in a bounded query that is compiled once."""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Sum, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Left

from accounts.models import User
from audit.models import AuditEvent
from chronos_site.branches import compiled_together
from chronos_site.statements import compiled
from jobs.models import Job, JobSchedule
from runs.models import DeadLetter, Outcome, Run, RunStats, Skip

MOST_SKIPS, MOST_LETTERS, MOST_FIRES = 500, 20, 20
# How far letters and deeds are counted beyond those that are listed.
MOST_COUNTED = 100
_LETTER = ("id", "job_id", "status", "created_at", "resolved_at")


@compiled
def skips(user: User, since: datetime) -> "QuerySet[Run, Any]":
    skipped = Run.objects.visible_to(user).filter(
        outcome=Outcome.CANCELLED, end_time__gte=since, skip_reason__isnull=False
    )
    newest = skipped.exclude(skip_reason=Skip.PAUSED).order_by("-end_time")
    return newest.values_list("job_id", "job__name", "skip_reason", "skipped_count")[:MOST_SKIPS]


@compiled
def sums(since: datetime) -> "QuerySet[RunStats, Any]":
    rows = RunStats.objects.filter(hour__gte=since, outcome__in=Outcome.values).values("outcome")
    return rows.annotate(started=Sum("count"), in_time=Sum("waited_1m"))


@compiled_together
def letters(user: User, since: datetime) -> "list[QuerySet[DeadLetter, Any]]":
    """Opened ones, newest first, then closed ones; those that are only counted have no name and reason."""
    letters = DeadLetter.objects.visible_to(user)
    closed = letters.filter(resolved_at__gte=since).exclude(status=DeadLetter.Status.PENDING)
    sorts = (letters.filter(created_at__gte=since).order_by("-created_at"), closed.order_by("-resolved_at"))
    listed = {"job_name": F("job__name"), "reason": Left("failure_reason", 300)}
    counted = {"job_name": Value(""), "reason": Value("")}
    return [
        those.values(*_LETTER, **told, closes=Value(closes))[part]
        for closes, those in enumerate(sorts)
        for told, part in (
            (listed, slice(MOST_LETTERS)),
            (counted, slice(MOST_LETTERS, MOST_COUNTED + 1)),
        )
    ]


@compiled
def events(since: datetime, email: str, *, everyones: bool) -> "QuerySet[AuditEvent, Any]":
    # Without the rest of the details: what changed of a job may be long.
    events = AuditEvent.objects.filter(timestamp__gte=since, user_email__isnull=False, entity_type="Job")
    seen = events if everyones else events.filter(user_email=email)
    told = {name: KT(f"details__{name}") for name in ("note", "reason", "name", "letters")}
    newest = seen.exclude(action="DENIED").order_by("-timestamp")
    return newest.values("id", "entity_id", "action", "user_email", "timestamp", **told)[: MOST_COUNTED + 1]


@compiled
def names(user: User, ids: set[str]) -> "QuerySet[Job, Any]":
    return Job.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "name")


@compiled
def fires(ids: set[str], until: datetime) -> "QuerySet[JobSchedule, Any]":
    schedules = JobSchedule.objects.filter(job__in=ids, next_fire_at__lte=until).order_by("next_fire_at")
    return schedules.values_list("job_id", F("job__name"), "next_fire_at", "timezone")[:MOST_FIRES]
