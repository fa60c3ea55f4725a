"""What people do with their own account, and administrators with others'."""

from typing import Any

from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

import audit.models as audit
from accounts.models import User

# The failure of somebody we do not know is recorded too, without what they typed: it may be a password.
_NOBODY = User(pk=0)


def sign_in(request: HttpRequest, email: str, password: str) -> User | None:
    """Start a fresh session for whom the password belongs to; None when nobody may sign in with it."""
    user = authenticate(request, email=email, password=password)
    address = {"address": request.META.get("REMOTE_ADDR", "")}
    if not isinstance(user, User):
        if not getattr(request, "axes_locked_out", False):
            known = User.objects.filter(email__iexact=email).first()
            audit.record(None, "SIGN_IN_FAILED", known or _NOBODY, details=address)
        return None
    login(request, user)
    audit.record(user, "SIGNED_IN", user, details=address)
    return user


def sign_out(request: HttpRequest, user: User) -> None:
    """End this session; others of the same person go on."""
    logout(request)
    audit.record(user, "SIGNED_OUT", user)


def change_password(request: HttpRequest, user: User, old: str, new: str) -> bool:
    """Set the password, keep this session and end all others; False when `old` is not the current one.

    Wrong guesses count like those on the sign-in page.
    """
    if authenticate(request, email=user.email, password=old) != user:
        return False
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password", "updated_at"])
        audit.record(user, "PASSWORD_CHANGED", user)
    update_session_auth_hash(request, user)
    return True


@transaction.atomic
def choose_time_zone(user: User, zone: str) -> None:
    """Show them times in this zone, on whatever machine they sign in."""
    if user.time_zone == zone:
        return
    user.time_zone = zone
    user.save(update_fields=["time_zone", "updated_at"])
    audit.record(user, "TIME_ZONE_CHOSEN", user, details={"time_zone": zone})


@transaction.atomic
def save_account(user: User, *, role: str, password: str, changed: dict[str, Any], by: User) -> None:
    """Create or change somebody's account; a new password ends all their sessions.

    `changed` names what changed and its new value; without a password they keep the one they have.
    """
    action = "USER_CHANGED" if user.pk else "USER_CREATED"
    user.roles = role
    if password:
        user.set_password(password)
    user.save()
    audit.record(by, action, user, details={**changed, **({"password": "set"} if password else {})})
