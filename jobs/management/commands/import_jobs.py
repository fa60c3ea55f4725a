"""Bring jobs in from a file and say what became of each."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chronos_site.clock import database_now
from jobs.management.files import SOMETHING_REFUSED, UNUSABLE, entries_in
from jobs.management.people import person
from jobs.management.terminal import many, shown
from jobs.models import Status
from jobs.transfer.importing import Import, Outcome, Verdict


class Command(BaseCommand):
    help = (
        "Import job requests from a JSON or YAML file, and say a verdict for each. All are imported, or none "
        "if one is refused. Exits with 1 when something was refused, with 2 when the file cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a JSON or YAML file; - reads standard input")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="whose the jobs become")
        parser.add_argument("--dry-run", action="store_true", help="only say what would become of each")
        parser.add_argument("--partial", action="store_true", help="leave out what is refused")
        parser.add_argument(
            "--allow-duplicates", action="store_true", help="import jobs whose name the owner has already"
        )
        parser.add_argument("--json", action="store_true", help="write the verdicts as one JSON object")

    def handle(self, **options: Any) -> None:
        owner = person(options["owner"])
        if not owner.is_active:
            raise CommandError(
                f"{owner.email} is not active: jobs need an owner who is.", returncode=UNUSABLE
            )
        asked = Import(
            owner,
            by=None,
            at=database_now(),
            dry_run=options["dry_run"],
            partial=options["partial"],
            allow_duplicates=options["allow_duplicates"],
        )
        verdicts = asked.carry_out(entries_in(options["file"]))
        totals = _totals(verdicts)
        if options["json"]:
            told = {"verdicts": [_told(each) for each in verdicts], "totals": totals}
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self._print(verdicts)
            self.stdout.write(_last_line(totals, asked))
        if totals["refused"]:
            sys.exit(SOMETHING_REFUSED)

    def _print(self, verdicts: list[Verdict]) -> None:
        rows = [_row(each) for each in verdicts]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row, verdict in zip(rows, verdicts, strict=True):
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            self.stdout.write(f"{'  '.join(cells)}  {_status(verdict)}".rstrip())
            for problem in verdict.problems:
                where = f"{problem.field}: " if problem.field else ""
                self.stdout.write(f"    {shown(where + problem.reason, 300)}")
            for warning in verdict.warnings:
                self.stdout.write(f"    warning: {shown(warning, 300)}")


def _totals(verdicts: list[Verdict]) -> dict[str, int]:
    outcomes = [verdict.outcome for verdict in verdicts]
    return {
        "requests": len(verdicts),
        "imported": outcomes.count(Outcome.IMPORTED),
        "would_be_imported": outcomes.count(Outcome.WOULD_BE_IMPORTED),
        "refused": outcomes.count(Outcome.REFUSED),
        "warnings": sum(len(verdict.warnings) for verdict in verdicts),
    }


def _last_line(totals: dict[str, int], asked: Import) -> str:
    """The totals; all good requests share one verdict, for they come in together or not at all."""
    waiting = totals["would_be_imported"]
    good = f"{waiting} would be imported" if waiting else f"{totals['imported']} imported"
    line = f"{many(totals['requests'], 'request')}: {good}, {totals['refused']} refused"
    line += f"; {many(totals['warnings'], 'warning')}."
    if waiting and not asked.dry_run:
        return f"{line} Nothing was written: correct what was refused, or import the rest with --partial."
    return f"{line} Nothing was written." if asked.dry_run else line


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "source": verdict.source,
        "name": verdict.name,
        "verdict": verdict.outcome.value,
        "id": verdict.job.pk if verdict.job else None,
        "status": verdict.job.status if verdict.job else None,
        "problems": [{"field": each.field, "reason": each.reason} for each in verdict.problems],
        "warnings": verdict.warnings,
    }


def _row(verdict: Verdict) -> tuple[str, str, str]:
    return verdict.outcome.value, shown(verdict.source), shown(verdict.name or "(no name)")


def _status(verdict: Verdict) -> str:
    return Status(verdict.job.status).label.lower() if verdict.job else ""
