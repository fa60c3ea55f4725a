"""The log lines of running work, collected from many threads and written in groups."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction

from chronos_site import rows
from chronos_site.locks import locked
from jobs.executors.base import Log
from runs.models import Level, Run, RunLog
from runs.storable import plain, text

_LEVELS = frozenset(Level.values)
LINE_LIMIT = 8_000
CONTEXT_LIMIT = 8_000
LINES_A_SECOND = 2_000
RUN_CHARACTERS = 50_000_000
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


@dataclass
class Tally:
    """How much of its log one run has used up."""

    lines: int = 0
    characters: int = 0
    second: int = 0
    in_second: int = 0
    left_out: int = 0
    full: bool = False
    # The last line that was kept.
    last: str = ""

    def admit(self, second: int, size: int) -> tuple[str, bool]:
        """A mark to write first, if there is one, and whether a line of `size` characters is kept."""
        mark = ""
        if second != self.second:
            mark = self.mark()
            self.second, self.in_second = second, 0
        if self.full:
            return mark, False
        if self.in_second == LINES_A_SECOND:
            self.left_out += 1
            return mark, False
        self.lines += 1
        self.in_second += 1
        self.characters += size
        if self.lines < settings.LOG_LINES_LIMIT and self.characters <= RUN_CHARACTERS:
            return mark, True
        self.full = True
        most = f"{settings.LOG_LINES_LIMIT:,} lines and {RUN_CHARACTERS:,} characters"
        return f"Log cut here: a run keeps {most}.", False

    def mark(self) -> str:
        """What to say of the lines left out since it was said last, if any."""
        count, self.left_out = self.left_out, 0
        return f"{count:,} lines left out: a run keeps {LINES_A_SECOND:,} a second." if count else ""


class Logbook:
    """Takes lines from any thread; the drain's own thread writes them.

    Lines are cut at `LINE_LIMIT` characters; of a run so many are kept a second, and so many in all, with a
    visible mark where some are left out. Control characters stay in the text: whoever shows it makes them
    harmless; only what a database cannot store is replaced.
    """

    def __init__(self) -> None:
        self._lines: SimpleQueue[Line] = SimpleQueue()
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._lock = threading.Lock()

    def writer(self, run_id: str) -> Log:
        """The `log(level, message, **fields)` of one run."""

        def log(level: str, message: str, **fields: Any) -> None:
            self.add(run_id, level, message, fields)

        return log

    def add(self, run_id: str, level: str, message: str, fields: dict[str, Any] | None = None) -> None:
        """Take one line, unless the run has written too much."""
        now, message = datetime.now(UTC), _cut(str(message))
        with self._lock:
            tally = self._tallies[run_id]
            mark, kept = tally.admit(int(now.timestamp()), len(message))
            tally.last = message if kept else ""
        if mark:
            self._lines.put(Line(run_id, now, "WARN", mark))
        if kept:
            self._lines.put(_line(run_id, now, level, message, fields))

    def close(self, run_id: str, level: str, message: str) -> None:
        """Take a run's last line, whatever it has written, and forget the run; it is not said twice."""
        now, message = datetime.now(UTC), _cut(message)
        with self._lock:
            tally = self._tallies.pop(run_id, Tally())
        if mark := tally.mark():
            self._lines.put(Line(run_id, now, "WARN", mark))
        if message != tally.last:
            self._lines.put(_line(run_id, now, level, message, None))

    def take(self) -> list[Line]:
        """Everything collected so far, in order, leaving the book empty."""
        lines: list[Line] = []
        while True:
            try:
                lines.append(self._lines.get_nowait())
            except Empty:
                return lines


def _line(run_id: str, at: datetime, level: str, message: str, fields: dict[str, Any] | None) -> Line:
    known = str(level) if level in _LEVELS else "INFO"
    return Line(run_id, at, known, text(message), _small(fields) if fields else None)


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
        with transaction.atomic():
            # Held, so that none of them goes before its lines are in.
            wanted = locked(Run.objects.filter(pk__in={line.run_id for line in lines}).order_by("pk"))
            there = set(wanted.values_list("pk", flat=True))
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
