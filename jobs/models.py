"""What should run and when."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from chronos_site.database_views import View
from chronos_site.schema import (
    Average,
    PartialIndex,
    SeedIndex,
    Stamp,
    UlidField,
    UpdateStamp,
    cascade,
    new_ulid,
    set_null,
)
from chronos_site.sealed import SealedChar, SealedJson, SealedText
from jobs.hosts import HostField
from jobs.promises import Promise
from jobs.schedules import Plan
from jobs.sealing import SealedDefinition


class Type(models.TextChoices):
    HTTP = "HTTP", "HTTP"
    DATABASE = "DATABASE", "Database"
    FILE_SYSTEM = "FILE_SYSTEM", "File system"
    MESSAGE_QUEUE = "MESSAGE_QUEUE", "Message queue"
    CACHE = "CACHE", "Cache"
    EMAIL = "EMAIL", "E-mail"
    REPORT = "REPORT", "Report"
    SCRIPT = "SCRIPT", "Script"
    DUMMY = "DUMMY", "Dummy"
    DB_TO_KAFKA = "DB_TO_KAFKA", "DB to Kafka"


class Status(models.TextChoices):
    PENDING = "PENDING", "Pending"
    SCHEDULED = "SCHEDULED", "Scheduled"
    RUNNING = "RUNNING", "Running"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"
    PAUSED = "PAUSED", "Paused"


class Priority(models.TextChoices):
    LOW = "LOW", "Low"
    MEDIUM = "MEDIUM", "Medium"
    HIGH = "HIGH", "High"

    @property
    def rank(self) -> int:
        """1 is claimed first."""
        return {"HIGH": 1, "MEDIUM": 2, "LOW": 3}[self.value]


class Kind(models.TextChoices):
    ONCE = "ONCE", "Once"
    CRON = "CRON", "Cron"
    INTERVAL = "INTERVAL", "Interval"


class Misfire(models.TextChoices):
    FIRE_NOW = "FIRE_NOW", "Fire now"
    IGNORE = "IGNORE", "Ignore"
    RESCHEDULE = "RESCHEDULE", "Reschedule"


class Overlap(models.TextChoices):
    SKIP = "SKIP", "Skip"
    QUEUE = "QUEUE", "Queue one"
    ALLOW = "ALLOW", "Allow"
    CANCEL_RUNNING = "CANCEL_RUNNING", "Cancel the running one"


class Backoff(models.TextChoices):
    FIXED = "FIXED", "Fixed"
    EXPONENTIAL = "EXPONENTIAL", "Doubling"


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> Self:
        """Their own jobs, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(owner=user)

    def ids_named(self, term: str, most: int = 100) -> list[str]:
        """The ids of the newest jobs with the term in their name, in any case."""
        return list(self.filter(name__icontains=term).order_by("-pk").values_list("pk", flat=True)[:most])


class Job(models.Model):
    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="jobs", db_index=False
    )
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=50, choices=Type)
    status = models.CharField(
        max_length=50, choices=Status, default=Status.PENDING, db_default=Status.PENDING.value, editable=False
    )
    priority = models.CharField(
        max_length=20, choices=Priority, default=Priority.MEDIUM, db_default=Priority.MEDIUM.value
    )
    created_at = Stamp()
    updated_at = UpdateStamp()
    description = models.TextField(
        blank=True, default="", db_default="", help_text="First line shows in lists; the rest is the runbook."
    )
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    safe_to_repeat = models.BooleanField(
        null=True,
        blank=True,
        help_text="Whether a run that was lost may be repeated; empty means the type's own answer.",
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "jobs"
        indexes = [
            SeedIndex(fields=["owner"], name="idx_jobs_owner"),
            SeedIndex(fields=["type"], name="idx_jobs_type"),
            SeedIndex(fields=["status"], name="idx_jobs_status"),
            SeedIndex(fields=["priority"], name="idx_jobs_priority"),
            SeedIndex(fields=["created_at"], name="idx_jobs_created_at"),
            SeedIndex(fields=["status", "type", "created_at"], name="idx_jobs_composite_status_type"),
            SeedIndex(fields=["owner", "status", "updated_at"], name="idx_jobs_composite_owner_status"),
            SeedIndex(fields=["name", "id"], name="idx_jobs_name"),
            SeedIndex(fields=["updated_at", "id"], name="idx_jobs_updated_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(type__in=Type.values), name="chk_jobs_type"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="chk_jobs_status"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="chk_jobs_priority"),
        ]

    def __str__(self) -> str:
        return self.name


class JobScheduleQuerySet(models.QuerySet["JobSchedule"]):
    def visible_to(self, user: User) -> Self:
        return self if user.is_operator else self.filter(job__owner=user)

    def due(self, at: datetime) -> Self:
        """Armed schedules whose next tick has come, most overdue first."""
        # Not by the id as well: many share an instant, and PostgreSQL would sort them all for the first few.
        return self.filter(next_fire_at__lte=at).order_by("next_fire_at")

    def in_minute_of(self, tick: datetime) -> Self:
        """Armed schedules whose next tick lies in the same minute."""
        minute = tick.replace(second=0, microsecond=0)
        return self.filter(next_fire_at__gte=minute, next_fire_at__lt=minute + timedelta(minutes=1))

    def broken(self) -> Self:
        """Those that the scheduler took out of the plan and that wait for a person."""
        return self.filter(problem__gt="")


class JobSchedule(models.Model):
    job = models.OneToOneField(Job, on_delete=cascade, related_name="schedule")
    schedule_type = models.CharField(max_length=20, choices=Kind)
    run_at = models.DateTimeField(null=True, blank=True)
    cron_expression = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 (the schema's NULL)
    interval_seconds = models.BigIntegerField(null=True, blank=True)
    timezone = models.CharField(max_length=50, null=True, default="UTC", db_default="UTC")  # noqa: DJ001
    misfire_policy = models.CharField(  # noqa: DJ001
        max_length=20, null=True, choices=Misfire, default=Misfire.FIRE_NOW, db_default=Misfire.FIRE_NOW.value
    )
    overlap_policy = models.CharField(
        max_length=20, choices=Overlap, default=Overlap.SKIP, db_default=Overlap.SKIP.value
    )
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    jitter_seconds = models.PositiveIntegerField(default=0, db_default=0)
    anchor_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_fire_at = models.DateTimeField(null=True, blank=True, editable=False)
    held_fire_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    # What its people were promised: a start this long after the tick, an end by this time of the job's zone.
    start_within_seconds = models.PositiveIntegerField(null=True, blank=True)
    end_by = models.TimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Why the scheduler took it out of the plan, for a person; empty while nothing is wrong.
    problem = models.TextField(blank=True, default="", db_default="", editable=False)

    objects = JobScheduleQuerySet.as_manager()

    class Meta:
        db_table = "job_schedules"
        indexes = [
            SeedIndex(fields=["job"], name="idx_job_schedules_job_id"),
            SeedIndex(fields=["run_at"], name="idx_job_schedules_run_at"),
            SeedIndex(fields=["schedule_type"], name="idx_job_schedules_type"),
            SeedIndex(fields=["next_fire_at"], name="idx_job_schedules_next_fire_at"),
            PartialIndex(
                fields=["paused_until"],
                condition=Q(paused_until__isnull=False),
                fallback=["paused_until"],
                name="idx_job_schedules_paused_until",
            ),
            PartialIndex(
                fields=["job"],
                condition=Q(problem__gt=""),
                fallback=["job"],
                name="idx_job_schedules_problem",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(schedule_type__in=Kind.values), name="chk_schedule_type"),
            models.CheckConstraint(condition=Q(misfire_policy__in=Misfire.values), name="chk_misfire_policy"),
            models.CheckConstraint(condition=Q(overlap_policy__in=Overlap.values), name="chk_overlap_policy"),
            models.CheckConstraint(
                condition=Q(schedule_type=Kind.ONCE, run_at__isnull=False)
                | Q(schedule_type=Kind.CRON, cron_expression__isnull=False)
                | Q(schedule_type=Kind.INTERVAL, interval_seconds__isnull=False),
                name="chk_schedule_consistency",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_type} of {self.job_id}"

    @property
    def plan(self) -> Plan:
        """The schedule as the pure core of `jobs.schedules` reads it."""
        return Plan(
            kind=self.schedule_type,
            run_at=self.run_at,
            cron_expression=self.cron_expression,
            interval_seconds=self.interval_seconds,
            timezone=self.timezone or "UTC",
            anchor_at=self.anchor_at,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            jitter_seconds=self.jitter_seconds,
            jitter_key=self.job_id,
        )

    @property
    def promise(self) -> Promise:
        return Promise(self.start_within_seconds, self.end_by, self.timezone or "UTC")


class JobPayload(models.Model):
    job = models.OneToOneField(Job, on_delete=cascade, related_name="payload")
    type = models.CharField(max_length=50, choices=Type)

    http_url = SealedChar(max_length=2048, null=True, blank=True)
    http_method = models.CharField(max_length=10, null=True, blank=True)  # noqa: DJ001
    http_headers = SealedJson(null=True, blank=True)
    http_body = SealedText(null=True, blank=True)
    timeout_seconds = models.IntegerField(null=True, blank=True)

    script_content = SealedText(null=True, blank=True)

    database_url = SealedChar(max_length=2048, null=True, blank=True)
    query = SealedText(null=True, blank=True)
    parameters = SealedJson(null=True, blank=True)
    query_timeout_seconds = models.IntegerField(null=True, blank=True)
    max_rows = models.IntegerField(null=True, blank=True)
    read_only = models.BooleanField(null=True, default=True, db_default=True)
    transaction_isolation = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001

    queue_name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    operation_type = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    message_body = SealedText(null=True, blank=True)
    message_group_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    queue_config = SealedJson(null=True, blank=True)
    batch_size = models.IntegerField(null=True, blank=True)

    cache_region = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    cache_operation = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    cache_keys = models.JSONField(null=True, blank=True)
    time_to_live_seconds = models.IntegerField(null=True, blank=True)
    skip_if_exists = models.BooleanField(null=True, default=False, db_default=False)
    source_region = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    cache_config = SealedJson(null=True, blank=True)
    run_async = models.BooleanField("async", null=True, default=False, db_default=False, db_column="async")

    file_path = models.CharField(max_length=2048, null=True, blank=True)  # noqa: DJ001
    file_operation = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    target_path = models.CharField(max_length=2048, null=True, blank=True)  # noqa: DJ001
    file_content = SealedText(null=True, blank=True)
    create_directories = models.BooleanField(null=True, default=False, db_default=False)
    overwrite = models.BooleanField(null=True, default=False, db_default=False)

    kafka_topic = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    kafka_key_field = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    include_metadata = models.BooleanField(null=True, default=False, db_default=False)
    skip_on_error = models.BooleanField(null=True, default=False, db_default=False)
    field_mappings = models.JSONField(null=True, blank=True)
    excluded_fields = models.JSONField(null=True, blank=True)

    metadata = SealedJson(null=True, blank=True)
    # Of the address that it calls, the part that anybody may see and search.
    host = HostField(max_length=255, default="", db_default="", editable=False)

    class Meta:
        db_table = "job_payloads"
        indexes = [
            SeedIndex(fields=["job"], name="idx_job_payloads_job_id"),
            SeedIndex(fields=["type"], name="idx_job_payloads_type"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(type__in=Type.values), name="chk_payload_type_consistency"),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.job_id}"

    def clean(self) -> None:
        if self.job_id and self.type != self.job.type:
            raise ValidationError(
                {"type": f"The payload is of type {self.type}, its job of type {self.job.type}."}
            )


class RetryPolicy(models.Model):
    job = models.OneToOneField(Job, on_delete=cascade, related_name="retry_policy")
    max_attempts = models.IntegerField(default=1, db_default=1)
    backoff_strategy = models.CharField(
        max_length=20, choices=Backoff, default=Backoff.FIXED, db_default=Backoff.FIXED.value
    )
    backoff_seconds = models.IntegerField(default=60, db_default=60)
    retry_on = models.JSONField(null=True, blank=True)
    jitter = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "retry_policies"
        verbose_name_plural = "retry policies"
        indexes = [SeedIndex(fields=["job"], name="idx_retry_policies_job_id")]
        constraints = [
            models.CheckConstraint(condition=Q(max_attempts__gt=0), name="chk_max_attempts"),
            models.CheckConstraint(condition=Q(backoff_seconds__gte=0), name="chk_backoff_seconds"),
            models.CheckConstraint(
                condition=Q(backoff_strategy__in=Backoff.values), name="chk_backoff_strategy"
            ),
            models.CheckConstraint(
                condition=Q(max_attempts__range=(1, 10), backoff_seconds__range=(0, 3600)),
                name="chk_retry_sanity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.max_attempts} attempts of {self.job_id}"


class JobTag(models.Model):
    """A word that people put on jobs to find them together."""

    job = models.ForeignKey(Job, on_delete=cascade, related_name="tags", db_index=False)
    name = models.CharField(max_length=50)

    class Meta:
        db_table = "job_tags"
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="uniq_job_tags")]
        indexes = [SeedIndex(fields=["name", "job"], name="idx_job_tags_name")]

    def __str__(self) -> str:
        return self.name


class JobVersion(models.Model):
    """One immutable snapshot of a job's definition; a run executes the one it was fired with."""

    job = models.ForeignKey(Job, on_delete=cascade, related_name="versions", db_index=False)
    version = models.PositiveIntegerField()
    definition = SealedDefinition()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=255, blank=True, default="")
    # Made for one replay: the job itself never was so.
    once = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "job_versions"
        constraints = [models.UniqueConstraint(fields=["job", "version"], name="uniq_job_versions")]
        indexes = [SeedIndex(fields=["author"], name="idx_job_versions_author")]

    def __str__(self) -> str:
        return f"Version {self.version} of {self.job_id}"


class JobSummary(View):
    """One row a job with its run totals: the database view `job_summary`, never written."""

    id = UlidField(primary_key=True)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=50, choices=Type)
    status = models.CharField(max_length=50, choices=Status)
    priority = models.CharField(max_length=20, choices=Priority)
    owner_email = models.CharField(max_length=255)
    schedule_type = models.CharField(max_length=20, choices=Kind, null=True)  # noqa: DJ001
    run_at = models.DateTimeField(null=True)
    cron_expression = models.CharField(max_length=255, null=True)  # noqa: DJ001
    total_runs = models.BigIntegerField()
    last_run_time = models.DateTimeField(null=True)
    avg_duration_ms = Average(null=True)

    class Meta:
        managed = False
        db_table = "job_summary"
        verbose_name_plural = "job summaries"

    def __str__(self) -> str:
        return self.name
