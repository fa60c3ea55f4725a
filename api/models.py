"""What the REST API keeps: tokens that stand for people, and answers to requests that may be sent twice."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.models import User
from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid


class Scope(models.TextChoices):
    """How far a token reaches; each scope includes those before it, and none more than its person's role."""

    READ = "READ", "Read"
    OPERATE = "OPERATE", "Read and operate: run, pause, resume, cancel, triage"
    WRITE = "WRITE", "Read, operate and change definitions"
    ADMIN = "ADMIN", "Everything, accounts and secrets too"

    def includes(self, other: "Scope") -> bool:
        ranks = list(Scope)
        return ranks.index(other) <= ranks.index(self)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, user: User) -> Self:
        """Their own; administrators see everyone's."""
        return self if user.is_administrator else self.filter(owner=user)

    def usable(self, at: datetime) -> Self:
        """Those that open the door at the instant: of people who may sign in, not revoked, not expired."""
        return self.filter(owner__is_active=True, revoked_at=None, expires_at__gt=at)


class ApiToken(models.Model):
    """One token of a person's; of its text only a hash is kept."""

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="api_tokens", db_index=False
    )
    name = models.CharField(max_length=60)
    scope = models.CharField(max_length=10, choices=Scope)
    # The beginning of the text, by which people tell their tokens apart.
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        db_table = "api_tokens"
        indexes = [SeedIndex(fields=["owner"], name="idx_api_tokens_owner")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def may(self, scope: Scope) -> bool:
        return Scope(self.scope).includes(scope)


class Answer(models.Model):
    """What a request with an Idempotency-Key was answered: sent again, it gets the same."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="api_answers", db_index=False
    )
    key = models.CharField(max_length=200)
    # Of the method, the address and the body: the key stands for one request alone.
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    location = models.CharField(max_length=200, blank=True, default="")
    body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "api_answers"
        indexes = [SeedIndex(fields=["created_at"], name="idx_api_answers_created_at")]
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="uniq_api_answers")]

    def __str__(self) -> str:
        return self.key
