"""Whom a command's options name."""

from django.core.management.base import CommandError

from accounts.models import User

UNKNOWN_PERSON = 2


def person(email: str) -> User:
    """The person with this e-mail address. Raises CommandError."""
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        raise CommandError(f"Nobody signs in as {email!a}.", returncode=UNKNOWN_PERSON) from None
