"""Files of job requests that a command is given, and how commands end that read them."""

import sys
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
    folder = Path(path)
    if not folder.is_dir():
        return entries_in(path)
    files = sorted(file for file in folder.rglob("*") if _holds_requests(file.relative_to(folder)))
    found = [
        replace(entry, source=f"{file.relative_to(folder)} {entry.source}")
        for file in files
        for entry in _entries_of(file)
    ]
    if not found:
        raise CommandError(f"{path!a} holds no files of job requests.", returncode=UNUSABLE)
    if len(found) > REQUESTS_LIMIT:
        raise CommandError(
            f"{path!a} holds more than {REQUESTS_LIMIT:,} job requests: split it.", returncode=UNUSABLE
        )
    return found


def _holds_requests(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts)
    return not is_hidden and documents.format_of(path.name) is not None


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
