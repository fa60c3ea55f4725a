"""Print when a cron expression fires, for people, scripts and test oracles."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.schedules import CRON, Plan, fires

BAD_EXPRESSION = 2
MAX_COUNT = 10_000
LINE = "Give timezone, after, count and expression, with a tab between them."


class Command(BaseCommand):
    help = (
        "Print the next fires of a cron expression, one UTC instant a line. With --stdin, read lines of "
        "timezone<TAB>after<TAB>count<TAB>expression and answer each with one line: its instants joined by "
        "commas, or 'error: ' and a sentence."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "expression", nargs="?", help="five fields as in crontab, six or seven as in Quartz"
        )
        parser.add_argument(
            "--timezone", default="UTC", help="IANA name, such as Europe/Berlin (default: UTC)"
        )
        parser.add_argument(
            "--after", default="", help="ISO 8601 with offset; default: now. Fires are after it."
        )
        parser.add_argument("--count", default="5", help="how many fires (default: 5)")
        parser.add_argument("--stdin", action="store_true", help="answer line by line instead")

    def handle(self, **options: Any) -> None:
        if options["stdin"]:
            self._answer_lines()
            return
        if options["expression"] is None:
            raise CommandError("Give an expression, or --stdin.", returncode=BAD_EXPRESSION)
        after = options["after"] or datetime.now(UTC).isoformat()
        try:
            instants = _fires(options["timezone"], after, options["count"], options["expression"])
        except ValueError as wrong:
            raise CommandError(str(wrong), returncode=BAD_EXPRESSION) from None
        for instant in instants:
            self.stdout.write(instant)
        if not instants:
            self.stderr.write("It does not fire after that.")

    def _answer_lines(self) -> None:
        # bytes, for a line that is not UTF-8 is answered like any other bad one
        for line in sys.stdin.buffer:
            self.stdout.write(_answer(line.decode(errors="replace").rstrip("\r\n")))
            self.stdout.flush()


def _answer(line: str) -> str:
    fields = line.split("\t", 3)
    try:
        if len(fields) != 4:
            raise ValueError(LINE)
        return ",".join(_fires(*fields))
    except ValueError as wrong:
        return f"error: {wrong}"


def _fires(timezone: str, after: str, count: str, expression: str) -> list[str]:
    """The instants as text; raises `ValueError` (a `BadSchedule` is one) with a sentence."""
    if not (count.isascii() and count.isdigit() and len(count) < 10 and 1 <= int(count) <= MAX_COUNT):
        raise ValueError(f"The count is a number from 1 to {MAX_COUNT:,}.")
    plan = Plan(CRON, cron_expression=expression, timezone=timezone)
    return [f"{tick:%Y-%m-%dT%H:%M:%SZ}" for tick in fires(plan, _instant(after), int(count))]


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Give the instant with its offset, such as 2026-11-23T09:00:00Z.") from None
