"""The log lines of running work, collected from many threads and written in groups."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any

from django.conf import settings

from jobs.executors.base import Log
from runs.models import Level, RunLog
from runs.storable import plain, text

LINE_LIMIT = 8_000
CONTEXT_LIMIT = 8_000
# MariaDB takes 16 MB in one statement, and a character may need four bytes.
STATEMENT_LINES = 1_000
STATEMENT_CHARACTERS = 1_000_000


class Logbook:
    """Takes lines from any thread; the drain's own thread writes them.

    A line is cut at `LINE_LIMIT` characters and a run at the configured number of lines, both with a
    visible mark. Control characters stay in the text: whoever shows it makes them harmless; only what
    a database cannot store is replaced.
    """

    def __init__(self) -> None:
        self._lines: SimpleQueue[RunLog] = SimpleQueue()
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
            level, message, fields = Level.WARN, f"Log cut here: a run keeps {number:,} lines.", None
        line = RunLog(
            run_id=run_id,
            timestamp=datetime.now(UTC),
            level=level if level in Level.values else Level.INFO,
            message=_cut(text(message)),
            context=_small(fields) if fields else None,
        )
        self._lines.put(line)

    def take(self) -> list[RunLog]:
        """Everything collected so far, in order, leaving the book empty."""
        lines: list[RunLog] = []
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


def _small(fields: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = plain(fields)
    size = len(json.dumps(kept))
    return kept if size <= CONTEXT_LIMIT else {"cut": f"{size:,} characters"}


def statements(lines: list[RunLog]) -> Iterator[list[RunLog]]:
    """The lines, run by run, in pieces that one statement can carry on every database."""
    piece: list[RunLog] = []
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
