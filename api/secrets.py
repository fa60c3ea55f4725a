"""Secrets: their names, and values that go in and never come out."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from accounts.access import person
from accounts.models import User
from api.given import Text
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS, Invalid
from dashboard import paging
from dashboard.paging import Key, Order
from jobs import actions, vault
from jobs.vault import Secret

router = Router(tags=["secrets"])
ADMIN = Bearer(Scope.ADMIN)

BY_NAME = Order((Key("name"), Key("pk")))


class SecretShown(Schema):
    name: str
    owner: str | None
    description: str
    changed_at: datetime


class SecretGiven(Schema):
    value: str = Field(min_length=1, max_length=vault.LONGEST)
    owner: Text | None = Field(default=None, description="Whose jobs may use it, by e-mail; else all.")
    description: Text = Field(default="", max_length=255)


@router.get("", response={200: Listed[SecretShown], **ANSWERS}, auth=ADMIN, operation_id="list_secrets")
def list_secrets(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    """The names of secrets; their values are shown to nobody."""
    secrets = Secret.objects.select_related("owner").defer("token", "owner__password")
    return listed(request, paging.page(secrets, BY_NAME, asked(request), limit), _shown)


@router.put("/{name}", response={200: SecretShown, **ANSWERS}, auth=ADMIN, operation_id="put_secret")
def put_secret(request: HttpRequest, name: str, given: SecretGiven) -> Any:
    """Make a secret, or put other values in the place of the one of this name."""
    try:
        return _shown(_put(request, name, given))
    except IntegrityError:
        # Somebody else has made it in this moment.
        return _shown(_put(request, name, given))


def _put(request: HttpRequest, name: str, given: SecretGiven) -> Secret:
    secret = Secret.objects.filter(name=name).first() or Secret(name=name)
    secret.owner, secret.description = _owner(given.owner), given.description
    secret.hide(given.value)
    try:
        secret.full_clean(exclude=["token"])
    except ValidationError as wrong:
        raise Invalid((field, why) for field, all_ in wrong.message_dict.items() for why in all_) from wrong
    actions.save_secret(
        secret, changed=["value", "owner", "description"], by=person(request), at=timezone.now()
    )
    return secret


@router.delete("/{name}", response={204: None, **ANSWERS}, auth=ADMIN, operation_id="delete_secret")
def delete_secret(request: HttpRequest, name: str) -> Any:
    """Forget a secret; jobs that name it fail from now on."""
    actions.delete_secret(get_object_or_404(Secret, name=name), by=person(request))
    return Status(204, None)


def _owner(email: str | None) -> User | None:
    if email is None:
        return None
    if found := User.objects.filter(email__iexact=email, is_active=True).first():
        return found
    raise Invalid([("owner", "Nobody with an active account has this e-mail.")])


def _shown(secret: Secret) -> dict[str, Any]:
    return {
        "name": secret.name,
        "owner": secret.owner.email if secret.owner else None,
        "description": secret.description,
        "changed_at": secret.changed_at,
    }
