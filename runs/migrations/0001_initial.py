import django.db.models.functions.datetime
from django.db import migrations, models

import chronos_site.schema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("jobs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExecutionStats",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "execution_date",
                        "job_type",
                        "outcome",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("execution_date", models.DateField()),
                (
                    "job_type",
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
                    "outcome",
                    models.CharField(
                        choices=[
                            ("SUCCESS", "Succeeded"),
                            ("FAILURE", "Failed"),
                            ("TIMEOUT", "Timed out"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("execution_count", models.BigIntegerField()),
                ("avg_duration_ms", chronos_site.schema.Average(null=True)),
                ("min_duration_ms", models.BigIntegerField(null=True)),
                ("max_duration_ms", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "execution statistics",
                "verbose_name_plural": "execution statistics",
                "db_table": "execution_stats",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Process",
            fields=[
                ("name", models.CharField(max_length=255, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("SCHEDULER", "Scheduler"), ("WORKER", "Worker")], max_length=10
                    ),
                ),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField()),
                ("slots", models.PositiveIntegerField(db_default=0, default=0)),
                ("busy", models.PositiveIntegerField(db_default=0, default=0)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("beat_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "processes",
                "db_table": "processes",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["kind", "-beat_at"], name="idx_processes_kind_beat")
                ],
            },
        ),
        migrations.CreateModel(
            name="Run",
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
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=chronos_site.schema.cascade,
                        related_name="runs",
                        to="jobs.job",
                    ),
                ),
                ("scheduled_time", models.DateTimeField()),
                ("start_time", models.DateTimeField(blank=True, null=True)),
                ("end_time", models.DateTimeField(blank=True, null=True)),
                ("attempt", models.IntegerField(db_default=1, default=1)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("SUCCESS", "Succeeded"),
                            ("FAILURE", "Failed"),
                            ("TIMEOUT", "Timed out"),
                            ("CANCELLED", "Cancelled"),
                        ],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("error_message", models.TextField(blank=True, null=True)),
                ("worker_id", models.CharField(blank=True, max_length=255, null=True)),
                ("duration_ms", models.BigIntegerField(blank=True, null=True)),
                (
                    "available_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("SCHEDULE", "Schedule"),
                            ("MANUAL", "By hand"),
                            ("RETRY", "Retry"),
                            ("REPLAY", "Replay"),
                            ("BACKFILL", "Backfill"),
                        ],
                        db_default="SCHEDULE",
                        default="SCHEDULE",
                        max_length=10,
                    ),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1)),
                ("priority", models.PositiveSmallIntegerField(db_default=2, default=2)),
                ("claim_token", models.CharField(editable=False, max_length=26, null=True)),
                ("lease_expires_at", models.DateTimeField(editable=False, null=True)),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                ("error_class", models.CharField(blank=True, max_length=64, null=True)),
                ("signature", models.CharField(blank=True, max_length=64, null=True)),
                ("result", models.JSONField(blank=True, null=True)),
                (
                    "skip_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("MISFIRE", "Missed"),
                            ("OVERLAP", "Earlier run not over"),
                            ("PAUSED", "Paused"),
                            ("WINDOW", "Outside its window"),
                            ("CATCH_UP_CAP", "Too many missed"),
                        ],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("skipped_count", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "replay_of",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=chronos_site.schema.set_null,
                        related_name="replays",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "db_table": "job_runs",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["job"], name="idx_job_runs_job_id"),
                    chronos_site.schema.SeedIndex(
                        fields=["scheduled_time"], name="idx_job_runs_scheduled_time"
                    ),
                    chronos_site.schema.SeedIndex(fields=["outcome"], name="idx_job_runs_outcome"),
                    chronos_site.schema.SeedIndex(fields=["worker_id"], name="idx_job_runs_worker_id"),
                    chronos_site.schema.SeedIndex(
                        fields=["job", "-scheduled_time"], name="idx_job_runs_composite_job_time"
                    ),
                    chronos_site.schema.SeedIndex(
                        fields=["outcome", "-end_time"], name="idx_job_runs_composite_outcome_time"
                    ),
                    chronos_site.schema.PartialIndex(
                        condition=models.Q(("outcome", None), ("start_time", None)),
                        fallback=["start_time", "outcome", "priority", "available_at"],
                        fields=["priority", "available_at"],
                        name="idx_job_runs_pending",
                    ),
                    chronos_site.schema.PartialIndex(
                        condition=models.Q(("outcome", None)),
                        fallback=["job", "outcome"],
                        fields=["job", "lease_expires_at"],
                        name="idx_job_runs_active",
                    ),
                    chronos_site.schema.PartialIndex(
                        condition=models.Q(("outcome", None), ("start_time__isnull", False)),
                        fallback=["outcome", "lease_expires_at"],
                        fields=["lease_expires_at"],
                        name="idx_job_runs_lease",
                    ),
                    chronos_site.schema.PartialIndex(
                        condition=models.Q(("replay_of__isnull", False)),
                        fallback=["replay_of"],
                        fields=["replay_of"],
                        name="idx_job_runs_replay_of",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["SUCCESS", "FAILURE", "TIMEOUT", "CANCELLED"])),
                        name="chk_outcome",
                    ),
                    models.UniqueConstraint(
                        fields=("job", "scheduled_time", "attempt"), name="uniq_job_runs_tick"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
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
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=chronos_site.schema.cascade,
                        related_name="dead_letters",
                        to="jobs.job",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=chronos_site.schema.set_null,
                        related_name="dead_letters",
                        to="runs.run",
                    ),
                ),
                ("failure_reason", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[("PENDING", "Pending"), ("RESOLVED", "Resolved"), ("IGNORED", "Ignored")],
                        db_default="PENDING",
                        default="PENDING",
                        max_length=20,
                    ),
                ),
                (
                    "created_at",
                    chronos_site.schema.Stamp(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolution_notes", models.TextField(blank=True, null=True)),
                ("signature", models.CharField(blank=True, max_length=64, null=True)),
            ],
            options={
                "db_table": "dlq_events",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["job"], name="idx_dlq_events_job_id"),
                    chronos_site.schema.SeedIndex(fields=["run"], name="idx_dlq_events_run_id"),
                    chronos_site.schema.SeedIndex(fields=["status"], name="idx_dlq_events_status"),
                    chronos_site.schema.SeedIndex(fields=["created_at"], name="idx_dlq_events_created_at"),
                    chronos_site.schema.SeedIndex(
                        fields=["status", "signature", "-created_at"], name="idx_dlq_events_signature"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["PENDING", "RESOLVED", "IGNORED"])),
                        name="chk_dlq_status",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RunLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=chronos_site.schema.cascade,
                        related_name="logs",
                        to="runs.run",
                    ),
                ),
                ("timestamp", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("TRACE", "Trace"),
                            ("DEBUG", "Debug"),
                            ("INFO", "Info"),
                            ("WARN", "Warn"),
                            ("ERROR", "Error"),
                        ],
                        db_default="INFO",
                        default="INFO",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField()),
                ("context", models.JSONField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "log line",
                "db_table": "job_run_logs",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["run"], name="idx_job_run_logs_run_id"),
                    chronos_site.schema.SeedIndex(fields=["timestamp"], name="idx_job_run_logs_timestamp"),
                    chronos_site.schema.SeedIndex(fields=["level"], name="idx_job_run_logs_level"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"])),
                        name="chk_level",
                    )
                ],
            },
        ),
    ]
