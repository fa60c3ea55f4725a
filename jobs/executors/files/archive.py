"""COMPRESS: files into a zip, a tar, a tar.gz or a gz, written as a stream.

Names in an archive are relative to the job's path. Owners are left out and every time is the file's own, so
that the same files give the same archive.
"""

import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from jobs.executors.base import Context, ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.choosing import Chosen, choose
from jobs.executors.files.transfer import GONE, back_up, delete, destinations, make_room
from jobs.executors.files.work import Plan, Step, Work, pump

# What people write, and the kind of archive it is; gzip of a folder is a tar.gz.
TYPES = {
    "zip": "zip",
    "tar": "tar",
    "tar.gz": "tar.gz",
    "tgz": "tar.gz",
    "gzip": "gzip",
    "gz": "gzip",
}
_SUFFIXES = {".zip": "zip", ".tar.gz": "tar.gz", ".tgz": "tar.gz", ".tar": "tar", ".gz": "gzip"}
_SUFFIX = {"zip": ".zip", "tar": ".tar", "tar.gz": ".tar.gz", "gzip": ".gz"}
_LEVEL = 6
_ZIP64_FROM = 1024**3
# The years that a zip can tell.
_ZIP_FIRST, _ZIP_LAST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)


def plan(work: Work) -> Plan:
    """Every file that goes into the archive; without one there is no archive.

    Raises ExecutionError with FILE_EXISTS where something stands at the target that may not be overwritten.
    """
    target = archive_path(work)
    chosen = choose(work, leaving=[target])
    # The archive is never part of itself.
    chosen.files = [each for each in chosen.files if each.path != target]
    room = make_room(work, target)
    names = dict(_names(work, chosen))
    adds = [
        Step("add", each.path, each.size, names[each.path], each.stamp, room.backup, replaces=room.replaces)
        for each in chosen.files
    ]
    if _kind(work, target) == "gzip" and len(adds) > 1:
        raise ExecutionError("COMPRESSION_ERROR", "A gz holds one file: let the target end with .tar.gz.")
    deleting = work.options["deleteOriginal"]
    return Plan([*adds, *(_deletion(each) for each in adds if deleting)])


def _deletion(added: Step) -> Step:
    return Step("delete", added.path, stamp=added.stamp)


def archive_path(work: Work) -> str:
    """Where the archive goes: the target, or a file named after the job's path in the folder it names."""
    if not work.target.endswith("/") and not roots.is_folder(work.target):
        return work.target
    name = os.path.basename(work.path.rstrip("/")) or "files"
    return os.path.join(work.target, f"{name}{_SUFFIX[_kind(work, '')]}")


def _kind(work: Work, target: str) -> str:
    said = TYPES.get(work.options["compressionType"])
    named = next((kind for suffix, kind in _SUFFIXES.items() if target.lower().endswith(suffix)), None)
    kind = said or named or ("tar.gz" if roots.is_folder(work.path) else "gzip")
    if kind == "gzip" and (named == "tar.gz" or roots.is_folder(work.path)):
        return "tar.gz"
    return kind


def _names(work: Work, chosen: Chosen) -> Iterator[tuple[str, str]]:
    """Each file's name in the archive."""
    for each, name in destinations(replace(work, target="/"), chosen):
        yield each.path, name.lstrip("/")


class Archive(Protocol):
    def add(self, name: str, found: os.stat_result, source: BinaryIO, context: Context) -> None: ...


def perform(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """Write the archive, which is seen when it is whole; then delete what went into it, if asked."""
    added, added_paths = [step for step in steps if step.action == "add"], set()
    if not added:
        return
    target = archive_path(work)
    back_up(work, Step("back up", target, target=target, backup=added[0].backup))
    replaces = added[0].replaces
    with (
        roots.replacing(target, overwrite=replaces, create_folders=work.create_folders) as file,
        _opened(_kind(work, target), file, work) as archive,
    ):
        for step in added:
            reason = _add(archive, step, work.context)
            if not reason:
                added_paths.add(step.path)
            yield step, reason
    work.context.log("INFO", f"The archive {roots.shown(target)} is written", bytes=_size(target))
    for step in steps:
        if step.action == "delete" and step.path in added_paths:
            yield step, delete(work, step)


def _size(target: str) -> int:
    found = roots.look(target)
    return found.st_size if found else 0


def _add(archive: Archive, step: Step, context: Context) -> str:
    if roots.look(step.path) is None:
        return GONE
    with roots.open_file(step.path) as source:
        archive.add(step.target, os.fstat(source.fileno()), source, context)
    return ""


@contextmanager
def _opened(kind: str, file: BinaryIO, work: Work) -> Iterator[Archive]:
    level = work.options["compressionLevel"]
    level = _LEVEL if level is None else level
    with ExitStack() as stack:
        if kind == "zip":
            yield _Zip(
                stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level))
            )
            return
        if kind != "tar":
            file = stack.enter_context(  # type: ignore[assignment]
                gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=file, mtime=0)
            )
        if kind == "gzip":
            yield _Plain(file)
        else:
            yield _Tar(stack.enter_context(tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)))


class _Plain:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, name: str, found: os.stat_result, source: BinaryIO, context: Context) -> None:
        pump(source, self._file.write, context)


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, found: os.stat_result, source: BinaryIO, context: Context) -> None:
        changed_at = min(max(datetime.fromtimestamp(found.st_mtime, UTC), _ZIP_FIRST), _ZIP_LAST)
        entry = zipfile.ZipInfo(roots.shown(name), changed_at.timetuple()[:6])
        entry.compress_type = self._archive.compression
        # Python's own writer takes the archive's level for names only.
        entry._compresslevel = self._archive.compresslevel  # type: ignore[attr-defined]
        entry.external_attr = (stat.S_IFREG | found.st_mode & 0o777) << 16
        with self._archive.open(entry, "w", force_zip64=found.st_size > _ZIP64_FROM) as inner:
            pump(source, inner.write, context, found.st_size)


class _Tar:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, name: str, found: os.stat_result, source: BinaryIO, context: Context) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = found.st_size, int(found.st_mtime), found.st_mode & 0o777
        try:
            self._archive.addfile(entry, _Watched(source, context))  # type: ignore[arg-type]
        except OSError as error:
            if error.errno is None:
                raise ExecutionError(
                    "COMPRESSION_ERROR", f"{roots.shown(name)} became shorter while it was read."
                ) from error
            raise


class _Watched:
    """A file that stops being read when the run should stop."""

    def __init__(self, source: BinaryIO, context: Context) -> None:
        self._source, self._context = source, context

    def read(self, size: int) -> bytes:
        self._context.check()
        return self._source.read(size)
