"""PROCESS: what is made of files one by one; what makes many of one, or one of many, stands beside it."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from jobs.executors.base import ExecutionError
from jobs.executors.files import encryption, manifest, pieces, roots, tables
from jobs.executors.files.choosing import Chosen, choose
from jobs.executors.files.tables import Wrong, naming
from jobs.executors.files.transfer import (
    GONE,
    back_up,
    backup_of,
    check_target_folder,
    delete,
    destinations,
    digest_at,
    is_inside,
    keep,
    kept,
    move,
    refuse_chains,
    refuse_taken,
    standing_at,
    step_to,
)
from jobs.executors.files.work import Make, Perform, Plan, Stamp, Step, Work, pump

# So many files are remembered as processed; a folder that holds more should be emptied.
MOST_REMEMBERED = 10_000
_SEALED = ".enc"


@dataclass(frozen=True)
class Kind:
    """One way to make a file of each file.

    `rename` gives the new file's name; `done` tells by its name that a file is none to work on.
    """

    verb: str
    make: Callable[[Work], Make]
    rename: Callable[[str, Work], str] = lambda name, work: name
    done: Callable[[str, Work], bool] = lambda name, work: False


def _copied(source: BinaryIO, sink: BinaryIO, work: Work, name: str) -> None:
    pump(source, sink.write, work.context)


def _converted_name(name: str, work: Work) -> str:
    return f"{os.path.splitext(name)[0]}.{work.options['outputFormat']}"


KINDS = {
    "": Kind("take", lambda work: _copied),
    "csv_transform": Kind("transform", lambda work: tables.transform),
    "data_cleanup": Kind("clean", lambda work: tables.clean),
    "format_conversion": Kind(
        "convert",
        lambda work: tables.convert,
        _converted_name,
        lambda name, work: name.lower().endswith(f".{work.options['outputFormat']}"),
    ),
    "encryption": Kind(
        "encrypt",
        encryption.sealing,
        lambda name, work: name + _SEALED,
        lambda name, work: name.endswith(_SEALED),
    ),
    "decryption": Kind(
        "decrypt",
        encryption.opening,
        lambda name, work: name.removesuffix(_SEALED),
        lambda name, work: not name.endswith(_SEALED),
    ),
}


def plan(work: Work) -> Plan:
    return _PLANS.get(work.options["processingType"], _plan_each)(work)


def perform(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    return _PERFORM.get(work.options["processingType"], _perform_each)(work, steps)


def _plan_each(work: Work) -> Plan:
    """What is made of each file, what is put aside, and which originals are deleted afterwards."""
    kind = KINDS[work.options["processingType"]]
    kind.make(work)
    if not work.target and kind is KINDS[""]:
        raise ExecutionError(
            "VALIDATION_ERROR", "Say what to do with the files, or as target where to take them."
        )
    placed = _placed(work)
    chosen = _watched(
        work, [_quarantine(placed), *([placed.target] if is_inside(placed.target, work.path) else [])]
    )
    left = _leave_done(work, chosen, kind)
    check_target_folder(placed, chosen)
    steps: list[Step] = []
    taken: list[str] = []
    for each, target in destinations(placed, chosen, lambda name: kind.rename(name, work)):
        standing = standing_at(target)
        if standing and not work.overwrite:
            if kind is KINDS[""] and digest_at(each.path, work.context) == digest_at(target, work.context):
                left["unchanged"] += 1
            else:
                taken.append(target)
            continue
        steps.append(step_to(work, kind.verb, each, target, standing))
        if work.options["deleteOriginal"] and target != each.path:
            steps.append(Step("delete", each.path, stamp=each.stamp))
    refuse_taken(taken)
    refuse_chains([step for step in steps if step.target])
    return Plan([*_put_aside(placed, chosen), *steps], left)


def _placed(work: Work) -> Work:
    """The same work with a target: beside the files where it names none."""
    if work.target:
        return work
    folder = work.path if roots.is_folder(work.path) else os.path.dirname(work.path)
    return replace(work, target=f"{folder.rstrip('/')}/")


def _watched(work: Work, leaving: Sequence[str]) -> Chosen:
    try:
        return choose(work, leaving=leaving)
    except ExecutionError as error:
        if error.error_class == "FILE_NOT_FOUND" and work.options["monitorMode"]:
            raise ExecutionError("MONITORING_ERROR", f"{error.message} It cannot be watched.") from error
        raise


def _leave_done(work: Work, chosen: Chosen, kind: Kind) -> Counter[str]:
    """Take out what needs no work: by its name, or because an earlier run has processed it."""
    left: Counter[str] = Counter()
    if chosen.in_folder:
        kept_files = [each for each in chosen.files if not kind.done(each.relative, work)]
        left["named as done"] = len(chosen.files) - len(kept_files)
        chosen.files = kept_files
    if _is_new_only(work):
        if len(chosen.files) > MOST_REMEMBERED:
            raise ExecutionError(
                "MONITORING_ERROR",
                f"More than {MOST_REMEMBERED:,} files cannot be told from new ones: move old ones away.",
            )
        left["processed before"] = _leave_seen(work, chosen)
    return +left


def _leave_seen(work: Work, chosen: Chosen) -> int:
    """Take out what the job remembers, and go on remembering it; gives how many there were."""
    known = set(work.context.state.get("seen") or ())
    marks = {each.path: _mark(each.path, each.stamp) for each in chosen.files}
    seen = [each for each in marks.values() if each in known]
    chosen.files = [each for each in chosen.files if marks[each.path] not in known]
    if not work.options["dryRun"]:
        work.context.remember(seen=seen)
    return len(seen)


def _mark(path: str, stamp: Stamp) -> str:
    said = f"{path}\0{stamp.size}\0{stamp.changed_ns}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(said, digest_size=9).hexdigest()


def _is_new_only(work: Work) -> bool:
    return bool(work.options["monitorMode"] or work.options["processNewFiles"])


def _quarantine(work: Work) -> str:
    said: str = work.options["quarantinePath"]
    return said or os.path.join(os.path.dirname(work.target) if _is_one(work) else work.target, "quarantine")


def _is_one(work: Work) -> bool:
    """Whether the target is one file's path."""
    return not (work.target.endswith("/") or roots.is_folder(work.path) or roots.is_folder(work.target))


def _put_aside(work: Work, chosen: Chosen) -> list[Step]:
    """What is too large, where the job wants such files put aside."""
    if not work.options["quarantineInvalid"]:
        return []
    return [_aside(work, Step("", each.path, each.size, stamp=each.stamp)) for each in chosen.too_large]


def _aside(work: Work, step: Step) -> Step:
    top = work.path if roots.is_folder(work.path) else os.path.dirname(work.path)
    target = os.path.join(_quarantine(work), os.path.relpath(step.path, top))
    if roots.look(target) is not None:
        target = backup_of(target, work.now)
    return Step("quarantine", step.path, step.size, target, step.stamp)


def _perform_each(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    kind = KINDS[work.options["processingType"]]
    make, placed, made = kind.make(work), _placed(work), set()
    for step in steps:
        if step.action == "quarantine":
            yield step, move(work, step)
        elif step.action == "delete":
            if step.path in made:
                yield step, delete(work, step)
        else:
            with naming(step.path):
                done, reason = _make_or_put_aside(make, step, placed)
            if not reason and done is step:
                made.add(step.path)
                _remember(work, step)
            yield done, reason


def _remember(work: Work, step: Step) -> None:
    if _is_new_only(work) and step.stamp:
        work.context.remembered["seen"].append(_mark(step.path, step.stamp))


def _make_or_put_aside(make: Make, step: Step, work: Work) -> tuple[Step, str]:
    """The step that was taken in the end, and why it was not."""
    if roots.look(step.path) is None:
        return step, GONE
    try:
        _make(make, step, work)
    except Wrong as wrong:
        if not work.options["quarantineInvalid"]:
            raise
        work.context.log("WARN", f"{roots.shown(step.path)} {wrong}: it is put aside.")
        aside = _aside(work, step)
        return aside, move(work, aside)
    return step, ""


def _make(make: Make, step: Step, work: Work) -> None:
    back_up(work, step)
    with roots.open_file(step.path) as source:
        found = os.fstat(source.fileno())
        with roots.replacing(
            step.target, overwrite=step.replaces, create_folders=True, mode=found.st_mode
        ) as sink:
            make(source, sink, work, os.path.basename(step.path))
            keep(sink, found, kept(work.options))


_PLANS: dict[str, Callable[[Work], Plan]] = {
    "file_split": pieces.plan_split,
    "file_merge": pieces.plan_merge,
    "integrity_check": manifest.plan,
}
_PERFORM: dict[str, Perform] = {
    "file_split": pieces.perform_split,
    "file_merge": pieces.perform_merge,
    "integrity_check": manifest.perform,
}
WITH_KEY = ("encryption", "decryption")
TYPES = ("csv_transform", "format_conversion", "data_cleanup", "encryption", "decryption", *_PLANS)
