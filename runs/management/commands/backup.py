"""manage.py backup: copy the database while Chronos runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chronos_site.clock import database_now
from runs.backup import BackupFailed, back_up

NOT_IN_IT = (
    "NOT in it: .env with CHRONOS_SECRETS_KEYS and SECRET_KEY, and the files of jobs. "
    "Without the keys nobody can read the secrets in this backup: keep them apart from it, and safe."
)


class Command(BaseCommand):
    help = "Copy the database into a file that only you can read, while Chronos runs."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("to", type=Path, help="A new file, or a folder to put one into.")

    def handle(self, *args: Any, to: Path, **options: Any) -> None:
        try:
            path = back_up(to, at=database_now())
        except BackupFailed as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes.\n{NOT_IN_IT}")
