"""manage.py rotate_secrets: encrypt everything with the newest key, or say which keys are in use."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chronos_site import rotate
from chronos_site.sealing import NoKey


class Command(BaseCommand):
    help = "Encrypt all secrets with the first of CHRONOS_SECRETS_KEYS; start it again when it was stopped."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only say which keys are in use.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if not settings.SECRETS_KEYS:
            raise CommandError(str(NoKey()))
        stale = False
        for model, fields in rotate.places():
            table = model._meta.db_table
            if not check:
                written = sum(rotate.rewrite(model, fields, rotate.renewed))
                self.stdout.write(f"{table:<22} {written:,} rows encrypted with the newest key")
            found = sum(rotate.count(model, fields), Counter[int | str]())
            self.stdout.write(f"{table:<22} {_words(found)}")
            stale = stale or bool(found.keys() - {rotate.NEWEST})
        if stale:
            self.stdout.write("Something is not encrypted with the newest key.")
            sys.exit(1)
        self.stdout.write("Everything is encrypted with the newest key: older ones may be taken away.")


def _words(found: rotate.Found) -> str:
    shown = (
        f"{number:,} {of if isinstance(of, str) else f'of key {of}'}"
        for of, number in sorted(found.items(), key=str)
    )
    return ", ".join(shown) or "nothing encrypted"
