"""Chronos's own database, which no job may open: its rows decide what workers run."""

from contextlib import suppress
from pathlib import Path

from django.conf import settings

from jobs.executors import guard
from jobs.executors.base import ExecutionError
from jobs.executors.databases.urls import Place


def refuse(place: Place) -> None:
    """Raises ExecutionError when the place is the database that Chronos itself works with."""
    if place.engine == "sqlite":
        same = _is_our_file(place.database)
    else:
        same = guard.is_own_database(place.host, place.port, place.database or place.user)
    if same:
        raise ExecutionError("FORBIDDEN_ADDRESS", "This is Chronos's own database: jobs may not open it.")


def _is_our_file(path: str) -> bool:
    ours = settings.DATABASES["default"]
    with suppress(OSError):
        return bool(ours["ENGINE"].endswith("sqlite3")) and Path(path).samefile(ours["NAME"])
    return False
