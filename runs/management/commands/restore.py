"""manage.py restore: put a backup in the place of the database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from runs.backup import BackupFailed, restore


class Command(BaseCommand):
    help = "Put a backup into an empty database, bring its tables up to date and check it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="A file that `manage.py backup` has written.")
        parser.add_argument("--replace", action="store_true", help="Lose what the database holds now.")
        parser.add_argument("--force", action="store_true", help="Although schedulers or workers run.")

    def handle(self, *args: Any, source: Path, replace: bool, force: bool, **options: Any) -> None:
        try:
            restore(source, replace=replace, force=force)
        except BackupFailed as error:
            raise CommandError(str(error)) from None
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("Restored. Ticks missed since the backup follow each job's misfire policy.")
        call_command("doctor", stdout=self.stdout)
