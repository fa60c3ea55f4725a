"""Which files a job is about: walked without following links, and chosen by name, age and size."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from jobs.executors.base import Context, ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.work import Stamp, Work
from jobs.executors.wording import counted

MOST = 500_000
_DAY = 86_400


@dataclass(frozen=True)
class Found:
    """A regular file. `relative` is its path below the job's, or its name where that is the file itself."""

    path: str
    relative: str
    mode: int
    stamp: Stamp

    @classmethod
    def of(cls, path: str, relative: str, found: os.stat_result) -> "Found":
        return cls(path, relative, found.st_mode, Stamp.of(found))

    @property
    def size(self) -> int:
        return self.stamp.size

    @property
    def changed_at(self) -> float:
        return self.stamp.changed_ns / 1e9


@dataclass
class Chosen:
    """The files in the order of their names, those that are too large, and why others were left out."""

    files: list[Found]
    in_folder: bool
    too_large: list[Found] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def bytes(self) -> int:
        return sum(each.size for each in self.files)


def choose(work: Work, *, leaving: Sequence[str] = ()) -> Chosen:
    """The files that the job's path and options name; what lies in the folders `leaving` is not looked at.

    Raises ExecutionError with FILE_NOT_FOUND where there is nothing at the path.
    """
    left_out: Counter[str] = Counter()
    whole = work.path.rstrip("/") or "/"
    found = roots.look(whole)
    if found is None:
        raise ExecutionError("FILE_NOT_FOUND", f"There is nothing at {roots.shown(work.path)}.")
    in_folder = stat.S_ISDIR(found.st_mode)
    if in_folder:
        walked = walk(whole, work.options, work.context, left_out, leaving)
    else:
        with roots.open_file(whole) as file:
            walked = iter([Found.of(whole, os.path.basename(whole), os.fstat(file.fileno()))])
    named = []
    for each in walked:
        if is_named(each.relative, work.options):
            named.append(each)
        else:
            left_out["by their names"] += 1
        if len(named) > MOST:
            raise ExecutionError("FILE_ERROR", f"There are more than {MOST:,} files: name fewer of them.")
    chosen = Chosen([], in_folder, left_out=left_out)
    _sift(sorted(named, key=lambda each: each.relative), work, chosen)
    _tell(work, chosen)
    return chosen


def walk(
    path: str,
    options: Mapping[str, Any],
    context: Context,
    left_out: Counter[str],
    leaving: Sequence[str] = (),
) -> Iterator[Found]:
    """Every regular file in the folder, and in those inside where the options say so."""
    skipped = {each.rstrip("/") for each in leaving}
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        context.check()
        for name, found in _entries(os.path.join(path, inner).rstrip("/") or "/", context):
            relative = os.path.join(inner, name)
            whole = os.path.join(path, relative)
            if reason := _reason(name, found, options):
                left_out[reason] += 1
            elif stat.S_ISREG(found.st_mode):
                yield Found.of(whole, relative, found)
            elif whole not in skipped and not _is_excluded(relative, options):
                waiting.append(relative)


def _entries(path: str, context: Context) -> Iterator[tuple[str, os.stat_result]]:
    with roots.folder(path) as opened, os.scandir(opened) as entries:
        for entry in entries:
            context.check()
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                # Deleted between being listed and being looked at.
                continue


def _reason(name: str, found: os.stat_result, options: Mapping[str, Any]) -> str:
    """Why an entry is left out whatever it is called, or nothing."""
    if name.startswith(roots.PART_PREFIX) and name.endswith(roots.PART_SUFFIX):
        return "half-written by a run"
    if stat.S_ISLNK(found.st_mode):
        return "links"
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return "pipes, sockets and devices"
    if name.startswith(".") and not options["includeHidden"]:
        return "hidden"
    if stat.S_ISDIR(found.st_mode) and not (options["recursive"] or options["syncMode"]):
        return "folders inside"
    return ""


def is_named(relative: str, options: Mapping[str, Any]) -> bool:
    """Whether the patterns ask for the name. One with a slash is matched with the whole relative path."""
    wanted = patterns(options)
    return (not wanted or _matches(relative, wanted)) and not _is_excluded(relative, options)


def patterns(options: Mapping[str, Any]) -> list[str]:
    return [
        *options["filePatterns"],
        *(each.strip() for each in options["pattern"].split(",") if each.strip()),
    ]


def _is_excluded(relative: str, options: Mapping[str, Any]) -> bool:
    return _matches(relative, options["excludePatterns"])


def _matches(relative: str, wanted: Sequence[str]) -> bool:
    name = os.path.basename(relative)
    return any(fnmatchcase(relative if "/" in each else name, each) for each in wanted)


def _sift(named: Sequence[Found], work: Work, chosen: Chosen) -> None:
    """Sort the files that have the right names into what is chosen and why the others are not."""
    options = work.options
    newest = sorted(named, key=lambda each: (-each.stamp.changed_ns, each.relative))
    latest = {each.path for each in newest[: options["keepLatest"] or 0]}
    for each in named:
        age = work.now - each.changed_at
        if each.path in latest:
            chosen.left_out["the latest"] += 1
        elif age < (options["olderThanDays"] or 0) * _DAY or age < (options["minFileAge"] or 0):
            chosen.left_out["too young"] += 1
        elif options["maxFileSize"] is not None and each.size > options["maxFileSize"]:
            chosen.too_large.append(each)
            chosen.left_out["too large"] += 1
        else:
            chosen.files.append(each)


def _tell(work: Work, chosen: Chosen) -> None:
    found = f"{counted(len(chosen.files), 'file')} of {chosen.bytes:,} bytes at {roots.shown(work.path)}"
    others = ", ".join(f"{number:,} {reason}" for reason, number in sorted(chosen.left_out.items()))
    work.context.log("INFO", f"{found}{f'; left out: {others}' if others else ''}")
    if not chosen.files:
        work.context.log("WARN", "No file matches: there is nothing to do.")
    elif chosen.left_out["folders inside"]:
        work.context.log("WARN", "The folders inside are left out: the job does not ask for them.")
