"""Contact points: where messages go."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chronos_site import sealing
from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid
from chronos_site.sealed import Token
from notifications.channel_names import Channel


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: User) -> Self:
        """Their own, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(owner=user)

    def usable_by(self, user: User) -> Self:
        """Those that rules of this person may tell: their own, and for operators the shared ones."""
        return self.filter(Q(owner=user) | Q(shared=True)) if user.is_operator else self.filter(owner=user)


class Contact(models.Model):
    """One address of one channel, with what sending to it takes.

    `address` is what people see: the mail address, the URL without its secrets, the number. `settings` are
    the channel's (the shape of a webhook's body, its headers); `token` is the encrypted rest (the key that
    signs, the provider's URL with its credentials).
    """

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="contacts", db_index=False
    )
    name = models.CharField(max_length=100)
    channel = models.CharField(max_length=20, choices=Channel)
    address = models.CharField(max_length=255)
    settings = models.JSONField(default=dict, blank=True)
    token = Token(blank=True, default="", editable=False)
    shared = models.BooleanField(default=False, help_text=_("Rules of all operators may tell it."))
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    verified_at = models.DateTimeField(null=True, editable=False)
    last_ok_at = models.DateTimeField(null=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, default="", editable=False)
    # The circuit: after some failures in a row nothing is sent until then.
    failures_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    open_until = models.DateTimeField(null=True, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        db_table = "notification_targets"
        indexes = [SeedIndex(fields=["owner", "name"], name="idx_notification_targets_owner")]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="chk_notification_targets_channel"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def hide(self, secret: str) -> None:
        """Take the secret, encrypted with the newest key; an empty one takes none. Raises sealing.NoKey."""
        self.token = sealing.sealed(secret) if secret else ""

    @property
    def secret(self) -> str | None:
        """The secret in the clear; empty where there is none, None where its key is gone."""
        return sealing.opened(self.token) if self.token else ""

    def is_cut_off(self, at: datetime) -> bool:
        """Whether its circuit is open: nothing is sent there for a while."""
        return self.open_until is not None and self.open_until > at
