import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import chronos_site.schema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobSummary",
            fields=[
                ("id", chronos_site.schema.UlidField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("HTTP", "HTTP"),
                            ("DATABASE", "Database"),
                            ("FILE_SYSTEM", "File system"),
                            ("MESSAGE_QUEUE", "Message queue"),
                            ("CACHE", "Cache"),
                            ("EMAIL", "E-mail"),
                            ("REPORT", "Report"),
                            ("SCRIPT", "Script"),
                            ("DUMMY", "Dummy"),
                            ("DB_TO_KAFKA", "DB to Kafka"),
                        ],
                        max_length=50,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("SCHEDULED", "Scheduled"),
                            ("RUNNING", "Running"),
                            ("SUCCEEDED", "Succeeded"),
                            ("FAILED", "Failed"),
                            ("CANCELLED", "Cancelled"),
                            ("PAUSED", "Paused"),
                        ],
                        max_length=50,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High")], max_length=20
                    ),
                ),
                ("owner_email", models.CharField(max_length=255)),
                (
                    "schedule_type",
                    models.CharField(
                        choices=[("ONCE", "Once"), ("CRON", "Cron"), ("INTERVAL", "Interval")],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("run_at", models.DateTimeField(null=True)),
                ("cron_expression", models.CharField(max_length=255, null=True)),
                ("total_runs", models.BigIntegerField()),
                ("last_run_time", models.DateTimeField(null=True)),
                ("avg_duration_ms", chronos_site.schema.Average(null=True)),
            ],
            options={
                "verbose_name_plural": "job summaries",
                "db_table": "job_summary",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    chronos_site.schema.UlidField(
                        default=chronos_site.schema.new_ulid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=chronos_site.schema.cascade,
                        related_name="jobs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("HTTP", "HTTP"),
                            ("DATABASE", "Database"),
                            ("FILE_SYSTEM", "File system"),
                            ("MESSAGE_QUEUE", "Message queue"),
                            ("CACHE", "Cache"),
                            ("EMAIL", "E-mail"),
                            ("REPORT", "Report"),
                            ("SCRIPT", "Script"),
                            ("DUMMY", "Dummy"),
                            ("DB_TO_KAFKA", "DB to Kafka"),
                        ],
                        max_length=50,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("SCHEDULED", "Scheduled"),
                            ("RUNNING", "Running"),
                            ("SUCCEEDED", "Succeeded"),
                            ("FAILED", "Failed"),
                            ("CANCELLED", "Cancelled"),
                            ("PAUSED", "Paused"),
                        ],
                        db_default="PENDING",
                        default="PENDING",
                        editable=False,
                        max_length=50,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High")],
                        db_default="MEDIUM",
                        default="MEDIUM",
                        max_length=20,
                    ),
                ),
                (
                    "created_at",
                    chronos_site.schema.Stamp(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    chronos_site.schema.UpdateStamp(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="First line shows in lists; the rest is the runbook.",
                    ),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1, editable=False)),
                (
                    "safe_to_repeat",
                    models.BooleanField(
                        blank=True,
                        help_text="Whether a run that was lost may be repeated; empty means the type's own answer.",
                        null=True,
                    ),
                ),
            ],
            options={
                "db_table": "jobs",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["owner"], name="idx_jobs_owner"),
                    chronos_site.schema.SeedIndex(fields=["type"], name="idx_jobs_type"),
                    chronos_site.schema.SeedIndex(fields=["status"], name="idx_jobs_status"),
                    chronos_site.schema.SeedIndex(fields=["priority"], name="idx_jobs_priority"),
                    chronos_site.schema.SeedIndex(fields=["created_at"], name="idx_jobs_created_at"),
                    chronos_site.schema.SeedIndex(
                        fields=["status", "type", "created_at"], name="idx_jobs_composite_status_type"
                    ),
                    chronos_site.schema.SeedIndex(
                        fields=["owner", "status", "updated_at"], name="idx_jobs_composite_owner_status"
                    ),
                    chronos_site.schema.SeedIndex(fields=["name", "id"], name="idx_jobs_name"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                [
                                    "HTTP",
                                    "DATABASE",
                                    "FILE_SYSTEM",
                                    "MESSAGE_QUEUE",
                                    "CACHE",
                                    "EMAIL",
                                    "REPORT",
                                    "SCRIPT",
                                    "DUMMY",
                                    "DB_TO_KAFKA",
                                ],
                            )
                        ),
                        name="chk_jobs_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "PENDING",
                                    "SCHEDULED",
                                    "RUNNING",
                                    "SUCCEEDED",
                                    "FAILED",
                                    "CANCELLED",
                                    "PAUSED",
                                ],
                            )
                        ),
                        name="chk_jobs_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("priority__in", ["LOW", "MEDIUM", "HIGH"])),
                        name="chk_jobs_priority",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobPayload",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=chronos_site.schema.cascade, related_name="payload", to="jobs.job"
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("HTTP", "HTTP"),
                            ("DATABASE", "Database"),
                            ("FILE_SYSTEM", "File system"),
                            ("MESSAGE_QUEUE", "Message queue"),
                            ("CACHE", "Cache"),
                            ("EMAIL", "E-mail"),
                            ("REPORT", "Report"),
                            ("SCRIPT", "Script"),
                            ("DUMMY", "Dummy"),
                            ("DB_TO_KAFKA", "DB to Kafka"),
                        ],
                        max_length=50,
                    ),
                ),
                ("http_url", models.CharField(blank=True, max_length=2048, null=True)),
                ("http_method", models.CharField(blank=True, max_length=10, null=True)),
                ("http_headers", models.JSONField(blank=True, null=True)),
                ("http_body", models.TextField(blank=True, null=True)),
                ("timeout_seconds", models.IntegerField(blank=True, null=True)),
                ("script_content", models.TextField(blank=True, null=True)),
                ("database_url", models.CharField(blank=True, max_length=2048, null=True)),
                ("query", models.TextField(blank=True, null=True)),
                ("parameters", models.JSONField(blank=True, null=True)),
                ("query_timeout_seconds", models.IntegerField(blank=True, null=True)),
                ("max_rows", models.IntegerField(blank=True, null=True)),
                ("read_only", models.BooleanField(db_default=True, default=True, null=True)),
                ("transaction_isolation", models.CharField(blank=True, max_length=50, null=True)),
                ("queue_name", models.CharField(blank=True, max_length=255, null=True)),
                ("operation_type", models.CharField(blank=True, max_length=50, null=True)),
                ("message_body", models.TextField(blank=True, null=True)),
                ("message_group_id", models.CharField(blank=True, max_length=255, null=True)),
                ("queue_config", models.JSONField(blank=True, null=True)),
                ("batch_size", models.IntegerField(blank=True, null=True)),
                ("cache_region", models.CharField(blank=True, max_length=255, null=True)),
                ("cache_operation", models.CharField(blank=True, max_length=50, null=True)),
                ("cache_keys", models.JSONField(blank=True, null=True)),
                ("time_to_live_seconds", models.IntegerField(blank=True, null=True)),
                ("skip_if_exists", models.BooleanField(db_default=False, default=False, null=True)),
                ("source_region", models.CharField(blank=True, max_length=255, null=True)),
                ("cache_config", models.JSONField(blank=True, null=True)),
                (
                    "run_async",
                    models.BooleanField(
                        db_column="async", db_default=False, default=False, null=True, verbose_name="async"
                    ),
                ),
                ("file_path", models.CharField(blank=True, max_length=2048, null=True)),
                ("file_operation", models.CharField(blank=True, max_length=50, null=True)),
                ("target_path", models.CharField(blank=True, max_length=2048, null=True)),
                ("file_content", models.TextField(blank=True, null=True)),
                ("create_directories", models.BooleanField(db_default=False, default=False, null=True)),
                ("overwrite", models.BooleanField(db_default=False, default=False, null=True)),
                ("kafka_topic", models.CharField(blank=True, max_length=255, null=True)),
                ("kafka_key_field", models.CharField(blank=True, max_length=255, null=True)),
                ("include_metadata", models.BooleanField(db_default=False, default=False, null=True)),
                ("skip_on_error", models.BooleanField(db_default=False, default=False, null=True)),
                ("field_mappings", models.JSONField(blank=True, null=True)),
                ("excluded_fields", models.JSONField(blank=True, null=True)),
                ("metadata", models.JSONField(blank=True, null=True)),
            ],
            options={
                "db_table": "job_payloads",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["job"], name="idx_job_payloads_job_id"),
                    chronos_site.schema.SeedIndex(fields=["type"], name="idx_job_payloads_type"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                [
                                    "HTTP",
                                    "DATABASE",
                                    "FILE_SYSTEM",
                                    "MESSAGE_QUEUE",
                                    "CACHE",
                                    "EMAIL",
                                    "REPORT",
                                    "SCRIPT",
                                    "DUMMY",
                                    "DB_TO_KAFKA",
                                ],
                            )
                        ),
                        name="chk_payload_type_consistency",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="JobSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=chronos_site.schema.cascade, related_name="schedule", to="jobs.job"
                    ),
                ),
                (
                    "schedule_type",
                    models.CharField(
                        choices=[("ONCE", "Once"), ("CRON", "Cron"), ("INTERVAL", "Interval")], max_length=20
                    ),
                ),
                ("run_at", models.DateTimeField(blank=True, null=True)),
                ("cron_expression", models.CharField(blank=True, max_length=255, null=True)),
                ("interval_seconds", models.BigIntegerField(blank=True, null=True)),
                ("timezone", models.CharField(db_default="UTC", default="UTC", max_length=50, null=True)),
                (
                    "misfire_policy",
                    models.CharField(
                        choices=[
                            ("FIRE_NOW", "Fire now"),
                            ("IGNORE", "Ignore"),
                            ("RESCHEDULE", "Reschedule"),
                        ],
                        db_default="FIRE_NOW",
                        default="FIRE_NOW",
                        max_length=20,
                        null=True,
                    ),
                ),
                (
                    "overlap_policy",
                    models.CharField(
                        choices=[
                            ("SKIP", "Skip"),
                            ("QUEUE", "Queue one"),
                            ("ALLOW", "Allow"),
                            ("CANCEL_RUNNING", "Cancel the running one"),
                        ],
                        db_default="SKIP",
                        default="SKIP",
                        max_length=20,
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("jitter_seconds", models.PositiveIntegerField(db_default=0, default=0)),
                ("anchor_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("next_fire_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("held_fire_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("paused_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("resumed_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "db_table": "job_schedules",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["job"], name="idx_job_schedules_job_id"),
                    chronos_site.schema.SeedIndex(fields=["run_at"], name="idx_job_schedules_run_at"),
                    chronos_site.schema.SeedIndex(fields=["schedule_type"], name="idx_job_schedules_type"),
                    chronos_site.schema.SeedIndex(
                        fields=["next_fire_at"], name="idx_job_schedules_next_fire_at"
                    ),
                    chronos_site.schema.PartialIndex(
                        condition=models.Q(("paused_until__isnull", False)),
                        fallback=["paused_until"],
                        fields=["paused_until"],
                        name="idx_job_schedules_paused_until",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("schedule_type__in", ["ONCE", "CRON", "INTERVAL"])),
                        name="chk_schedule_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("misfire_policy__in", ["FIRE_NOW", "IGNORE", "RESCHEDULE"])),
                        name="chk_misfire_policy",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("overlap_policy__in", ["SKIP", "QUEUE", "ALLOW", "CANCEL_RUNNING"])
                        ),
                        name="chk_overlap_policy",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("run_at__isnull", False), ("schedule_type", "ONCE")),
                            models.Q(("cron_expression__isnull", False), ("schedule_type", "CRON")),
                            models.Q(("interval_seconds__isnull", False), ("schedule_type", "INTERVAL")),
                            _connector="OR",
                        ),
                        name="chk_schedule_consistency",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=chronos_site.schema.cascade,
                        related_name="versions",
                        to="jobs.job",
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("definition", models.JSONField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=chronos_site.schema.set_null,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("note", models.CharField(blank=True, default="", max_length=255)),
            ],
            options={
                "db_table": "job_versions",
                "indexes": [chronos_site.schema.SeedIndex(fields=["author"], name="idx_job_versions_author")],
                "constraints": [models.UniqueConstraint(fields=("job", "version"), name="uniq_job_versions")],
            },
        ),
        migrations.CreateModel(
            name="RetryPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=chronos_site.schema.cascade, related_name="retry_policy", to="jobs.job"
                    ),
                ),
                ("max_attempts", models.IntegerField(db_default=1, default=1)),
                (
                    "backoff_strategy",
                    models.CharField(
                        choices=[("FIXED", "Fixed"), ("EXPONENTIAL", "Doubling")],
                        db_default="FIXED",
                        default="FIXED",
                        max_length=20,
                    ),
                ),
                ("backoff_seconds", models.IntegerField(db_default=60, default=60)),
                ("retry_on", models.JSONField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "retry policies",
                "db_table": "retry_policies",
                "indexes": [chronos_site.schema.SeedIndex(fields=["job"], name="idx_retry_policies_job_id")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("max_attempts__gt", 0)), name="chk_max_attempts"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("backoff_seconds__gte", 0)), name="chk_backoff_seconds"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("backoff_strategy__in", ["FIXED", "EXPONENTIAL"])),
                        name="chk_backoff_strategy",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("backoff_seconds__range", (0, 3600)), ("max_attempts__range", (1, 10))
                        ),
                        name="chk_retry_sanity",
                    ),
                ],
            },
        ),
    ]
