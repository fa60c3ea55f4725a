"""Named secrets, encrypted at rest; only workers read them, for the placeholder `{{ secret:name }}`."""

import re
from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid
from chronos_site.sealed import Token
from chronos_site.sealing import opened, sealed

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")
ONLY = "Use up to 64 letters, digits, dots, hyphens and _."
LONGEST = 100_000


class SecretQuerySet(models.QuerySet["Secret"]):
    def usable_by(self, owner_id: int) -> Self:
        """Secrets that the jobs of this person may use: their own, and those for everybody."""
        return self.filter(Q(owner=None) | Q(owner=owner_id))


class Secret(models.Model):
    """One secret; its value is nowhere in the clear, and shown to nobody."""

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    name = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(NAME, ONLY)],
        help_text=_("As payloads name it: {{ secret:name }}."),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=cascade,
        null=True,
        blank=True,
        related_name="secrets",
        db_index=False,
        help_text=_("Whose jobs may use it; empty: everybody's."),
    )
    description = models.CharField(max_length=255, blank=True, default="", db_default="")
    token = Token(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SecretQuerySet.as_manager()

    class Meta:
        db_table = "secrets"
        indexes = [SeedIndex(fields=["owner"], name="idx_secrets_owner")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what ends like a name and begins otherwise: the field's validator looks at the end alone."""
        if NAME.search(self.name) and not NAME.match(self.name):
            raise ValidationError({"name": ONLY})

    def hide(self, value: str) -> None:
        """Take the value, encrypted with the newest key. Raises NoKey."""
        self.token = sealed(value)


def reveal(names: Collection[str], *, owner_id: int) -> dict[str, str]:
    """The secrets of these names for jobs of this person.

    What is not there, not for them, or encrypted with a key that is gone, is left out.
    """
    if not names or not settings.SECRETS_KEYS:
        return {}
    usable = Secret.objects.usable_by(owner_id).filter(name__in=list(names))
    values = ((name, opened(token)) for name, token in usable.values_list("name", "token"))
    return {name: value for name, value in values if value is not None}


def owned(names: Collection[str]) -> list[str]:
    """Which of these names are secrets that belong to one person."""
    if not names:
        return []
    private = Secret.objects.filter(name__in=list(names), owner__isnull=False)
    return sorted(private.values_list("name", flat=True))


def missing(names: Collection[str], *, owner_id: int) -> list[str]:
    """Which of these names are no secrets that jobs of this person may use."""
    usable = (
        Secret.objects.usable_by(owner_id).filter(name__in=list(names)) if names else Secret.objects.none()
    )
    return sorted(set(names) - set(usable.values_list("name", flat=True)))
