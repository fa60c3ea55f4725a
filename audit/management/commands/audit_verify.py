"""manage.py audit_verify: walk along the whole chain of the audit trail, or along an exported file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from audit import verifying
from audit.exporting import Broken, read_back
from audit.sealing import unsealed
from audit.verifying import Look
from chronos_site.clock import database_now


class Command(BaseCommand):
    help = "Check that no event of the audit trail was changed, removed or put in; exit 1 when one was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--anchor", default="", help="The hash of a block, noted down earlier elsewhere.")
        parser.add_argument("--file", type=Path, help="Check a file that audit_export wrote instead.")

    def handle(self, *args: Any, anchor: str, file: Path | None, **options: Any) -> None:
        if file:
            self._file(file)
            return
        look = Look(anchor=anchor.strip().lower())
        for _ in look.whole():
            pass
        verifying.keep_result(look, database_now())
        for problem in look.problems:
            self.stdout.write(str(problem))
        if look.problems:
            self.stdout.write(f"{len(look.problems)} broken.")
            sys.exit(1)
        self._tell(look)

    def _tell(self, look: Look) -> None:
        if purged := verifying.purged_through():
            self.stdout.write(f"The events of blocks 1 to {purged:,} were exported and purged.")
        self.stdout.write(f"{look.events:,} events in blocks up to {look.block:,} are as they were recorded.")
        self.stdout.write(f"{unsealed().count():,} events wait to be sealed.")
        self.stdout.write(f"Anchor: {look.head}")

    def _file(self, path: Path) -> None:
        try:
            told = read_back(path)
        except Broken as problem:
            self.stdout.write(str(problem))
            sys.exit(1)
        self.stdout.write(f"{told.events:,} events in blocks {told.first:,} to {told.last:,} are as sealed.")
        self.stdout.write(f"Anchor: {told.anchor}")
