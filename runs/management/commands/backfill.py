"""Run past ticks of a job."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chronos_site.clock import database_now
from jobs.models import Job
from runs import actions
from runs.actions import BackfillInProgress
from runs.backfill import BadRange, propose

REFUSED = 2


class Command(BaseCommand):
    help = (
        "Run the ticks of a job from one instant to another, both included, that did not run when they were "
        "due: one after the other, unless its overlap policy allows more. Prints how many."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB_ID")
        parser.add_argument("--from", dest="since", required=True, help="ISO 8601; without an offset, in UTC")
        parser.add_argument("--to", dest="until", required=True, help="ISO 8601; without an offset, in UTC")
        parser.add_argument("--include-ran", action="store_true", help="also ticks that ran already")
        parser.add_argument("--dry-run", action="store_true", help="print the ticks that would run")

    def handle(self, **options: Any) -> None:
        job = Job.objects.select_related("schedule").filter(pk=options["job"]).first()
        if job is None:
            raise CommandError(f"There is no job {options['job']!a}.", returncode=REFUSED)
        said = {
            "since": _instant(options["since"], "--from"),
            "until": _instant(options["until"], "--to"),
            "include_ran": options["include_ran"],
        }
        try:
            if options["dry_run"]:
                self._show(job, said)
            else:
                count = actions.backfill(job, by=None, at=database_now(), **said)
                self.stdout.write(f"{count} {'run is' if count == 1 else 'runs are'} on the way.")
        except (BadRange, BackfillInProgress) as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from None

    def _show(self, job: Job, said: dict[str, Any]) -> None:
        for tick, _ in propose(job.schedule, at=database_now(), **said).ticks:
            self.stdout.write(f"{tick:%Y-%m-%dT%H:%M:%SZ}")


def _instant(text: str, option: str) -> datetime:
    try:
        told = datetime.fromisoformat(text)
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise CommandError(
            f"{option} wants a date and time, such as 2026-03-02T12:00Z.", returncode=REFUSED
        ) from None
