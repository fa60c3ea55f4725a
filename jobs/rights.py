"""Who may define what. Scripts are for administrators, and only where the installation allows them."""

from django.conf import settings

from accounts.models import User
from jobs.models import Type


def refusal(user: User, type_code: str) -> str:
    """Why this person may not create or change what a job of the type executes; empty when they may."""
    if type_code != Type.SCRIPT:
        return ""
    if not user.is_administrator:
        return "Only administrators may create or change script jobs."
    if not settings.SCRIPT_ENABLED:
        return "Scripts are switched off here: CHRONOS_SCRIPT_ENABLED allows them."
    return ""
