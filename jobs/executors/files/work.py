"""What one run of a file job is asked to do, and the steps that it takes."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from jobs.executors.base import Context, ExecutionError
from jobs.executors.files import roots

CHUNK = 1024 * 1024
# So many steps are logged one by one, then every so-many-th.
_LOGGED, _THEN_EVERY = 200, 1000
# Of the characters that a run's result may have, what the list of its files may take.
_TOLD_CHARACTERS = 50_000


@dataclass(frozen=True)
class Work:
    """The question: paths as they stand in the job, every option with its default, and the clock's time."""

    operation: str
    path: str
    target: str
    content: str
    create_folders: bool
    overwrite: bool
    options: Mapping[str, Any]
    context: Context
    now: float


@dataclass(frozen=True)
class Stamp:
    """By what a file is known again: its place on the disk, its size and its last change."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Stamp":
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Step:
    """One thing to do to one file. What a dry run lists are these, and nothing else is carried out.

    `stamp` is the file that was looked at; `backup` is where the target is kept before it is replaced.
    """

    action: str
    path: str
    size: int = 0
    target: str = ""
    stamp: Stamp | None = None
    backup: str = ""
    replaces: bool = False

    def told(self) -> dict[str, Any]:
        said = {"action": self.action, "path": self.path, "target": self.target, "backup": self.backup}
        return {**{name: roots.shown(text) for name, text in said.items() if text}, "bytes": self.size}

    def __str__(self) -> str:
        to = f" to {roots.shown(self.target)}" if self.target not in ("", self.path) else ""
        return f"{self.action} {roots.shown(self.path)}{to}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Plan:
    """The steps in their order, and how many files need none, by reason."""

    steps: Sequence[Step]
    left: Mapping[str, int] = field(default_factory=dict)


# Gives each step when it is done, and why it was passed over, if it was.
Perform = Callable[[Work, Sequence[Step]], Iterator[tuple[Step, str]]]
# Reads one file, whose name comes last, and writes the new one.
Make = Callable[[BinaryIO, BinaryIO, Work, str], None]


class Tally:
    """What has been done so far; tells it to the log at a rate that people can read."""

    def __init__(self, context: Context, prefix: str = "") -> None:
        self._context = context
        self._prefix = prefix
        self.steps: list[Step] = []
        self.passed_over: Counter[str] = Counter()

    def take(self, done: Iterable[tuple[Step, str]]) -> None:
        """Count each step as it is done, or why it was not."""
        for step, passed_over in done:
            if passed_over:
                self.passed_over[passed_over] += 1
                if self.passed_over[passed_over] <= _LOGGED:
                    self._context.log("WARN", f"Left alone, {passed_over}: {roots.shown(step.path)}")
            else:
                self.steps.append(step)
                self._tell(step)
            self._context.check()

    def _tell(self, step: Step) -> None:
        count = len(self.steps)
        if count <= _LOGGED:
            self._context.log("INFO", _sentence(f"{self._prefix}{step}"), bytes=step.size)
        elif count % _THEN_EVERY == 0:
            self._context.log("INFO", f"{self._prefix}{count:,} done, {self.bytes:,} bytes")

    @property
    def bytes(self) -> int:
        """How much was worked on: what is only made room for does not count."""
        return sum(step.size for step in self.steps)

    def data(self) -> dict[str, Any]:
        """The counts, and as much of the list as a result may hold."""
        counts = Counter(step.action for step in self.steps)
        listed = list(fitting(step.told() for step in self.steps))
        cut = {"not_listed": len(self.steps) - len(listed)} if len(listed) < len(self.steps) else {}
        skipped = {"passed_over": dict(self.passed_over)} if self.passed_over else {}
        return {"counts": dict(counts), "bytes": self.bytes, "files": listed, **cut, **skipped}


def fitting(told: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """As many of them as a result has room for."""
    room = _TOLD_CHARACTERS
    for each in told:
        # JSON may write each character as six.
        room -= len(str(each).encode("ascii", "backslashreplace")) + 20
        if room < 0:
            return
        yield each


_CLASSES = {
    errno.ENOSPC: "DISK_SPACE_ERROR",
    errno.EDQUOT: "DISK_SPACE_ERROR",
    errno.EACCES: "PERMISSION_ERROR",
    errno.EPERM: "PERMISSION_ERROR",
    errno.EROFS: "PERMISSION_ERROR",
    errno.ENOENT: "FILE_NOT_FOUND",
    errno.ENOTDIR: "FILE_NOT_FOUND",
    errno.EEXIST: "FILE_EXISTS",
    errno.EISDIR: "FILE_ERROR",
    errno.ENAMETOOLONG: "FILE_ERROR",
}
_SENTENCES = {
    "DISK_SPACE_ERROR": "The disk is full",
    "PERMISSION_ERROR": "The worker may not do this",
    "FILE_NOT_FOUND": "There is nothing at this path",
    "FILE_EXISTS": "There is a file already, and the job does not say that it may be overwritten",
}


def failure(error: OSError | roots.Outside) -> ExecutionError:
    """What the operating system, or a forbidden path, means for the run."""
    if isinstance(error, roots.Outside):
        return ExecutionError("FORBIDDEN_PATH", str(error))
    error_class = _CLASSES.get(error.errno or 0, "IO_ERROR")
    where = f": {roots.shown(str(error.filename))}" if isinstance(error.filename, str) else ""
    return ExecutionError(error_class, f"{_SENTENCES.get(error_class, error.strerror)}{where}.")


def pump(source: BinaryIO, sink: Callable[[bytes], object], context: Context, most: int | None = None) -> int:
    """Pass the source on chunk by chunk, up to `most` bytes of it; gives how many there were."""
    passed = 0
    while chunk := source.read(CHUNK if most is None else min(CHUNK, most - passed)):
        context.check()
        sink(chunk)
        passed += len(chunk)
    return passed
