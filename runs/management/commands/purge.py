"""manage.py purge: delete what is too old now, or say what would go."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from chronos_site.clock import database_now
from runs import days, purge, retention


class Command(BaseCommand):
    help = "Delete what is too old by the rules of retention: what schedulers do by and by."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what would go and delete nothing.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        at = database_now()
        while not dry_run and days.roll_up(at):
            pass
        kept = retention.rules()
        before = retention.cutoffs(kept, at)
        for code in purge.KINDS:
            if code in before:
                gone = sum(_went(code, keys, dry_run) for keys in purge.steps(code, before[code]))
                self._tell(code, f"{gone:,} {'would go' if dry_run else 'deleted'}, kept {kept[code]} days")
            else:
                self._tell(code, "kept for ever")

    def _tell(self, code: str, words: str) -> None:
        self.stdout.write(f"{code:<15} {words}")


def _went(code: str, keys: list[Any], dry_run: bool) -> int:
    return len(keys) if dry_run else sum(purge.remove(code, keys))
