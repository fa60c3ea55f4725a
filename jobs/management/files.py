"""Files of job requests that a command is given, and how commands end that read them."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from django.core.management.base import CommandError

from jobs.transfer import documents
from jobs.transfer.importing import Entry, entries_of
from jobs.transfer.limits import REQUESTS_LIMIT, SIZE_LIMIT, Unreadable

SOMETHING_REFUSED = 1
UNUSABLE = 2


def entries_in(path: str) -> list[Entry]:
    """The requests in the file; - is standard input. Raises CommandError."""
    try:
        return entries_of(documents.read(_content(path), documents.format_of(path)))
    except Unreadable as error:
        raise CommandError(str(error), returncode=UNUSABLE) from None


def entries_under(path: str) -> list[Entry]:
    """The requests in a file, or in all JSON and YAML files in and below a folder, in the order of names.

    Raises CommandError.
    """
    if not os.path.isdir(path):
        return entries_in(path)
    found = [
        replace(entry, source=f"{file.relative_to(path)} {entry.source}")
        for file in sorted(_files_under(path))
        for entry in _entries_of(file)
    ]
    if not found:
        raise CommandError(f"{path!a} holds no files of job requests.", returncode=UNUSABLE)
    if len(found) > REQUESTS_LIMIT:
        raise CommandError(
            f"{path!a} holds more than {REQUESTS_LIMIT:,} job requests: split it.", returncode=UNUSABLE
        )
    return found


def _files_under(path: str) -> Iterator[Path]:
    for folder, below, names in os.walk(path, onerror=_refuse):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if documents.format_of(name) and not name.startswith("."):
                yield Path(folder, name)


def _refuse(error: OSError) -> None:
    # To pass over a folder would make its jobs look as if they were in no file any more.
    raise CommandError(f"{error.filename!a} cannot be read: {error.strerror}.", returncode=UNUSABLE)


def _entries_of(file: Path) -> list[Entry]:
    try:
        return entries_in(str(file))
    except CommandError as error:
        raise CommandError(f"{str(file)!a}: {error}", returncode=UNUSABLE) from None


def _content(path: str) -> bytes:
    """The file's bytes, one more at most than are allowed."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(SIZE_LIMIT + 1)
        with open(path, "rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CommandError(f"{path!a} cannot be read: {reason}.", returncode=UNUSABLE) from None
