"""manage.py first_start: make the tables, the static files and the first administrator."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from redis import RedisError

from chronos_site import env, first_start
from chronos_site.checks import refuse_unsafe
from notifications.first_rule import make_first_rule


class Command(BaseCommand):
    help = "Create or update the tables, the static files and, where there is nobody yet, an administrator."

    # Only what makes the start unsafe is looked at, and said in a sentence.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unsafe()
        try:
            first_start.reach_database()
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {_first_line(error)}") from None
        if env.text("REDIS_URL"):
            self._reach_redis()
        try:
            first_start.collect_static_files()
        except OSError as error:
            raise CommandError(f"{settings.STATIC_ROOT} cannot be written to: {error.strerror}.") from None
        self._introduce()

    def _reach_redis(self) -> None:
        try:
            first_start.reach_redis()
        except (RedisError, ValueError) as error:
            raise CommandError(
                f"The Redis that REDIS_URL names does not answer: {_first_line(error)}"
            ) from None

    def _introduce(self) -> None:
        try:
            made = first_start.make_first_administrator()
        except ValidationError as error:
            raise CommandError(f"CHRONOS_ADMIN_EMAIL: {error.messages[0]}") from None
        if made:
            email, password = made
            self._box(
                "Sign in as the first administrator:",
                "",
                f"  address   {env.address()}",
                f"  e-mail    {email}",
                f"  password  {password}",
                "",
                "The password is shown only this once. Change it after signing in.",
            )
        if (rule := make_first_rule()) and not made:
            self.stdout.write(
                f"{rule.owner.email} is told by mail of what goes wrong, until rules say otherwise."
            )

    def _box(self, *lines: str) -> None:
        width = max(map(len, lines))
        edge = f"+{'-' * (width + 4)}+"
        self.stdout.write("\n".join(["", edge, *(f"|  {line:<{width}}  |" for line in lines), edge, ""]))


def _first_line(error: Exception) -> str:
    # A driver's error may carry a number before the message.
    message = str(error.args[-1]) if error.args else ""
    return (message.strip().splitlines() or [type(error).__name__])[0]
