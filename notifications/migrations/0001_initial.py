import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import chronos_site.schema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("jobs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=chronos_site.schema.cascade,
                        related_name="notifications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=chronos_site.schema.set_null,
                        related_name="notifications",
                        to="jobs.job",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("EMAIL", "E-mail"), ("WEBHOOK", "Webhook"), ("SMS", "SMS")], max_length=20
                    ),
                ),
                ("target", models.CharField(max_length=255)),
                ("template_code", models.CharField(max_length=50)),
                ("payload", models.JSONField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("SENT", "Sent"),
                            ("FAILED", "Failed"),
                            ("CANCELLED", "Cancelled"),
                        ],
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
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "notifications",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["user"], name="idx_notifications_user_id"),
                    chronos_site.schema.SeedIndex(fields=["job"], name="idx_notifications_job_id"),
                    chronos_site.schema.SeedIndex(fields=["status"], name="idx_notifications_status"),
                    chronos_site.schema.SeedIndex(fields=["created_at"], name="idx_notifications_created_at"),
                    chronos_site.schema.SeedIndex(
                        fields=["user", "status", "-created_at"],
                        name="idx_notifications_composite_user_status",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("channel__in", ["EMAIL", "WEBHOOK", "SMS"])), name="chk_channel"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["PENDING", "SENT", "FAILED", "CANCELLED"])),
                        name="chk_notification_status",
                    ),
                ],
            },
        ),
    ]
