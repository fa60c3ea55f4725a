"""Who may define what. Scripts are for administrators, and only where the installation allows them."""

from django.conf import settings
from django.core.exceptions import PermissionDenied

from accounts.models import User
from jobs.models import Type


class NotAllowed(PermissionDenied):
    """The person may not define such a job; `str()` is the sentence for them."""


def refusal(user: User, type_code: str) -> str:
    """Why this person may not create or change what a job of the type executes; empty when they may."""
    if type_code != Type.SCRIPT:
        return ""
    if not user.is_administrator:
        return "Only administrators may create or change script jobs."
    if not settings.SCRIPT_ENABLED:
        return "Scripts are switched off here: CHRONOS_SCRIPT_ENABLED allows them."
    return ""


def require(type_code: str, *, by: User | None, owner: User) -> None:
    """Every way in asks here before it stores what a job executes.

    `by` is None for whoever administers this machine: then the job must belong to somebody who may define
    it. Raises NotAllowed.
    """
    if sentence := refusal(by or owner, type_code):
        raise NotAllowed(sentence)
