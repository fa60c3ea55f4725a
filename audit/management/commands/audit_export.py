"""manage.py audit_export: old entries of the audit trail as a file, and on request only there."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import exporting
from audit.exporting import Broken, NothingToExport


class Command(BaseCommand):
    help = "Write the oldest blocks of the audit trail to a file that can be verified; --purge deletes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", type=_day, required=True, help="A day (2026-01-31), in UTC.")
        parser.add_argument("--file", type=Path, required=True, help="A new file.")
        parser.add_argument("--purge", action="store_true", help="Delete them once the file was read back.")

    def handle(self, *args: Any, before: datetime, file: Path, purge: bool, **options: Any) -> None:
        try:
            told = exporting.export(before, file)
        except NothingToExport as problem:
            raise CommandError(f"No whole block is older than {before:%Y-%m-%d}.") from problem
        except FileExistsError as problem:
            raise CommandError(f"{file} is there already.") from problem
        except OSError as problem:
            raise CommandError(f"{file} cannot be written: {problem.strerror}.") from problem
        except Broken as problem:
            raise CommandError(f"{problem} Nothing was purged.") from problem
        self.stdout.write(f"{told.events:,} events in blocks {told.first:,} to {told.last:,}.")
        self.stdout.write(f"Anchor: {told.anchor}")
        if purge:
            self.stdout.write(f"{exporting.purge(told, by=None, file=str(file)):,} events purged.")


def _day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-01-31") from error
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
