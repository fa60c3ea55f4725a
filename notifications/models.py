"""The outbox: every message Chronos sends is a row first."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from chronos_site.schema import PartialIndex, SeedIndex, Stamp, cascade, set_null
from jobs.models import Job
from notifications.channel_names import Channel
from notifications.contacts import Contact
from notifications.rules import Rule
from runs.models import Run


class Delivery(models.TextChoices):
    PENDING = "PENDING", "Waiting"
    SENT = "SENT", "Sent"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, user: User) -> Self:
        """Messages to them, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(user=user)

    def pending(self) -> Self:
        return self.filter(status=Delivery.PENDING)

    def failed(self) -> Self:
        return self.filter(status=Delivery.FAILED)

    def unsettled(self) -> Self:
        """Those that wait, and those that need a person."""
        return self.filter(status__in=[Delivery.PENDING, Delivery.FAILED])

    def due(self, at: datetime) -> Self:
        """Messages whose time has come and that nobody is sending, longest waiting first."""
        free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=at)
        return self.pending().filter(free, next_attempt_at__lte=at).order_by("next_attempt_at", "pk")


class Notification(models.Model):
    """One message to one contact point about one event, or about all of a group while it waits.

    While `open_key` is set, further events of its group join it: `count` says how many they are, `payload`
    holds the first of them. Whoever sends it sets that to NULL, and holds it by `claim_token` until the lease
    ends. `user` is whose contact point it goes to.
    """

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

    rule = models.ForeignKey(
        Rule, on_delete=set_null, null=True, blank=True, related_name="notifications", db_index=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=set_null, null=True, blank=True, related_name="notifications", db_index=False
    )
    run = models.ForeignKey(
        Run, on_delete=set_null, null=True, blank=True, related_name="notifications", db_index=False
    )
    event_key = models.CharField(max_length=100, null=True, editable=False)  # noqa: DJ001 (unique where there is one)
    group_key = models.CharField(max_length=100, default="", db_default="", editable=False)
    open_key = models.CharField(max_length=100, null=True, unique=True, editable=False)  # noqa: DJ001
    count = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    attempts = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, db_default=Now(), editable=False)
    # Until when quiet hours or a digest keep it back.
    held_until = models.DateTimeField(null=True, editable=False)
    claim_token = models.CharField(max_length=26, default="", db_default="", editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    # A message that a person sends once more is another one for who receives it.
    resent = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    subject = models.CharField(max_length=255, default="", db_default="", editable=False)
    answer = models.TextField(default="", db_default="", editable=False)
    error = models.TextField(default="", db_default="", editable=False)

    objects = NotificationQuerySet.as_manager()

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
            SeedIndex(fields=["status", "id"], name="idx_notifications_status_id"),
            SeedIndex(fields=["rule", "id"], name="idx_notifications_rule"),
            SeedIndex(fields=["contact", "id"], name="idx_notifications_contact"),
            SeedIndex(fields=["group_key", "id"], name="idx_notifications_group"),
            PartialIndex(
                fields=["run"],
                condition=Q(run__isnull=False),
                fallback=["run"],
                name="idx_notifications_run",
            ),
            PartialIndex(
                fields=["next_attempt_at"],
                condition=Q(status=Delivery.PENDING),
                fallback=["status", "next_attempt_at"],
                name="idx_notifications_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(channel__in=Channel.values), name="chk_channel"),
            models.CheckConstraint(
                condition=models.Q(status__in=Delivery.values), name="chk_notification_status"
            ),
            models.UniqueConstraint(fields=["event_key", "rule", "contact"], name="uniq_notifications_event"),
        ]

    def __str__(self) -> str:
        return f"{self.template_code} to {self.target}"

    @property
    def message_id(self) -> str:
        """What stays the same over all tries to deliver it, for receivers that know a second copy by it."""
        return f"chronos-{self.pk}-{self.resent}"
