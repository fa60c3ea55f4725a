"""What people do with their own account, and administrators with others'."""

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

import audit.models as audit
from accounts.access import address
from accounts.models import User
from audit.denials import sparing

# The failure of somebody we do not know is recorded too, without what they typed: it may be a password.
_NOBODY = User(pk=0)
# Failures of one address that are written down within a minute.
MOST_FAILURES = 30


def sign_in(request: HttpRequest, email: str, password: str) -> User | None:
    """Start a fresh session for whom the password belongs to; None when nobody may sign in with it."""
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User):
        _tell_of_failure(request, email)
        return None
    login(request, user)
    audit.record(user, "SIGNED_IN", user)
    return user


def _tell_of_failure(request: HttpRequest, email: str) -> None:
    """Write down a wrong password, and of those that come after the lock only that there is one."""
    from_there = address(request)
    known = User.objects.filter(email__iexact=email).first() or _NOBODY
    if getattr(request, "axes_locked_out", False):
        lock = int(settings.AXES_COOLOFF_TIME.total_seconds())
        if sparing("LOCKED_OUT", f"{from_there}:{known.pk}", most=1, seconds=lock):
            audit.record(None, "LOCKED_OUT", known)
    elif sparing("SIGN_IN_FAILED", from_there, most=MOST_FAILURES):
        audit.record(None, "SIGN_IN_FAILED", known)


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
    before, user.time_zone = user.time_zone, zone
    user.save(update_fields=["time_zone", "updated_at"])
    audit.record(user, "TIME_ZONE_CHOSEN", user, changes={"time_zone": (before, zone)})


@transaction.atomic
def save_account(user: User, *, role: str, password: str, changed: audit.Changes, by: User) -> None:
    """Create or change somebody's account; a new password ends all their sessions.

    `changed` names what changed with its values before and after; without a password they keep theirs.
    """
    action = "USER_CHANGED" if user.pk else "USER_CREATED"
    user.roles = role
    if password:
        user.set_password(password)
    user.save()
    audit.record(by, action, user, changes=changed, details={"password": "set"} if password else None)
