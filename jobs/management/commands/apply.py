"""Make an owner's jobs what files say they are."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from chronos_site.clock import database_now
from jobs import tags
from jobs.management.files import SOMETHING_REFUSED, UNUSABLE, entries_under
from jobs.management.people import person
from jobs.management.terminal import many, shown
from jobs.models import Status
from jobs.transfer.applying import Apply, Deed, Plan, Step

WIDEST_VALUE = 120
_DONE = (Deed.CREATED, Deed.CHANGED, Deed.REMOVED)


class Command(BaseCommand):
    help = (
        "Make the owner's jobs what the files say: create what is new, change what differs, leave the rest "
        "alone; all of it, or nothing if one request is refused. Exits with 1 when something was refused, "
        "with 2 when the files cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE|FOLDER", help="JSON or YAML; a folder stands for all such files in it"
        )
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="whose the jobs are")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument(
            "--prune", action="store_true", help="remove the owner's jobs of this set that no file names"
        )
        parser.add_argument(
            "--set", default="applied", metavar="NAME", help="the tag that marks these jobs; default: applied"
        )

    def handle(self, **options: Any) -> None:
        owner = person(options["owner"])
        if not owner.is_active:
            raise CommandError(
                f"{owner.email} is not active: jobs need an owner who is.", returncode=UNUSABLE
            )
        asked = Apply(
            owner,
            by=None,
            at=database_now(),
            tag=_tag(options["set"]),
            dry_run=options["dry_run"],
            prune=options["prune"],
        )
        plan = asked.carry_out(entries_under(options["file"]))
        is_waiting = asked.dry_run or plan.is_refused
        self._print([step for step in plan.steps if step.deed is not Deed.UNCHANGED], is_waiting)
        for line in _last_lines(plan, asked):
            self.stdout.write(line)
        if plan.is_refused:
            sys.exit(SOMETHING_REFUSED)

    def _print(self, steps: list[Step], is_waiting: bool) -> None:
        rows = [_row(step, is_waiting) for step in steps]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        for row, step in zip(rows, steps, strict=True):
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True) if width)
            self.stdout.write(f"{'  '.join(cells)}  {_status(step, is_waiting)}".rstrip())
            for name, (before, after) in step.differences.items():
                self.stdout.write(f"    {shown(name, 80)}: {_value(before)} becomes {_value(after)}")
            for problem in step.problems:
                where = f"{problem.field}: " if problem.field else ""
                self.stdout.write(f"    {shown(where + problem.reason, 300)}")
            for warning in step.warnings:
                self.stdout.write(f"    warning: {shown(warning, 300)}")


def _tag(name: str) -> str:
    try:
        return tags.one(name)
    except ValidationError as error:
        raise CommandError(f"--set: {error.messages[0]}", returncode=UNUSABLE) from None


def _row(step: Step, is_waiting: bool) -> tuple[str, str, str]:
    return _word(step, is_waiting), shown(step.source), shown(step.name or "(no name)")


def _word(step: Step, is_waiting: bool) -> str:
    return f"would be {step.deed}" if is_waiting and step.deed in _DONE else step.deed.value


def _status(step: Step, is_waiting: bool) -> str:
    is_there = step.job and not is_waiting and step.deed in (Deed.CREATED, Deed.CHANGED)
    return Status(step.job.status).label.lower() if step.job and is_there else ""


def _value(value: Any) -> str:
    if value in (None, ""):
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shown(text, WIDEST_VALUE)


def _last_lines(plan: Plan, asked: Apply) -> list[str]:
    """The totals; and what no file names any more, unless that goes."""
    lines = [_totals(plan, asked)]
    if plan.left:
        names = shown(", ".join(job.name for job in plan.left), 300)
        them = "it" if len(plan.left) == 1 else "them"
        lines.append(
            f"{many(len(plan.left), 'job')} tagged {asked.tag} in no file: {names}. --prune removes {them}."
        )
    return lines


def _totals(plan: Plan, asked: Apply) -> str:
    counts = {deed: sum(step.deed is deed for step in plan.steps) for deed in Deed}
    if plan.changes_nothing:
        return f"No changes: {many(counts[Deed.UNCHANGED], 'job')} already as the files say."
    is_waiting = asked.dry_run or plan.is_refused
    told = [
        f"{count} {'would be ' if is_waiting and deed in _DONE else ''}{deed}"
        for deed, count in counts.items()
        if count
    ]
    ending = " Nothing was written: correct what was refused." if plan.is_refused else ""
    ending = ending or (" Nothing was written." if asked.dry_run else "")
    return f"{many(len(plan.steps), 'job')}: {', '.join(told)}.{ending}"
