"""SQLite's text functions again, in time that grows with the text alone.

Its own ones compare every place with everything searched for and cannot be interrupted: two texts of some
megabytes would keep a worker busy for days.
"""

import sqlite3
from typing import Any

from jobs.executors.databases import session

_LONGEST = session.ROW_LIMIT_MB * 2**20


def give(connection: sqlite3.Connection) -> None:
    """Have the connection's statements use them."""
    for name, arguments, function in (
        ("instr", 2, _instr),
        ("replace", 3, _replace),
        ("trim", 2, lambda value, letters: _trimmed(value, letters, left=True, right=True)),
        ("ltrim", 2, lambda value, letters: _trimmed(value, letters, left=True)),
        ("rtrim", 2, lambda value, letters: _trimmed(value, letters, right=True)),
    ):
        connection.create_function(name, arguments, function, deterministic=True)


def _instr(value: Any, wanted: Any) -> int | None:
    if value is None or wanted is None:
        return None
    if isinstance(value, bytes) and isinstance(wanted, bytes):
        return value.find(wanted) + 1
    return _text(value).find(_text(wanted)) + 1


def _replace(value: Any, old: Any, new: Any) -> Any:
    """Raises OverflowError, which sqlite3 takes for a result that is too large."""
    if value is None or old is None:
        return None
    if not _text(old):
        return _text(value) if isinstance(value, bytes) else value
    if new is None:
        return None
    value, old, new = _text(value), _text(old), _text(new)
    if len(value) + value.count(old) * (len(new) - len(old)) > _LONGEST:
        raise OverflowError
    return value.replace(old, new)


def _trimmed(value: Any, letters: Any, *, left: bool = False, right: bool = False) -> str | None:
    if value is None or letters is None:
        return None
    text, unwanted = _text(value), set(_text(letters))
    start, end = 0, len(text)
    while left and start < end and text[start] in unwanted:
        start += 1
    while right and end > start and text[end - 1] in unwanted:
        end -= 1
    return text[start:end]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
