"""The log lines of running work, collected from many threads and written in groups."""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction

from chronos_site import rows
from jobs.executors.base import Log
from runs.models import Level, Run, RunLog
from runs.storable import plain, text

_LEVELS = frozenset(Level.values)
LINE_LIMIT = 8_000
CONTEXT_LIMIT = 8_000
# MariaDB takes 16 MB in one statement, and a character may need four bytes.
STATEMENT_LINES = 1_000
STATEMENT_CHARACTERS = 1_000_000


class Line(NamedTuple):
    """A log line as its columns store it."""

    run_id: str
    timestamp: datetime
    level: str
    message: str
    context: str | None = None


class Logbook:
    """Takes lines from any thread; the drain's own thread writes them.

    A line is cut at `LINE_LIMIT` characters and a run at the configured number of lines, both with a
    visible mark. Control characters stay in the text: whoever shows it makes them harmless; only what
    a database cannot store is replaced.
    """

    def __init__(self) -> None:
        self._lines: SimpleQueue[Line] = SimpleQueue()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def writer(self, run_id: str) -> Log:
        """The `log(level, message, **fields)` of one run."""

        def log(level: str, message: str, **fields: Any) -> None:
            self.add(run_id, level, message, fields)

        return log

    def add(self, run_id: str, level: str, message: str, fields: dict[str, Any] | None = None) -> None:
        with self._lock:
            self._counts[run_id] += 1
            number = self._counts[run_id]
        if number > settings.LOG_LINES_LIMIT:
            return
        if number == settings.LOG_LINES_LIMIT:
            level, message, fields = "WARN", f"Log cut here: a run keeps {number:,} lines.", None
        known = str(level) if level in _LEVELS else "INFO"
        context = _small(fields) if fields else None
        self._lines.put(Line(run_id, datetime.now(UTC), known, _cut(text(message)), context))

    def take(self) -> list[Line]:
        """Everything collected so far, in order, leaving the book empty."""
        lines: list[Line] = []
        while True:
            try:
                lines.append(self._lines.get_nowait())
            except Empty:
                return lines

    def forget(self, run_id: str) -> None:
        """Drop what is kept about a run that has ended."""
        with self._lock:
            self._counts.pop(run_id, None)


def _cut(message: str) -> str:
    if len(message) <= LINE_LIMIT:
        return message
    return f"{message[:LINE_LIMIT]} … cut: {len(message):,} characters"


def _small(fields: dict[str, Any]) -> str:
    kept = json.dumps(plain(fields))
    return kept if len(kept) <= CONTEXT_LIMIT else json.dumps({"cut": f"{len(kept):,} characters"})


def write(lines: list[Line]) -> None:
    """Store the lines; those of runs that are gone are dropped."""
    try:
        _insert(lines)
    except IntegrityError:
        # A job was deleted under its run: nobody will read those lines, but the others' are wanted.
        there = set(Run.objects.filter(pk__in={line.run_id for line in lines}).values_list("pk", flat=True))
        _insert([line for line in lines if line.run_id in there])


@transaction.atomic
def _insert(lines: Iterable[Line]) -> None:
    told = [line._replace(timestamp=rows.stored(line.timestamp)) for line in lines]
    rows.insert(RunLog, Line._fields, told)


def statements(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines, run by run, in pieces that one statement can carry on every database."""
    piece: list[Line] = []
    room = STATEMENT_CHARACTERS
    # MariaDB locks the runs that new lines belong to, and everyone locks runs in this order.
    for line in sorted(lines, key=attrgetter("run_id")):
        size = len(line.message) + (CONTEXT_LIMIT if line.context else 0)
        if piece and (room < size or len(piece) == STATEMENT_LINES):
            yield piece
            piece, room = [], STATEMENT_CHARACTERS
        piece.append(line)
        room -= size
    if piece:
        yield piece
