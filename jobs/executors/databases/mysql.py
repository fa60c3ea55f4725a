"""Sessions with MariaDB and MySQL, by PyMySQL: rows one by one as the server sends them."""

import math
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

from jobs.executors.base import Context, DeadlineExceeded, ExecutionError
from jobs.executors.databases import session, statements
from jobs.executors.databases.session import Answer, Clock, Terms
from jobs.executors.databases.statements import LEXICONS, Lexicon
from jobs.executors.databases.urls import Place


class _Connection(pymysql.connections.Connection):  # type: ignore[misc]
    """A connection whose reads know the clock, and which gives up a row that is too large."""

    clock: Clock
    _arrived = 0

    def _read_packet(self, *args: Any, **kwargs: Any) -> Any:
        self._arrived = 0
        self.clock.check()
        # In whole seconds, so that the socket is told only once in a while.
        self._read_timeout = max(1, math.ceil(self.clock.left))
        return super()._read_packet(*args, **kwargs)

    def _read_bytes(self, num_bytes: int) -> Any:
        self._arrived += num_bytes
        if self._arrived > session.ROW_LIMIT_MB * 2**20:
            raise session.too_large()
        return super()._read_bytes(num_bytes)

    def leave(self) -> None:
        """Go without reading what is still to come."""
        if self._result is not None:
            self._result.unbuffered_active = False
        self._force_close()


def _connected(place: Place, sock: socket.socket, clock: Clock) -> _Connection:
    """A connection over the socket, which is closed when none comes of it."""
    connection = _Connection(
        host=place.host, port=place.port, user=place.user, password=place.password.encode(),
        database=place.database or None, charset="utf8mb4", autocommit=False, local_infile=False,
        defer_connect=True, read_timeout=clock.terms.timeout, write_timeout=clock.terms.timeout,
        **_encryption(place.options.get("sslmode", "prefer")),
    )  # fmt: skip
    connection.clock = clock
    clock.start()
    try:
        connection.connect(sock)
    except BaseException as error:
        sock.close()
        if not isinstance(error, pymysql.Error | OSError):
            raise
        clock.context.check()
        raise session.failure(_class_of_refusal(error), _sentence(error)) from error
    return connection


def _encryption(mode: str) -> dict[str, Any]:
    if mode == "disable":
        return {"ssl_disabled": True}
    if mode in ("allow", "prefer"):
        return {}
    if mode == "require":
        return {"ssl_verify_cert": False, "ssl_verify_identity": False, "ssl_ca": session.certificates()}
    verified = {"ssl_ca": session.certificates(), "ssl_verify_cert": True}
    return {**verified, "ssl_verify_identity": mode == "verify-full"}


class Session:
    """A session with MariaDB or MySQL, which take one statement at a time."""

    def __init__(self, place: Place, terms: Terms, context: Context) -> None:
        if not place.user:
            raise ExecutionError("AUTHENTICATION_ERROR", "The database's URL names no user.")
        self._place = place
        self._terms = terms
        self._context = context
        self._clock = Clock(context, terms)
        self._busy = False
        sock = session.reach(place, terms, context)
        # TLS takes the socket over and leaves its object empty: a duplicate still reaches the connection.
        self._line = sock.dup()
        try:
            self._open(sock)
        except (pymysql.Error, OSError) as error:
            context.check()
            raise self.failure(error) from error  # type: ignore[misc]

    def _open(self, sock: socket.socket) -> None:
        greeting = Clock(self._context, replace(self._terms, timeout=self._terms.connect_timeout))
        with ExitStack() as undo:
            undo.callback(self._line.close)
            undo.callback(sock.close)
            with self._context.closing(self.wake):
                self._connection = _connected(self._place, sock, greeting)
                undo.callback(self._connection.leave)
                self._connection.clock = self._clock
                self.lexicon = self._begin()
            undo.pop_all()

    def _begin(self) -> Lexicon:
        self._clock.start()
        if self._terms.isolation:
            level = self._terms.isolation.replace("_", " ")
            self._ask(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        self._ask(f"SET SESSION net_write_timeout = 600, {self._statement_limit()}")
        if self._terms.read_only:
            self._refuse_files()
            # For the session too: a procedure may end this transaction and begin another one.
            self._ask("SET SESSION TRANSACTION READ ONLY")
        self._ask("START TRANSACTION READ ONLY" if self._terms.read_only else "START TRANSACTION")
        return _lexicon(self._ask("SELECT @@sql_mode")[0][0])

    def _statement_limit(self) -> str:
        seconds = self._clock.server_limit
        if "MariaDB" in self._connection.get_server_info():
            return f"max_statement_time = {seconds:.3f}"
        return f"max_execution_time = {max(1, round(seconds * 1000))}"

    def _refuse_files(self) -> None:
        for (grant,) in self._ask("SHOW GRANTS"):
            rights = re.match(r"GRANT (.*?) ON \*\.\*", grant)
            if rights and {"FILE", "ALL PRIVILEGES"} & {each.strip() for each in rights[1].split(",")}:
                raise ExecutionError(
                    "PERMISSION_DENIED",
                    "The URL's user may write files on the server, which no read-only session stops: name a"
                    " user without the right FILE.",
                )

    def _ask(self, statement: str, values: list[Any] | None = None) -> Sequence[Sequence[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            found: Sequence[Sequence[Any]] = cursor.fetchall()
            return found

    def run(self, statement: str, values: list[Any]) -> Answer:
        self._clock.start()
        self._busy = True
        if self._terms.read_only:
            self._refuse_what_is_no_question(statement, values)
        cursor = self._connection.cursor(SSCursor)
        cursor.execute(statement, values or None)
        columns = [column[0] for column in cursor.description or []]
        answer = Answer(columns, iter(()))
        if columns:
            answer.rows = self._rows(cursor, answer)
        else:
            answer.affected = cursor.rowcount
            self._finish(cursor)
        return answer

    def _refuse_what_is_no_question(self, statement: str, values: list[Any]) -> None:
        """Have the server itself say whether it can explain the statement.

        CALL and compound statements could commit, and begin a transaction that writes; the server
        explains neither. It explains no SHOW either, which changes nothing.
        """
        if statements.first_word(statement, self.lexicon) in _SHOWS:
            return
        try:
            self._ask(f"EXPLAIN {statement}", values or None)
        except pymysql.Error as error:
            if error.args[0] == _LACKS_RIGHT_TO_EXPLAIN:
                return
            if error.args[0] != _SYNTAX:
                raise
            told = f"{_sentence(error)}. A read-only job takes queries alone."
            raise session.failure("SYNTAX_ERROR", told) from error

    def _rows(self, cursor: Any, answer: Answer) -> Iterator[Sequence[Any]]:
        row = cursor.fetchone()
        self._clock.first_row()
        count = 0
        while row is not None:
            yield row
            count += 1
            row = cursor.fetchone()
        answer.affected = count
        self._finish(cursor)

    def _finish(self, cursor: Any) -> None:
        # A procedure may have given several sets of rows.
        while cursor.nextset():
            pass
        cursor.close()
        self._clock.stop()
        self._busy = False

    def commit(self) -> None:
        self._clock.start()
        self._connection.commit()

    def wake(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._busy:
            # To say goodbye the driver would read all rows that are still to come.
            self._connection.leave()
            self._kill()
        elif self._connection.open:
            with suppress(pymysql.Error, OSError, ExecutionError):
                self._connection.close()
        self._line.close()

    def _kill(self) -> None:
        """End what still runs: the server finds out that we are gone only when it has rows to send."""
        deadline = time.monotonic() + session.FAREWELL_SECONDS
        farewell = replace(self._context, deadline=deadline, cancelled=threading.Event(), _closers=[])
        terms = Terms(timeout=session.FAREWELL_SECONDS, connect_timeout=session.FAREWELL_SECONDS)
        # Whatever comes of it, how the statement ended is told.
        with suppress(pymysql.Error, OSError, ExecutionError, DeadlineExceeded):
            sock = session.reach(self._place, terms, farewell)
            with _connected(self._place, sock, Clock(farewell, terms)) as connection:
                connection.cursor().execute(f"KILL {int(self._connection.thread_id())}")

    def failure(self, error: BaseException) -> ExecutionError | None:
        if not isinstance(error, pymysql.Error | OSError):
            return None
        number = error.args[0] if error.args else 0
        if number in _TIMEOUTS or (number in _LOST and not self._clock.left):
            return session.too_slow(self._terms)
        default = "CONNECTION_ERROR" if number in _LOST else "DATABASE_ERROR"
        return session.failure(_CLASSES.get(number, default), _sentence(error))


def _lexicon(mode: str) -> Lexicon:
    """What the server's mode makes of quotes and backslashes."""
    plain = LEXICONS["mysql"]
    modes = mode.split(",")
    escaping = "" if "NO_BACKSLASH_ESCAPES" in modes else "'" if "ANSI_QUOTES" in modes else plain.escaping
    return replace(plain, escaping=escaping)


def _class_of_refusal(error: Exception) -> str:
    text = str(error)
    if "SSL" in text or "certificate" in text:
        return "TLS_ERROR"
    return _CLASSES.get(error.args[0] if error.args else 0, "CONNECTION_ERROR")


def _sentence(error: Exception) -> str:
    return str(error.args[1] if len(error.args) > 1 else error).rstrip(".")


_SHOWS = {"SHOW", "DESC", "DESCRIBE", "EXPLAIN", "HELP"}
_SYNTAX, _LACKS_RIGHT_TO_EXPLAIN = 1064, 1345
_TIMEOUTS = {1969, 3024, 1317}
_LOST = {*range(2000, 2100), *range(1, 200)}
_CLASSES = {
    1040: "CONNECTION_ERROR",
    1044: "PERMISSION_DENIED",
    1045: "AUTHENTICATION_ERROR",
    1048: "CONSTRAINT_VIOLATION",
    1049: "DATABASE_ERROR",
    1054: "SYNTAX_ERROR",
    1062: "CONSTRAINT_VIOLATION",
    1064: "SYNTAX_ERROR",
    1142: "PERMISSION_DENIED",
    1143: "PERMISSION_DENIED",
    1146: "SYNTAX_ERROR",
    1205: "LOCK_TIMEOUT",
    1213: "DEADLOCK",
    1227: "PERMISSION_DENIED",
    1305: "SYNTAX_ERROR",
    1364: "CONSTRAINT_VIOLATION",
    1370: "PERMISSION_DENIED",
    1451: "CONSTRAINT_VIOLATION",
    1452: "CONSTRAINT_VIOLATION",
    1698: "AUTHENTICATION_ERROR",
    1792: "READ_ONLY_VIOLATION",
    3572: "LOCK_TIMEOUT",
    3819: "CONSTRAINT_VIOLATION",
    4025: "CONSTRAINT_VIOLATION",
}
