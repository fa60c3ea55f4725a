"""What people do with their tokens."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from api.models import ApiToken, Scope
from audit.models import record

PREFIX = "chr_"
LONGEST = timedelta(days=365)
_SHOWN = 12


class AlreadyRevoked(Exception):
    """The token opens nothing any more; `str()` is the sentence for the person."""

    def __init__(self, token: ApiToken) -> None:
        super().__init__(f"{token.name} was revoked already.")


def digest(text: str) -> str:
    """What is kept of a token: of 256 random bits, a plain hash cannot be guessed back."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


@transaction.atomic
def create(*, by: User, name: str, scope: Scope, expires_at: datetime) -> tuple[ApiToken, str]:
    """A new token of the person's, and its text, which is nowhere else."""
    text = f"{PREFIX}{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        owner=by, name=name, scope=scope, prefix=text[:_SHOWN], digest=digest(text), expires_at=expires_at
    )
    details = {"name": name, "scope": str(scope), "expires_at": expires_at.isoformat()}
    record(by, "API_TOKEN_CREATED", token, details=details)
    return token, text


@transaction.atomic
def revoke(token: ApiToken, *, by: User, at: datetime) -> None:
    """Let the token open nothing from now on. Raises AlreadyRevoked."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
        raise AlreadyRevoked(token)
    record(by, "API_TOKEN_REVOKED", token, details={"name": token.name, "owner": token.owner.email})
