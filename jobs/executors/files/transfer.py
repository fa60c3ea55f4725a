"""COPY, MOVE and DELETE: planned as steps, then told or carried out."""

import errno
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from jobs.executors.base import Context, ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.choosing import Chosen, Found, choose, is_named, walk
from jobs.executors.files.work import Plan, Stamp, Step, Work, pump
from jobs.executors.wording import counted

_BACKUP = re.compile(r".+\.\d{8}T\d{6}Z\.bak")
CHANGED = "changed since it was looked at"
GONE = "gone since it was looked at"


def plan_transfer(work: Work) -> Plan:
    """What copying or moving means: each file's new place, what stands there, and what goes there.

    Raises ExecutionError with FILE_EXISTS where something would be lost that may not be overwritten.
    """
    inside = [work.target] if is_inside(work.target, work.path) else []
    chosen = choose(work, leaving=inside)
    check_target_folder(work, chosen)
    steps, left, taken = [], Counter[str](), []
    for each, target in destinations(work, chosen):
        standing = standing_at(target)
        if standing is None or _may_replace(work, each, target, standing):
            steps.append(_step(work, each, target, standing))
        elif work.operation == "COPY" and _is_same(work, each, target, standing):
            left["unchanged"] += 1
        else:
            taken.append(target)
    refuse_taken(taken)
    refuse_chains(steps)
    if work.options["deleteExtra"]:
        steps += _extra(work)
    return Plan(steps, left)


def _may_replace(work: Work, each: Found, target: str, standing: os.stat_result) -> bool:
    return work.overwrite and not (work.options["syncMode"] and _is_same(work, each, target, standing))


def _step(work: Work, each: Found, target: str, standing: os.stat_result | None) -> Step:
    verb = "move" if work.operation == "MOVE" else "copy"
    return step_to(work, verb, each, target, standing)


def step_to(work: Work, verb: str, each: Found, target: str, standing: os.stat_result | None) -> Step:
    """What becomes of the file at the target, where this stands now."""
    backup = _backup(work, target, standing)
    return Step(verb, each.path, each.size, target, each.stamp, backup, replaces=standing is not None)


def _backup(work: Work, target: str, standing: os.stat_result | None) -> str:
    return backup_of(target, work.now) if standing and work.options["backupExisting"] else ""


def standing_at(target: str) -> os.stat_result | None:
    found = roots.look(target)
    if found and not stat.S_ISREG(found.st_mode):
        raise ExecutionError("FILE_ERROR", f"{roots.shown(target)} is there already and is no regular file.")
    return found


def refuse_taken(taken: Sequence[str]) -> None:
    if taken:
        what = f"{counted(len(taken), 'file')} would be overwritten, such as {roots.shown(taken[0])}"
        raise ExecutionError("FILE_EXISTS", f"{what}: the job does not say that they may be.")


@dataclass(frozen=True)
class Room:
    """Where one file is to be written: whether it replaces another, and where that is kept."""

    replaces: bool
    backup: str


def make_room(work: Work, target: str) -> Room:
    """What writing the one file at the target means for what stands there.

    Raises ExecutionError with FILE_EXISTS for what may not be overwritten, FILE_NOT_FOUND for a missing
    folder, and FILE_ERROR for what is no file.
    """
    check_folder(work, os.path.dirname(target))
    standing = standing_at(target)
    if standing and not work.overwrite:
        sentence = (
            f"{roots.shown(target)} is there already, and the job does not say that it may be overwritten."
        )
        raise ExecutionError("FILE_EXISTS", sentence)
    return Room(standing is not None, _backup(work, target, standing))


def refuse_chains(steps: Sequence[Step]) -> None:
    """Raises ExecutionError where a file would be replaced by another before its own turn comes."""
    sources = {step.path for step in steps}
    for step in steps:
        if step.target in sources and step.target != step.path:
            raise ExecutionError(
                "VALIDATION_ERROR",
                f"{roots.shown(step.path)} would take the place of {roots.shown(step.target)}, which is to go"
                " elsewhere itself: choose a target that lies apart.",
            )


def is_inside(path: str, folder: str) -> bool:
    return roots.plain(path).rstrip("/").startswith(roots.plain(f"{folder}/"))


def backup_of(path: str, now: float) -> str:
    """Where a file is kept before it is replaced."""
    return f"{path}.{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.bak"


def check_target_folder(work: Work, chosen: Chosen) -> None:
    """The folder that files go to is there, or may be made."""
    into = chosen.in_folder or work.target.endswith("/")
    check_folder(work, work.target if into else os.path.dirname(work.target))


def check_folder(work: Work, folder: str) -> None:
    """The folder is there, or the job says that it may be made."""
    found = roots.look(folder)
    if found and not stat.S_ISDIR(found.st_mode):
        raise ExecutionError("FILE_ERROR", f"{roots.shown(folder)} is a file: files need a folder to go to.")
    if found is None and not work.create_folders:
        raise ExecutionError(
            "FILE_NOT_FOUND",
            f"The folder {roots.shown(folder)} is missing, and the job does not say to make missing folders.",
        )


def destinations(
    work: Work, chosen: Chosen, rename: Callable[[str], str] = str
) -> Iterator[tuple[Found, str]]:
    """Each file with its new path: below the target, or the target itself for a single file.

    `rename` makes a file's new name of its old one where the job does not give it.

    Raises ExecutionError with VALIDATION_ERROR where two files would get one path.
    """
    into = chosen.in_folder or work.target.endswith("/") or roots.is_folder(work.target)
    sources: dict[str, str] = {}
    for each in chosen.files:
        name = each.relative if work.options["preservePath"] else os.path.basename(each.relative)
        target = os.path.join(work.target, rename(name)) if into else work.target
        if other := sources.get(target):
            raise ExecutionError(
                "VALIDATION_ERROR",
                f"{roots.shown(other)} and {roots.shown(each.path)} would both become {roots.shown(target)}.",
            )
        sources[target] = each.path
        yield each, target


def _is_same(work: Work, each: Found, target: str, standing: os.stat_result) -> bool:
    """Whether the target holds the file already: by content, or when syncing by size and time."""
    if standing.st_size != each.size:
        return False
    if work.options["syncMode"] and not work.options["compareChecksum"]:
        return standing.st_mtime_ns >= each.stamp.changed_ns
    return digest_at(each.path, work.context) == digest_at(target, work.context)


def digest_at(path: str, context: Context) -> str:
    with roots.open_file(path) as file:
        return digest(file, context)


def digest(file: BinaryIO, context: Context, algorithm: str = "sha256") -> str:
    found = hashlib.new(algorithm)
    pump(file, found.update, context)
    return found.hexdigest()


def _extra(work: Work) -> list[Step]:
    """What the target holds and the source does not; what the job's patterns leave out stays."""
    if not roots.is_folder(work.target) or not roots.is_folder(work.path):
        return []
    left_out: Counter[str] = Counter()
    found = [*walk(work.path.rstrip("/"), work.options, work.context, left_out)]
    here = {each.relative for each in found}
    # By another path that leads there, the target may hold the source's own files.
    own = {(each.stamp.device, each.stamp.inode) for each in found}
    there = [
        each
        for each in walk(work.target.rstrip("/"), work.options, work.context, left_out)
        if is_named(each.relative, work.options) and not _BACKUP.fullmatch(each.relative)
    ]
    extra = [
        each
        for each in sorted(there, key=lambda each: each.relative)
        if each.relative not in here
        and (each.stamp.device, each.stamp.inode) not in own
        and _lacks(work, each.relative)
    ]
    if extra and not here:
        raise ExecutionError(
            "SYNC_ERROR",
            "The source holds no file: nothing is deleted from the target, where it may be the last.",
        )
    return [Step("delete extra", each.path, each.size, stamp=each.stamp) for each in extra]


def _lacks(work: Work, relative: str) -> bool:
    """Whether the source has nothing of the name: a link that is not followed may lead to the file."""
    try:
        return roots.look(os.path.join(work.path, relative)) is None
    except roots.Outside:
        return False


def plan_delete(work: Work) -> Plan:
    return Plan([Step("delete", each.path, each.size, stamp=each.stamp) for each in choose(work).files])


def perform(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """Carry the steps out one by one; gives each with why it was left alone, if it was."""
    for step in steps:
        yield step, _PERFORM[step.action](work, step)


def delete(work: Work, step: Step) -> str:
    """Delete the file that was looked at: another that has taken its place stays."""
    if reason := changed(step):
        return reason
    roots.remove(step.path)
    return ""


def changed(step: Step) -> str:
    """What has happened to the file since it was looked at, or nothing."""
    found = roots.look(step.path)
    if found is None:
        return GONE
    return "" if Stamp.of(found) == step.stamp else CHANGED


def _copy(work: Work, step: Step) -> str:
    if roots.look(step.path) is None:
        return GONE
    back_up(work, step)
    copy(step.path, step.target, work, replaces=step.replaces)
    return ""


def move(work: Work, step: Step) -> str:
    if reason := changed(step):
        return reason
    back_up(work, step)
    try:
        roots.move(step.path, step.target, overwrite=step.replaces, create_folders=True)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_between_filesystems(work, step)
    return ""


def _move_between_filesystems(work: Work, step: Step) -> None:
    copy(step.path, step.target, work, replaces=step.replaces, keeping=("times", "mode"))
    with roots.parent(step.target) as (folder, _):
        os.fsync(folder)
    if changed(step):
        raise ExecutionError(
            "IO_ERROR", f"{roots.shown(step.path)} changed while it was copied: it stays where it is."
        )
    roots.remove(step.path)


def back_up(work: Work, step: Step) -> None:
    """Keep what the step is about to replace, where the job asks for it."""
    if step.backup:
        copy(step.target, step.backup, work, replaces=False, keeping=("times", "mode"))


def copy(path: str, target: str, work: Work, *, replaces: bool, keeping: Sequence[str] | None = None) -> None:
    """Copy one file, which is seen at the target when it is whole."""
    options, context = work.options, work.context
    with roots.open_file(path) as source:
        found = os.fstat(source.fileno())
        with roots.replacing(target, overwrite=replaces, create_folders=True, mode=found.st_mode) as new:
            sent = hashlib.sha256()
            checked = options["compareChecksum"]

            def pass_on(chunk: bytes) -> None:
                new.write(chunk)
                if checked:
                    sent.update(chunk)

            pump(source, pass_on, context)
            new.seek(0)
            if checked and digest(new, context) != sent.hexdigest():
                raise ExecutionError("CHECKSUM_ERROR", f"The copy of {roots.shown(path)} differs from it.")
            keep(new, found, kept(options) if keeping is None else keeping)


def kept(options: Mapping[str, Any]) -> list[str]:
    """What of a file's own the options say to keep."""
    whole = options["preserveAttributes"]
    return [*(["times"] if whole or options["preserveTimestamps"] else []), *(["mode"] if whole else [])]


def keep(new: BinaryIO, found: os.stat_result, what: Sequence[str]) -> None:
    new.flush()
    if "mode" in what:
        # The bits that lend the owner's rights are never passed on.
        os.fchmod(new.fileno(), found.st_mode & 0o777)
    if "times" in what:
        os.utime(new.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))


_PERFORM = {"copy": _copy, "move": move, "delete": delete, "delete extra": delete}
