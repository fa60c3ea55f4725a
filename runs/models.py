"""What ran."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Avg, Count, F, Max, Min, Q
from django.db.models.functions import Now

from accounts.models import User
from chronos_site.database_views import View, ViewQuerySet
from chronos_site.schema import (
    Average,
    PartialIndex,
    SeedIndex,
    Stamp,
    UlidField,
    cascade,
    new_ulid,
    set_null,
)
from chronos_site.sealed import Unreadable
from jobs.models import Job, Type
from jobs.sealing import SealedParameters


class Outcome(models.TextChoices):
    SUCCESS = "SUCCESS", "Succeeded"
    FAILURE = "FAILURE", "Failed"
    TIMEOUT = "TIMEOUT", "Timed out"
    CANCELLED = "CANCELLED", "Cancelled"


class Trigger(models.TextChoices):
    SCHEDULE = "SCHEDULE", "Schedule"
    MANUAL = "MANUAL", "By hand"
    RETRY = "RETRY", "Retry"
    REPLAY = "REPLAY", "Replay"
    BACKFILL = "BACKFILL", "Backfill"


class Skip(models.TextChoices):
    MISFIRE = "MISFIRE", "Missed"
    OVERLAP = "OVERLAP", "Earlier run not over"
    PAUSED = "PAUSED", "Paused"
    WINDOW = "WINDOW", "Outside its window"
    CATCH_UP_CAP = "CATCH_UP_CAP", "Too many missed"


PENDING = Q(start_time=None, outcome=None)
RUNNING = Q(start_time__isnull=False, outcome=None)
ENDED = Q(outcome__isnull=False)


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> Self:
        """Runs of their own jobs, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(job__owner=user)

    def pending(self) -> Self:
        return self.filter(PENDING)

    def running(self) -> Self:
        return self.filter(RUNNING)

    def active(self) -> Self:
        """Pending or running."""
        return self.filter(outcome=None)

    def ended(self) -> Self:
        return self.filter(ENDED)

    def due(self, at: datetime) -> Self:
        """Pending runs that may start, most urgent first."""
        return self.pending().filter(available_at__lte=at).order_by("priority", "available_at", "id")


class Run(models.Model):
    """One attempt of one occurrence.

    Pending: no start, no outcome. Running: a start, no outcome. Ended: an outcome, written once.
    """

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    job = models.ForeignKey(Job, on_delete=cascade, related_name="runs", db_index=False)
    scheduled_time = models.DateTimeField()
    start_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)
    attempt = models.IntegerField(default=1, db_default=1)
    outcome = models.CharField(max_length=20, null=True, blank=True, choices=Outcome)  # noqa: DJ001
    exit_code = models.IntegerField(null=True, blank=True)
    error_message = models.TextField(null=True, blank=True)  # noqa: DJ001
    worker_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    duration_ms = models.BigIntegerField(null=True, blank=True)

    # NULL while the run waits for another run of its job to end.
    available_at = models.DateTimeField(null=True, db_default=Now())
    trigger = models.CharField(
        max_length=10, choices=Trigger, default=Trigger.SCHEDULE, db_default=Trigger.SCHEDULE.value
    )
    version = models.PositiveIntegerField(default=1, db_default=1)
    priority = models.PositiveSmallIntegerField(default=2, db_default=2)
    claim_token = models.CharField(max_length=26, null=True, editable=False)  # noqa: DJ001
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    error_class = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    signature = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    result = models.JSONField(null=True, blank=True)
    skip_reason = models.CharField(max_length=20, null=True, blank=True, choices=Skip)  # noqa: DJ001
    skipped_count = models.PositiveIntegerField(null=True, blank=True)
    # What a person gave at run-now or backfill for the payload's {{ param:name }}.
    parameters = SealedParameters(null=True, blank=True)
    replay_of = models.ForeignKey(
        "self", on_delete=set_null, null=True, blank=True, related_name="replays", db_index=False
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "job_runs"
        indexes = [
            SeedIndex(fields=["job"], name="idx_job_runs_job_id"),
            SeedIndex(fields=["scheduled_time"], name="idx_job_runs_scheduled_time"),
            SeedIndex(fields=["outcome"], name="idx_job_runs_outcome"),
            SeedIndex(fields=["worker_id"], name="idx_job_runs_worker_id"),
            SeedIndex(fields=["job", "-scheduled_time"], name="idx_job_runs_composite_job_time"),
            SeedIndex(fields=["outcome", "-end_time"], name="idx_job_runs_composite_outcome_time"),
            PartialIndex(
                fields=["priority", "available_at"],
                condition=PENDING,
                fallback=["start_time", "outcome", "priority", "available_at"],
                name="idx_job_runs_pending",
            ),
            PartialIndex(
                fields=["job", "lease_expires_at"],
                condition=Q(outcome=None),
                fallback=["job", "outcome"],
                name="idx_job_runs_active",
            ),
            PartialIndex(
                fields=["lease_expires_at"],
                condition=RUNNING,
                fallback=["outcome", "lease_expires_at"],
                name="idx_job_runs_lease",
            ),
            PartialIndex(
                fields=["job"],
                condition=PENDING & Q(available_at=None),
                fallback=["job", "outcome", "available_at"],
                name="idx_job_runs_waiting",
            ),
            PartialIndex(
                fields=["replay_of"],
                condition=Q(replay_of__isnull=False),
                fallback=["replay_of"],
                name="idx_job_runs_replay_of",
            ),
            # The failed runs of one person's jobs, among those of a hundred thousand.
            PartialIndex(
                fields=["job", "-end_time"],
                condition=Q(outcome__in=[Outcome.FAILURE.value, Outcome.TIMEOUT.value]),
                fallback=["job", "outcome", "-end_time"],
                name="idx_job_runs_broken",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="chk_outcome"),
            models.UniqueConstraint(fields=["job", "scheduled_time", "attempt"], name="uniq_job_runs_tick"),
        ]

    def __str__(self) -> str:
        return f"Run {self.id}"

    @property
    def given(self) -> dict[str, str]:
        """The parameters that a person gave, by name; one sentence where no present key opens them."""
        given: Any = self.parameters or {}
        return {"parameters": str(given)} if isinstance(given, Unreadable) else given

    @property
    def state(self) -> str:
        """PENDING, RUNNING, SKIPPED, or the outcome."""
        if self.skip_reason:
            return "SKIPPED"
        return self.outcome or ("RUNNING" if self.start_time else "PENDING")

    @property
    def trigger_label(self) -> str:
        """What `get_trigger_display` says, for lists: that one collects all choices first, at each call."""
        return Trigger(self.trigger).label

    @property
    def log_fields(self) -> dict[str, Any]:
        """What every message in our own log about this run carries."""
        return {"run": self.pk, "job": self.job_id, "attempt": self.attempt}

    @property
    def waited(self) -> timedelta | None:
        """How long the run was ready before it started; None while it has not."""
        return self.start_time - self.available_at if self.start_time and self.available_at else None


class Level(models.TextChoices):
    TRACE = "TRACE", "Trace"
    DEBUG = "DEBUG", "Debug"
    INFO = "INFO", "Info"
    WARN = "WARN", "Warn"
    ERROR = "ERROR", "Error"


class RunLog(models.Model):
    run = models.ForeignKey(Run, on_delete=cascade, related_name="logs", db_index=False)
    timestamp = models.DateTimeField(db_default=Now())
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO, db_default=Level.INFO.value)
    message = models.TextField()
    context = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "job_run_logs"
        verbose_name = "log line"
        indexes = [
            SeedIndex(fields=["run"], name="idx_job_run_logs_run_id"),
            SeedIndex(fields=["timestamp"], name="idx_job_run_logs_timestamp"),
            SeedIndex(fields=["level"], name="idx_job_run_logs_level"),
        ]
        constraints = [models.CheckConstraint(condition=Q(level__in=Level.values), name="chk_level")]

    def __str__(self) -> str:
        return self.message


class DeadLetterQuerySet(models.QuerySet["DeadLetter"]):
    def visible_to(self, user: User) -> Self:
        """Events of their own jobs, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(job__owner=user)

    def pending(self) -> Self:
        """Events that wait for a person."""
        return self.filter(status=DeadLetter.Status.PENDING)


class DeadLetter(models.Model):
    """An occurrence that gave up, waiting for a person."""

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        RESOLVED = "RESOLVED", "Resolved"
        IGNORED = "IGNORED", "Ignored"

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    job = models.ForeignKey(Job, on_delete=cascade, related_name="dead_letters", db_index=False)
    run = models.ForeignKey(Run, on_delete=set_null, null=True, related_name="dead_letters", db_index=False)
    failure_reason = models.TextField()
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING, db_default="PENDING")
    created_at = Stamp()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution_notes = models.TextField(null=True, blank=True)  # noqa: DJ001
    signature = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    replays = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    replayed_at = models.DateTimeField(null=True, blank=True, editable=False)
    replay_failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=set_null,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        editable=False,
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=set_null,
        null=True,
        blank=True,
        related_name="dead_letters",
        db_index=False,
    )

    objects = DeadLetterQuerySet.as_manager()

    class Meta:
        db_table = "dlq_events"
        indexes = [
            SeedIndex(fields=["job"], name="idx_dlq_events_job_id"),
            SeedIndex(fields=["run"], name="idx_dlq_events_run_id"),
            SeedIndex(fields=["status"], name="idx_dlq_events_status"),
            SeedIndex(fields=["created_at"], name="idx_dlq_events_created_at"),
            SeedIndex(fields=["status", "signature", "-created_at", "job"], name="idx_dlq_events_signature"),
            SeedIndex(fields=["closed_by"], name="idx_dlq_events_closed_by"),
            SeedIndex(fields=["assignee", "status"], name="idx_dlq_events_assignee"),
            SeedIndex(fields=["resolved_at"], name="idx_dlq_events_resolved_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "RESOLVED", "IGNORED"]), name="chk_dlq_status"
            ),
            models.UniqueConstraint(fields=["run"], name="uniq_dlq_events_run"),
        ]

    def __str__(self) -> str:
        return f"Dead letter {self.id}"


class RunStats(models.Model):
    """Totals of the runs of one type that ended one way in one hour; they outlive the runs.

    `took_*` and `waited_*` count the runs that took, or waited after they were due, no longer than that.
    """

    hour = models.DateTimeField()
    type = models.CharField(max_length=50, choices=Type)
    outcome = models.CharField(max_length=20, help_text="An outcome, or SKIPPED.")
    count = models.BigIntegerField(default=0, db_default=0)
    took_ms = models.BigIntegerField(default=0, db_default=0)
    took_100ms = models.BigIntegerField(default=0, db_default=0)
    took_1s = models.BigIntegerField(default=0, db_default=0)
    took_10s = models.BigIntegerField(default=0, db_default=0)
    took_1m = models.BigIntegerField(default=0, db_default=0)
    took_10m = models.BigIntegerField(default=0, db_default=0)
    took_1h = models.BigIntegerField(default=0, db_default=0)
    waited_ms = models.BigIntegerField(default=0, db_default=0)
    waited_100ms = models.BigIntegerField(default=0, db_default=0)
    waited_1s = models.BigIntegerField(default=0, db_default=0)
    waited_10s = models.BigIntegerField(default=0, db_default=0)
    waited_1m = models.BigIntegerField(default=0, db_default=0)
    waited_10m = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "run_stats"
        verbose_name_plural = "run statistics"
        constraints = [
            models.UniqueConstraint(fields=["hour", "type", "outcome"], name="uniq_run_stats"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.type} {self.outcome}"


class ProcessQuerySet(models.QuerySet["Process"]):
    def alive(self, at: datetime) -> Self:
        """Processes that have not said goodbye and beat within half a minute."""
        return self.filter(stopped_at=None, beat_at__gte=at - timedelta(seconds=30))


class Process(models.Model):
    """A scheduler or worker and its heartbeat, by the database's clock."""

    class Kind(models.TextChoices):
        SCHEDULER = "SCHEDULER", "Scheduler"
        WORKER = "WORKER", "Worker"

    name = models.CharField(max_length=255, primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    slots = models.PositiveIntegerField(default=0, db_default=0)
    busy = models.PositiveIntegerField(default=0, db_default=0)
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)
    version = models.CharField(max_length=40, default="", db_default="", help_text="Of Chronos.")

    objects = ProcessQuerySet.as_manager()

    class Meta:
        db_table = "processes"
        verbose_name_plural = "processes"
        indexes = [SeedIndex(fields=["kind", "-beat_at"], name="idx_processes_kind_beat")]

    def __str__(self) -> str:
        return self.name


class ExecutionStatsQuerySet(ViewQuerySet["ExecutionStats"]):
    def of_day(self, day: date) -> list["ExecutionStats"]:
        """The view's rows of one day in UTC, by the index on scheduled_time, which the view cannot use."""
        # Not up to the next day: the last day of the calendar has none.
        first, last = (datetime.combine(day, at, tzinfo=UTC) for at in (time.min, time.max))
        ended = Run.objects.filter(scheduled_time__range=(first, last), end_time__isnull=False)
        duration = "duration_ms"
        rows = ended.values("outcome", job_type=F("job__type")).annotate(
            execution_count=Count("*"),
            avg_duration_ms=Avg(duration),
            min_duration_ms=Min(duration),
            max_duration_ms=Max(duration),
        )
        return [ExecutionStats(execution_date=day, **row) for row in rows.order_by("job_type", "outcome")]


class ExecutionStats(View):
    """Ended runs a day, type and outcome: the database view `execution_stats`, never written."""

    pk = models.CompositePrimaryKey("execution_date", "job_type", "outcome")
    execution_date = models.DateField()
    job_type = models.CharField(max_length=50, choices=Type)
    outcome = models.CharField(max_length=20, choices=Outcome)
    execution_count = models.BigIntegerField()
    avg_duration_ms = Average(null=True)
    min_duration_ms = models.BigIntegerField(null=True)
    max_duration_ms = models.BigIntegerField(null=True)

    objects: ClassVar[Any] = ExecutionStatsQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "execution_stats"
        verbose_name = verbose_name_plural = "execution statistics"

    def __str__(self) -> str:
        return f"{self.execution_date} {self.job_type} {self.outcome}"
