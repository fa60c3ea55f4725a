"""manage.py doctor: check the installation and every invariant of the engine."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from runs.doctor import MOST, SHOWN, Finding, Verdict, examine

MOST_DAYS = 10_000


class Command(BaseCommand):
    help = "Check the installation and every invariant of the engine; exit 1 when something is broken."
    # What a check would refuse to start on is what people want to be told here.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=_days, default=7, help="How far back runs are checked (7).")
        parser.add_argument("--json", action="store_true", help="One JSON object, for machines.")

    def handle(self, *args: Any, days: int, json: bool, **options: Any) -> None:
        tell = self._object if json else self._lines
        if tell(days):
            sys.exit(1)

    def _lines(self, days: int) -> bool:
        broken = 0
        for finding in examine(days):
            broken += finding.verdict == Verdict.BROKEN
            self.stdout.write(_line(finding))
        self.stdout.write(f"Runs and dead letters of the last {days} days. {_sum(broken)}")
        return broken > 0

    def _object(self, days: int) -> bool:
        found = list(examine(days))
        broken = any(finding.verdict == Verdict.BROKEN for finding in found)
        told = {"healthy": not broken, "days": days, "checks": [finding.plain for finding in found]}
        self.stdout.write(json.dumps(told))
        return broken


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is no number of days from 1 to {MOST_DAYS}")
    return int(text)


def _line(finding: Finding) -> str:
    if finding.verdict == Verdict.OK:
        return f"ok       {finding.name}" + (f": {finding.told}" if finding.told else "")
    words = [finding.claim, finding.told, _count(finding)]
    return f"{finding.verdict:<9}{finding.name}: {' '.join(filter(None, words))}"


def _count(finding: Finding) -> str:
    """How many break it, and the first of them."""
    if not finding.ids:
        return ""
    count = f"{MOST} or more" if len(finding.ids) >= MOST else str(len(finding.ids))
    return f"{count}: {' '.join(finding.ids[:SHOWN])}"


def _sum(broken: int) -> str:
    return f"{broken} broken." if broken else "Nothing is broken."
