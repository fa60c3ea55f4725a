"""The log lines of running work, collected from many threads and written in groups."""

import json
import threading
from collections import Counter
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any

from django.conf import settings

from jobs.executors.base import Log
from runs.models import Level, RunLog

LINE_LIMIT = 8_000
CONTEXT_LIMIT = 8_000


class Logbook:
    """Takes lines from any thread; the drain's own thread writes them.

    A line is cut at `LINE_LIMIT` characters and a run at the configured number of lines, both with a
    visible mark. Control characters stay in the text: whoever shows it makes them harmless; only NUL,
    which PostgreSQL cannot store, is replaced.
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
            message=_cut(message.replace("\0", "\N{REPLACEMENT CHARACTER}")),
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
    text = json.dumps(fields, default=str).replace("\\u0000", "")
    if len(text) > CONTEXT_LIMIT:
        return {"cut": f"{len(text):,} characters"}
    kept: dict[str, Any] = json.loads(text)
    return kept
