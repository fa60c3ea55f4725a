"""Sessions with SQLite: a file inside the folders that jobs may use."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError
from jobs.executors.databases import quick_functions, session
from jobs.executors.databases.session import Answer, Clock, Terms
from jobs.executors.databases.statements import LEXICONS
from jobs.executors.databases.urls import Place

# Steps of its machine between two looks at the clock: some milliseconds.
_STEPS = 20_000
_QUESTIONS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
# Other files, and the end of the transaction, are not for a job's statements.
_NEVER = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION}
# The one loads programs; the other compares every key with every key, and nothing could interrupt it.
_NEVER_CALLED = {"load_extension", "json_patch"}
_HARMLESS_PRAGMAS = {
    "foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo",
}  # fmt: skip
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: session.ROW_LIMIT_MB * 2**20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    # A longer one can keep the machine busy between two looks at the clock.
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 256,
}


class Session:
    """A session with one file of SQLite."""

    lexicon = LEXICONS["sqlite"]

    def __init__(self, place: Place, terms: Terms, context: Context) -> None:
        self._terms = terms
        self._clock = Clock(context, terms)
        self._failure: BaseException | None = None
        self._would_change = False
        mode = "ro" if terms.read_only else "rw"
        address = f"file:{quote(str(_allowed(place.database)))}?mode={mode}"
        try:
            self._connection = sqlite3.connect(
                address, uri=True, isolation_level=None, timeout=session.STEP_SECONDS, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise session.failure("DATABASE_ERROR", f"{place.database} cannot be opened: {error}.") from error
        try:
            self._begin()
        except sqlite3.Error as error:
            self.close()
            raise self.failure(error) from error  # type: ignore[misc]

    def _begin(self) -> None:
        self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
        for limit, value in _LIMITS.items():
            self._connection.setlimit(limit, value)
        quick_functions.give(self._connection)
        self._connection.set_progress_handler(self._look, _STEPS)
        self._clock.start()
        if not self._terms.read_only:
            self._patiently(lambda: self._connection.execute("BEGIN IMMEDIATE"))
        self._connection.set_authorizer(self._judge)

    def _judge(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Whether a statement may do this: asked while it is prepared."""
        if action == sqlite3.SQLITE_PRAGMA:
            allowed = (first or "").lower() in _HARMLESS_PRAGMAS
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").lower() not in _NEVER_CALLED
        elif action in _NEVER:
            allowed = False
        else:
            allowed = not self._terms.read_only or action in _QUESTIONS
            self._would_change |= not allowed
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def _look(self) -> int:
        """Whether to stop: asked every few milliseconds of work."""
        try:
            self._clock.check()
        except (Cancelled, DeadlineExceeded, ExecutionError) as stop:
            self._failure = stop
            return 1
        return 0

    def _patiently(self, step: Callable[[], Any]) -> Any:
        """Take the step again while another connection holds the lock, as long as there is time."""
        while True:
            try:
                return step()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                # The work has not begun: it is the lock that took too long.
                self._clock.context.check()
                if not self._clock.left:
                    raise
                time.sleep(0.01)

    def run(self, statement: str, values: list[Any]) -> Answer:
        self._clock.start()
        cursor = self._patiently(lambda: self._connection.execute(statement, values))
        columns = [column[0] for column in cursor.description or []]
        answer = Answer(columns, iter(()))
        if columns:
            answer.rows = self._rows(cursor, answer)
        else:
            answer.affected = max(0, cursor.rowcount)
            self._clock.stop()
        return answer

    def _rows(self, cursor: sqlite3.Cursor, answer: Answer) -> Iterator[Sequence[Any]]:
        count = 0
        for row in cursor:
            self._clock.first_row()
            yield row
            count += 1
        answer.affected = count
        self._clock.stop()

    def commit(self) -> None:
        self._clock.start()
        self._connection.set_authorizer(None)
        self._patiently(lambda: self._connection.execute("COMMIT"))

    def wake(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.set_progress_handler(None, 0)
        with suppress(sqlite3.Error):
            self._connection.set_authorizer(None)
            self._connection.rollback()
        self._connection.close()

    def failure(self, error: BaseException) -> ExecutionError | None:
        if not isinstance(error, sqlite3.Error | sqlite3.Warning | OverflowError):
            return None
        if isinstance(self._failure, ExecutionError):
            return self._failure
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code & 0xFF == sqlite3.SQLITE_AUTH and self._would_change:
            return ExecutionError(
                "READ_ONLY_VIOLATION", "The job is read only, and its query would change the database."
            )
        if "one statement at a time" in str(error):
            return ExecutionError(
                "SYNTAX_ERROR",
                "The query holds several statements: a job runs one, unless it says that there are several.",
            )
        return session.failure(_CLASSES.get(code & 0xFF, "DATABASE_ERROR"), error)


def _allowed(text: str) -> Path:
    """The file, when it is one of its own inside the folders that jobs may use.

    Raises ExecutionError with FORBIDDEN_PATH or DATABASE_ERROR.
    """
    path = Path(text)
    roots = [root.resolve() for root in settings.FILE_ROOTS]
    resolved = path.resolve()
    # A symbolic link on the way shows as another path; those above the folders are the administrator's.
    straight = any(resolved == root / path.relative_to(given) for root, given in _above(path, roots))
    if not straight:
        raise ExecutionError("FORBIDDEN_PATH", f"{text} is not inside the folders that jobs may use.")
    if not resolved.is_file():
        raise ExecutionError("DATABASE_ERROR", f"{text} is no file.")
    return resolved


def _above(path: Path, roots: list[Path]) -> list[tuple[Path, Path]]:
    """The folders above the path, resolved and as they are given."""
    pairs = [*zip(roots, settings.FILE_ROOTS, strict=True), *zip(roots, roots, strict=True)]
    return [(root, given) for root, given in pairs if path != given and path.is_relative_to(given)]


_CLASSES = {
    sqlite3.SQLITE_AUTH: "PERMISSION_DENIED",
    sqlite3.SQLITE_BUSY: "LOCK_TIMEOUT",
    sqlite3.SQLITE_CONSTRAINT: "CONSTRAINT_VIOLATION",
    sqlite3.SQLITE_ERROR: "SYNTAX_ERROR",
    sqlite3.SQLITE_LOCKED: "LOCK_TIMEOUT",
    sqlite3.SQLITE_PERM: "PERMISSION_DENIED",
    sqlite3.SQLITE_READONLY: "READ_ONLY_VIOLATION",
    sqlite3.SQLITE_TOOBIG: "RESULT_TOO_LARGE",
}
