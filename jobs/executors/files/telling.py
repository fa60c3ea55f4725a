"""What a run of a file job tells afterwards: one line, its counts, and a list of every step."""

from collections import Counter
from typing import Any

from jobs.executors.base import Artefact, ExecutionError, Result
from jobs.executors.files import roots
from jobs.executors.files.reading import report
from jobs.executors.files.work import Plan, Tally, Work
from jobs.executors.wording import counted

_DONE = {
    "copy": "copied",
    "move": "moved",
    "delete": "deleted",
    "delete extra": "deleted from the target",
    "add": "put into the archive",
    "write": "written",
    "take": "taken to the target",
    "transform": "transformed",
    "clean": "cleaned",
    "convert": "converted",
    "encrypt": "encrypted",
    "decrypt": "decrypted",
    "split": "split",
    "merge": "merged",
    "sum": "put into the manifest",
    "verify": "verified",
    "quarantine": "put aside",
}
# Of the files that were processed, so many are named in the line.
_NAMED = 10


def failed(error: ExecutionError, work: Work, plan: Plan, tally: Tally) -> ExecutionError:
    """The failure together with what was done before it."""
    done = f" Before that: {_summary(work, plan, tally)}." if tally.steps else ""
    return ExecutionError(
        error.error_class,
        f"{error.message}{done}",
        result=_data(work, plan, tally),
        artefacts=_report(work, tally),
    )


def result(work: Work, plan: Plan, tally: Tally) -> Result:
    return Result(_summary(work, plan, tally), _data(work, plan, tally), artefacts=_report(work, tally))


def _data(work: Work, plan: Plan, tally: Tally) -> dict[str, Any]:
    left = {"left": dict(plan.left)} if plan.left else {}
    return {**tally.data(), **left, **({"dry_run": True} if work.options["dryRun"] else {})}


def _summary(work: Work, plan: Plan, tally: Tally) -> str:
    counts = Counter(step.action for step in tally.steps)
    would = "would be " if work.options["dryRun"] else ""
    done = [f"{counted(number, 'file')} {would}{_DONE[action]}" for action, number in counts.items()]
    others = [f"{number:,} {why}" for why, number in {**plan.left, **tally.passed_over}.items() if number]
    names = (
        [roots.shown(step.path) for step in tally.steps[:_NAMED]] if work.options["notifyOnProcess"] else []
    )
    parts = [
        f"{', '.join(done)}, {tally.bytes:,} bytes" if done else "No file to work on",
        *others,
        *([", ".join(names)] if names else []),
    ]
    return f"{'Dry run: ' if work.options['dryRun'] else ''}{'; '.join(parts)}"


def _report(work: Work, tally: Tally) -> list[Artefact]:
    """Every step, where the job asks for them."""
    if not work.options["generateReport"]:
        return []
    return [report((step.action, step.path, step.target, step.size) for step in tally.steps)]
