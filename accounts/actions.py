"""What people do with their own account, and administrators with others'."""

import time
from datetime import datetime

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

import audit.models as audit
from accounts import links, proof, second_factor, sessions, spraying
from accounts.access import address
from accounts.models import Role, SignIn, User
from audit.denials import sparing
from chronos_site.locks import locked
from chronos_site.tally import tallied, tally

# The failure of somebody we do not know is recorded too, without what they typed: it may be a password.
NOBODY = User(pk=0)
# Failures of one address that are written down within a minute.
MOST_FAILURES = 30
# In the session of who has given the password and owes the code; for so long, and so many wrong ones.
WAITING, WAITING_SECONDS, MOST_WRONG_CODES = "waiting", 300, 5
# Wrong codes of one person within an hour, in each web process.
MOST_GUESSES, GUESSES_SECONDS = 25, 3600
BACKEND = "accounts.backends.Backend"


def sign_in(request: HttpRequest, email: str, password: str) -> User | None:
    """Start a fresh session for whom the password belongs to; None when nobody may sign in with it."""
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User):
        _tell_of_failure(request, email)
        return None
    if not user.may_use_password:
        _tell_of_failure(request, email)
        return None
    let_in(request, user, by="PASSWORD")
    return user


def shut_out(request: HttpRequest) -> datetime | None:
    """Until when nobody signs in by a password from where this request comes; None when they may."""
    until = spraying.shut_until(address(request))
    lock = int(settings.AXES_COOLOFF_TIME.total_seconds())
    if until and sparing("LOCKED_OUT", address(request), most=1, seconds=lock):
        audit.record(None, "LOCKED_OUT", NOBODY, details={"whom": "everybody from this address"})
    return until


def let_in(request: HttpRequest, user: User, *, by: str) -> None:
    """Begin the session of who has shown who they are; for whom two-factor is on, the second step."""
    if not user.totp:
        begin_session(request, user, by=by)
        return
    # Half way in: the session knows who it was, and is nobody's until the code comes.
    request.session.cycle_key()
    request.session[WAITING] = {
        "user": user.pk,
        "by": by,
        "since": time.time(),
        "hash": user.get_session_auth_hash(),
    }


def begin_session(request: HttpRequest, user: User, *, by: str) -> None:
    """Sign the person in, in a session under a fresh key; the trail says by what."""
    request.session.pop(WAITING, None)
    login(request, user, backend=BACKEND)
    sessions.begin(request, user, address(request))
    audit.record(user, "SIGNED_IN", user, details={"by": by})


def waiting(request: HttpRequest) -> User | None:
    """Who has given the password in this session, minutes ago at most, and owes the code."""
    told = request.session.get(WAITING)
    if not told or time.time() - told["since"] > WAITING_SECONDS:
        return None
    user = User.objects.filter(pk=told["user"], is_active=True).first()
    return user if user and user.get_session_auth_hash() == told["hash"] else None


def sign_in_with_code(request: HttpRequest, user: User, code: str) -> bool:
    """The second step; wrong codes count, and after some of them the first step is to be done again.

    After many within an hour even the right one is refused: who knows the password may not go on guessing.
    """
    if _is_right_code(user, code):
        begin_session(request, user, by=f"{request.session[WAITING]['by']} AND CODE")
        return True
    told = request.session[WAITING]
    told["wrong"] = told.get("wrong", 0) + 1
    request.session[WAITING] = told
    if told["wrong"] >= MOST_WRONG_CODES:
        del request.session[WAITING]
    if sparing("SIGN_IN_FAILED", address(request), most=MOST_FAILURES):
        audit.record(None, "SIGN_IN_FAILED", user, details={"step": "code"})
    return False


def _is_right_code(user: User, code: str) -> bool:
    """Whether the code is right; wrong ones count, and after many within an hour none is."""
    guesses = f"codes:{user.pk}"
    if tally(guesses) < MOST_GUESSES and second_factor.is_right(user, code):
        return True
    tallied(guesses, GUESSES_SECONDS)
    return False


def confirm_by_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether it is still the person who signed in; wrong guesses count like those on the sign-in page."""
    return _confirmed(
        request, user, is_right=authenticate(request, email=user.email, password=password) == user
    )


def confirm_by_code(request: HttpRequest, user: User, code: str) -> bool:
    """The same for who has no password; wrong codes count like those of the second step."""
    return _confirmed(request, user, is_right=_is_right_code(user, code))


def _confirmed(request: HttpRequest, user: User, *, is_right: bool) -> bool:
    if is_right:
        proof.prove(request)
        audit.record(user, "CONFIRMED", user)
    elif sparing("CONFIRM_FAILED", str(user.pk), most=MOST_FAILURES):
        audit.record(user, "CONFIRM_FAILED", user)
    return is_right


def _tell_of_failure(request: HttpRequest, email: str) -> None:
    """Write down a wrong password, and of those that come after the lock only that there is one."""
    from_there = address(request)
    known = User.objects.filter(email__iexact=email).first() or NOBODY
    if getattr(request, "axes_locked_out", False):
        lock = int(settings.AXES_COOLOFF_TIME.total_seconds())
        if sparing("LOCKED_OUT", f"{from_there}:{known.pk}", most=1, seconds=lock):
            audit.record(None, "LOCKED_OUT", known)
    elif sparing("SIGN_IN_FAILED", from_there, most=MOST_FAILURES):
        audit.record(None, "SIGN_IN_FAILED", known)


def sign_out(request: HttpRequest, user: User) -> None:
    """End this session; others of the same person go on."""
    SignIn.objects.filter(session_key=request.session.session_key).delete()
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
        sessions.end(SignIn.objects.filter(owner=user).exclude(session_key=request.session.session_key))
    # It changes the session's key too.
    SignIn.objects.filter(session_key=request.session.session_key).delete()
    update_session_auth_hash(request, user)
    sessions.begin(request, user, address(request))
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


@transaction.atomic
def invite(email: str, role: Role, *, by: User) -> User:
    """An account for somebody who chooses the password by the link that they get."""
    user = User.objects.create_user(email, None, roles=role.value)
    audit.record(by, "INVITED", user, details={"role": role.value})
    return user


def ask_for_password(email: str) -> None:
    """Mail a link to whom the address belongs; nobody learns whether there is such an account."""
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None or user.is_the_providers:
        return
    if not sparing("PASSWORD_RESET_ASKED", str(user.pk), most=3, seconds=3600):
        return
    audit.record(None, "PASSWORD_RESET_ASKED", user)
    links.send_meanwhile(user)


@transaction.atomic
def set_password(user: User, new: str) -> bool:
    """Set the password of who came by a link; all their sessions end.

    False when the link is over by now: somebody else was faster with it, or the person may no longer sign in.
    """
    first, before = not user.has_usable_password(), user.password
    user.set_password(new)
    same = User.objects.filter(pk=user.pk, password=before, is_active=True)
    if not same.update(password=user.password, updated_at=timezone.now()):
        return False
    sessions.end(SignIn.objects.filter(owner=user))
    audit.record(user, "INVITATION_ACCEPTED" if first else "PASSWORD_RESET", user)
    return True


class LastAdministrator(Exception):
    """Somebody has to administer; `str()` is the sentence for the person."""


def why_needed(user: User, *, by: User | None) -> str:
    """Why the person must stay an administrator, as a sentence; empty when they need not, or are none.

    Call it in the transaction that takes the role away: the administrators are locked, so that two cannot
    take it from each other at once.
    """
    administrators = {each.pk for each in locked(User.objects.administrators().order_by("pk"))}
    if user.pk not in administrators:
        return ""
    if user == by:
        return "You cannot take this from yourself; ask another administrator."
    return "" if administrators - {user.pk} else "This is the last administrator."


@transaction.atomic
def change_person(user: User, *, role: Role, is_active: bool, by: User | None, note: str = "") -> None:
    """Give the person a role, and let them in or not; who may not is signed out everywhere.

    Raises LastAdministrator, and for administrators who would shut themselves out.
    """
    before = {"role": user.role.value, "is_active": user.is_active}
    after = {"role": role.value, "is_active": is_active}
    if not (is_active and role is Role.ADMIN) and (sentence := why_needed(user, by=by)):
        raise LastAdministrator(sentence)
    changes = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    if not changes:
        return
    user.roles, user.is_active = role.value, is_active
    # What stays as it is may be changing at this moment: who is shut out is not to come back by a new role.
    columns = {"role": "roles", "is_active": "is_active"}
    user.save(update_fields=[*(columns[name] for name in changes), "updated_at"])
    if not is_active:
        sessions.end(SignIn.objects.filter(owner=user))
    audit.record(by, "USER_CHANGED", user, changes=changes, note=note)


def tell_of_link(user: User, *, by: User) -> None:
    """Write down that an administrator made a link by which the person chooses a password."""
    audit.record(by, "PASSWORD_LINK_MADE", user)


def end_sessions(sign_ins: "QuerySet[SignIn]", *, by: User) -> int:
    """End these sessions of one person."""
    with transaction.atomic():
        ended = sessions.end(sign_ins)
        if ended:
            audit.record(by, "SESSIONS_ENDED", by, details={"sessions": ended})
    return ended


@transaction.atomic
def forget_provider(user: User, *, by: User) -> None:
    """Let the next who comes from the provider with this person's e-mail be the person."""
    user.issuer, user.subject = "", None
    user.save(update_fields=["issuer", "subject", "updated_at"])
    audit.record(by, "PROVIDER_FORGOTTEN", user)


@transaction.atomic
def switch_on_second_factor(user: User, key: str, step: int) -> list[str]:
    """Ask for codes of this key from now on; gives the recovery codes. Raises NoKey."""
    codes = second_factor.switch_on(user, key, step)
    audit.record(user, "TWO_FACTOR_ON", user)
    return codes


@transaction.atomic
def switch_off_second_factor(user: User, *, by: User) -> None:
    second_factor.switch_off(user)
    audit.record(by, "TWO_FACTOR_OFF", user)


@transaction.atomic
def renew_recovery_codes(user: User) -> list[str]:
    codes = second_factor.new_recovery_codes(user)
    audit.record(user, "RECOVERY_CODES_RENEWED", user)
    return codes
