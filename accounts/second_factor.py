"""The second factor: codes of the clock (TOTP, RFC 6238), and recovery codes for who lost their device."""

import hashlib
import secrets
import time

import pyotp
import segno
from django.db import transaction

from accounts.models import RecoveryCode, User
from chronos_site.sealing import opened, sealed

ISSUER = "Chronos"
STEP_SECONDS = 30
# A clock may be a step off in either direction.
STEPS_OFF = 1
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_key() -> str:
    return pyotp.random_base32()


def address(user: User, key: str) -> str:
    """What an authenticator app reads from the picture."""
    return pyotp.TOTP(key).provisioning_uri(name=user.email, issuer_name=ISSUER)


def picture(user: User, key: str) -> str:
    """The address as an SVG without styles of its own."""
    code = segno.make(address(user, key), error="m")
    return str(code.svg_inline(scale=5, border=2, light="#fff", svgclass=None, lineclass=None))


def step_of(key: str, code: str, at: float | None = None) -> int | None:
    """The step of the clock that the code is for; None for a wrong one."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdecimal() and len(typed) == 6):
        return None
    now = int((time.time() if at is None else at) // STEP_SECONDS)
    clock = pyotp.TOTP(key)
    for step in range(now - STEPS_OFF, now + STEPS_OFF + 1):
        if secrets.compare_digest(clock.generate_otp(step), typed):
            return step
    return None


def is_right(user: User, code: str, at: float | None = None) -> bool:
    """Whether the code lets the person in; it is used up by that.

    Two that send the same code at once: one UPDATE finds the step unused.
    """
    key = opened(user.totp) or ""
    step = step_of(key, code, at) if key else None
    if step is not None:
        unused = User.objects.filter(pk=user.pk, totp_step__lt=step)
        return unused.update(totp_step=step) == 1
    return recover(user, code)


def recover(user: User, code: str) -> bool:
    """Whether it is one of the person's recovery codes; it is used up by that."""
    return RecoveryCode.objects.filter(owner=user, digest=_digest(code)).delete()[0] == 1


@transaction.atomic
def switch_on(user: User, key: str, step: int) -> list[str]:
    """Ask the person for codes of this key from now on; gives their recovery codes. Raises NoKey."""
    user.totp, user.totp_step = sealed(key), step
    user.save(update_fields=["totp", "totp_step", "updated_at"])
    return new_recovery_codes(user)


@transaction.atomic
def switch_off(user: User) -> None:
    user.totp, user.totp_step = "", 0
    user.save(update_fields=["totp", "totp_step", "updated_at"])
    RecoveryCode.objects.filter(owner=user).delete()


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Put new recovery codes in the place of those that are left; they are shown this once."""
    RecoveryCode.objects.filter(owner=user).delete()
    codes = ["-".join(_word() for _ in range(3)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(owner=user, digest=_digest(code)) for code in codes)
    return codes


def _word() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


def _digest(code: str) -> str:
    # Seventy random bits: nobody guesses them back from a plain hash.
    return hashlib.sha256(code.strip().lower().encode("utf-8", "replace")).hexdigest()
