"""Texts of messages that somebody has written; what has no row has the built-in one."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from chronos_site.schema import SeedIndex, set_null
from notifications.channel_names import Channel


class Template(models.Model):
    """The text of one kind of message for one channel."""

    code = models.CharField(max_length=50)
    channel = models.CharField(max_length=20, choices=Channel)
    subject = models.CharField(max_length=255, blank=True, default="")
    text = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "notification_templates"
        indexes = [SeedIndex(fields=["updated_by"], name="idx_notification_templates_updated_by")]
        constraints = [
            models.UniqueConstraint(fields=["code", "channel"], name="uniq_notification_templates")
        ]

    def __str__(self) -> str:
        return f"{self.code} by {self.channel}"
