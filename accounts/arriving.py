"""Who comes from the provider: which account is theirs, and as what they come in."""

import logging

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

import audit.models as audit
from accounts import actions
from accounts.access import address
from accounts.models import Role, User
from accounts.provider import Identity, Refused, name
from audit.denials import sparing

logger = logging.getLogger(__name__)


def come_in(request: HttpRequest, identity: Identity) -> None:
    """Sign in whose identity it is; whoever has two-factor owes the code still. Raises Refused."""
    try:
        with transaction.atomic():
            user = _bound(identity) or _invited(identity) or _new(identity)
            _follow_role(user, identity.role)
    except IntegrityError as error:
        # Two requests at once make or bind the same account: one of them did.
        raise Refused("RACE", f"Signing in by {name()} did not work. Try it again.") from error
    actions.let_in(request, user, by="PROVIDER")


def tell_of_refusal(request: HttpRequest, refused: Refused) -> None:
    """Write down that somebody came from the provider and was not let in."""
    logger.warning("Nobody was let in by the provider (%s): %s", refused.why, refused.__cause__ or refused)
    if sparing("SIGN_IN_FAILED", address(request), most=actions.MOST_FAILURES):
        told = {"by": "PROVIDER", "why": refused.why}
        audit.record(None, "SIGN_IN_FAILED", actions.NOBODY, details=told)


def _bound(identity: Identity) -> User | None:
    """Who came with this identity before, whatever their e-mail is now."""
    user = User.objects.filter(subject=identity.subject).first()
    if user and not user.is_active:
        raise _no_account()
    return user


def _invited(identity: Identity) -> User | None:
    """Whose e-mail it is, the first time that they come; from then on their subject counts."""
    user = User.objects.filter(email__iexact=identity.email).order_by("pk").first()
    if user is None:
        return None
    if not user.is_active:
        raise _no_account()
    if user.subject and user.issuer == identity.issuer:
        # The provider gave the address to somebody else: the account is not theirs by that.
        raise Refused("BOUND", f"Somebody else of {name()} has this account: ask an administrator.")
    user.issuer, user.subject = identity.issuer, identity.subject
    user.save(update_fields=["issuer", "subject", "updated_at"])
    audit.record(user, "PROVIDER_BOUND", user)
    return user


def _new(identity: Identity) -> User:
    if not settings.OIDC_CREATE:
        raise _no_account()
    role = (identity.role or Role.USER).value
    user = User.objects.create_user(
        identity.email, None, roles=role, issuer=identity.issuer, subject=identity.subject
    )
    audit.record(None, "USER_CREATED", user, details={"by": "PROVIDER", "role": role})
    return user


def _follow_role(user: User, role: Role | None) -> None:
    """Give the person the role that the provider says, but for the last administrator, who stays one."""
    if role is None:
        return
    try:
        actions.change_person(user, role=role, is_active=True, by=None, note=f"as {name()} says")
    except actions.LastAdministrator:
        logger.warning("%s stays an administrator, though the provider says %s: the last one.", user, role)


def _no_account() -> Refused:
    return Refused("NO_ACCOUNT", "There is no account for you here: ask an administrator to invite you.")
