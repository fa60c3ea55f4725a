"""The outbox: every message Chronos sends is a row first."""

from django.conf import settings
from django.db import models

from chronos_site.schema import SeedIndex, Stamp, cascade, set_null
from jobs.models import Job


class Channel(models.TextChoices):
    EMAIL = "EMAIL", "E-mail"
    WEBHOOK = "WEBHOOK", "Webhook"
    SMS = "SMS", "SMS"


class Delivery(models.TextChoices):
    PENDING = "PENDING", "Pending"
    SENT = "SENT", "Sent"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class Notification(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="notifications", db_index=False
    )
    job = models.ForeignKey(Job, on_delete=set_null, null=True, related_name="notifications", db_index=False)
    channel = models.CharField(max_length=20, choices=Channel)
    target = models.CharField(max_length=255)
    template_code = models.CharField(max_length=50)
    payload = models.JSONField(null=True, blank=True)
    status = models.CharField(
        max_length=20, choices=Delivery, default=Delivery.PENDING, db_default=Delivery.PENDING.value
    )
    created_at = Stamp()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notifications"
        indexes = [
            SeedIndex(fields=["user"], name="idx_notifications_user_id"),
            SeedIndex(fields=["job"], name="idx_notifications_job_id"),
            SeedIndex(fields=["status"], name="idx_notifications_status"),
            SeedIndex(fields=["created_at"], name="idx_notifications_created_at"),
            SeedIndex(
                fields=["user", "status", "-created_at"], name="idx_notifications_composite_user_status"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(channel__in=Channel.values), name="chk_channel"),
            models.CheckConstraint(
                condition=models.Q(status__in=Delivery.values), name="chk_notification_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_code} to {self.target}"
