"""Files of job requests that a command is given, and how commands end that read them."""

import sys

from django.core.management.base import CommandError

from jobs.transfer import documents
from jobs.transfer.importing import Entry, entries_of
from jobs.transfer.limits import SIZE_LIMIT, Unreadable

SOMETHING_REFUSED = 1
UNUSABLE = 2


def entries_in(path: str) -> list[Entry]:
    """The requests in the file; - is standard input. Raises CommandError."""
    try:
        return entries_of(documents.read(_content(path), documents.format_of(path)))
    except Unreadable as error:
        raise CommandError(str(error), returncode=UNUSABLE) from None


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
