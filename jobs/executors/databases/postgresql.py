"""Sessions with PostgreSQL, by psycopg: rows one by one as the server makes them."""

import os
import re
import socket
import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import conninfo, generators, pq, waiting
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from jobs.executors.base import Context, ExecutionError
from jobs.executors.databases import session
from jobs.executors.databases.session import Answer, Clock, Terms
from jobs.executors.databases.statements import LEXICONS
from jobs.executors.databases.urls import Place

# Rows that travel together when they are streamed.
CHUNK = 100
_BYTES_RECEIVED = 128
_AT_ONCE = 128 * 1024
_SILENT = {"passfile": f"{os.devnull}/none", "options": "", "gssencmode": "disable", "sslcertmode": "disable"}
_KEEPALIVES = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


class _Connection(psycopg.Connection[Any]):
    """A connection that looks at the clock, and at how much has arrived, while it waits."""

    clock: Clock
    _probe: socket.socket
    _arrived = 0

    def watch(self, clock: Clock) -> None:
        self.clock = clock
        self._probe = socket.socket(fileno=os.dup(self.pgconn.socket))
        # What fits in at once is read without a look.
        self._probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _AT_ONCE)

    def wait(self, gen: Any, interval: float = session.STEP_SECONDS, timeout: float | None = None) -> Any:
        steps = session.watched(gen, self.clock, self._look)
        return super().wait(steps, session.STEP_SECONDS, timeout)

    def _look(self) -> None:
        self.clock.check()
        if self._received() - self._arrived > session.ROW_LIMIT_MB * 2**20:
            raise session.too_large()

    def row_arrived(self) -> None:
        self._arrived = self._received()

    def _received(self) -> int:
        # libpq gathers a row before it shows it: the kernel alone knows how large it has become.
        try:
            told = self._probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED + 8)
            return int(struct.unpack_from("Q", told, _BYTES_RECEIVED)[0])
        except (AttributeError, OSError, struct.error):
            return 0

    def close(self) -> None:
        if hasattr(self, "_probe"):
            self._probe.close()
        super().close()


class _Cursor(psycopg.RawCursor[Any]):
    """A cursor that streams any statement, and tells what one without rows has changed."""

    _conn: _Connection
    changed: int | None = None

    def _stream_fetchone_gen(self, first: bool) -> Generator[Any, Any, Any]:
        result = yield from generators.fetch(self._pgconn)
        if result is None:
            return None
        if result.status not in _GOOD:
            return self._raise_for_result(result)
        self._conn.row_arrived()
        self.pgresult = result
        if result.status in _ROWS:
            self._tx.set_pgresult(result, set_loaders=first)
            if first:
                self._make_row = self._make_row_maker()
            return result
        self.changed = result.command_tuples
        while (yield from generators.fetch(self._pgconn)):
            pass
        return None


_ROWS = (pq.ExecStatus.SINGLE_TUPLE, pq.ExecStatus.TUPLES_CHUNK)
_GOOD = (*_ROWS, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY)


class Session:
    """A session with PostgreSQL.

    Every statement goes by the extended protocol, which takes no second one behind a semicolon.
    """

    lexicon = LEXICONS["postgresql"]

    def __init__(self, place: Place, terms: Terms, context: Context) -> None:
        self._terms = terms
        self._clock = Clock(context, terms)
        self._connection = _connected(place, terms, self._clock)
        try:
            self._begin(place)
        except BaseException:
            self.close()
            raise

    def _begin(self, place: Place) -> None:
        for oid, loader in _LOADERS.items():
            self._connection.adapters.register_loader(oid, loader)
        self._connection.read_only = self._terms.read_only or None
        if self._terms.isolation:
            self._connection.isolation_level = psycopg.IsolationLevel[self._terms.isolation]
        self._clock.start()
        # Once a question has been asked, the transaction can no longer be made one that writes.
        limit = f"{max(1, round(self._clock.server_limit * 1000))}ms"
        cursor = psycopg.RawCursor(self._connection)
        cursor.execute(_BEGIN, [limit, place.options.get("schema")])
        powerful = next(cursor)[0]
        if powerful and self._terms.read_only:
            raise ExecutionError(
                "PERMISSION_DENIED",
                "The URL's role may write files and run programs on the server, which no read-only session"
                " stops: name a role without such rights.",
            )

    def run(self, statement: str, values: list[Any]) -> Answer:
        try:
            return self._run(statement, values)
        except psycopg.Error as error:
            if self._terms.read_only or error.sqlstate not in _NO_TRANSACTION or self._connection.autocommit:
                raise
        # VACUUM and its like refuse to work inside a transaction, and have done nothing yet.
        self._connection.rollback()
        self._connection.autocommit = True
        return self._run(statement, values)

    def _run(self, statement: str, values: list[Any]) -> Answer:
        cursor = _Cursor(self._connection)
        self._clock.start()
        rows = cursor.stream(statement, values, size=CHUNK if self._terms.streaming else 1)
        first = next(rows, None)
        self._clock.first_row()
        columns = [column.name for column in cursor.description or []]
        answer = Answer(columns, iter(()))
        answer.rows = self._rows(first, rows, cursor, answer)
        if first is None:
            list(answer.rows)
        return answer

    def _rows(
        self, first: Any, rows: Iterator[Any], cursor: _Cursor, answer: Answer
    ) -> Iterator[Sequence[Any]]:
        if first is not None:
            yield first
            yield from rows
        answer.affected = cursor.changed
        self._clock.stop()

    def commit(self) -> None:
        self._clock.start()
        self._connection.commit()

    def wake(self) -> None:
        """Nothing to do: it looks at the clock ten times a second."""

    def close(self) -> None:
        if self._connection.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            # The server would work on, for nobody.
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=session.FAREWELL_SECONDS)
        self._connection.close()

    def failure(self, error: BaseException) -> ExecutionError | None:
        if isinstance(error, RecursionError):
            return ExecutionError("DATABASE_ERROR", "A JSON value of the result is nested too deeply.")
        if not isinstance(error, psycopg.Error):
            return None
        if error.sqlstate == "57014":
            return session.too_slow(self._terms)
        return session.failure(_error_class(error), _sentence(error))


def _connected(place: Place, terms: Terms, clock: Clock) -> _Connection:
    if not place.user:
        raise ExecutionError("AUTHENTICATION_ERROR", "The database's URL names no user.")
    with session.reach(place, terms, clock.context) as probe:
        address = probe.getpeername()[0]
    # What the URL does not say is not taken from the worker's files or its environment.
    told = conninfo.make_conninfo(
        host=place.host, hostaddr=address, port=place.port, dbname=place.database or place.user,
        user=place.user, password=place.password,
        application_name=place.options.get("application_name", "Chronos"),
        **_encryption(place.options.get("sslmode", "prefer")), **_SILENT, **_KEEPALIVES,
    )  # fmt: skip
    steps = session.watched(generators.connect(told), clock)
    try:
        made = waiting.wait_conn(steps, session.STEP_SECONDS, terms.connect_timeout)
    except psycopg.Error as error:
        raise _refused(error, place) from error
    connection = _Connection(made)
    connection.watch(clock)
    return connection


def _encryption(mode: str) -> dict[str, str]:
    return {"sslmode": mode, **({"sslrootcert": session.certificates()} if mode.startswith("verify") else {})}


def _refused(error: psycopg.Error, place: Place) -> ExecutionError:
    if isinstance(error, psycopg.errors._WaitTimeout):
        return ExecutionError("CONNECTION_ERROR", f"{place.host}:{place.port} does not answer.")
    text = session.beginning(error)
    if re.search(r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist", text):
        return session.failure("AUTHENTICATION_ERROR", text)
    if re.search(r"\b(SSL|certificate)\b", text):
        return session.failure("TLS_ERROR", text)
    return session.failure("DATABASE_ERROR" if "does not exist" in text else "CONNECTION_ERROR", text)


_BEGIN = b"""
SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    OR EXISTS (SELECT FROM pg_roles WHERE rolname IN
        ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
        AND pg_has_role(oid, 'MEMBER')),
    set_config('statement_timeout', $1, false), set_config('standard_conforming_strings', 'on', false),
    set_config('datestyle', 'ISO', false),
    set_config('search_path', coalesce($2, current_setting('search_path')), false)
"""
# What does not work inside a transaction, such as VACUUM, or ends it itself, as a procedure may.
_NO_TRANSACTION = ("25001", "2D000")


class _MomentLoader(Loader):
    """Reads dates and times as Python has them; the others, such as infinity or a year BC, stay text."""

    read: Callable[[str], Any] = datetime.fromisoformat

    def load(self, data: Buffer) -> Any:
        text = bytes(data).decode()
        try:
            return type(self).read(text)
        except ValueError:
            return text


class _DateLoader(_MomentLoader):
    read = date.fromisoformat


_LOADERS: dict[str, type[Any]] = {
    "date": _DateLoader,
    "timestamp": _MomentLoader,
    "timestamptz": _MomentLoader,
    # A month has no number of days.
    "interval": TextLoader,
}
_CLASSES = {
    "08": "CONNECTION_ERROR",
    "23": "CONSTRAINT_VIOLATION",
    "25006": "READ_ONLY_VIOLATION",
    "28": "AUTHENTICATION_ERROR",
    "40001": "SERIALIZATION_FAILURE",
    "40P01": "DEADLOCK",
    "42": "SYNTAX_ERROR",
    "42501": "PERMISSION_DENIED",
    "53300": "CONNECTION_ERROR",
    "55P03": "LOCK_TIMEOUT",
    "57P": "CONNECTION_ERROR",
}


def _error_class(error: psycopg.Error) -> str:
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if name := _CLASSES.get(state[:length]):
            return name
    lost = not state and isinstance(error, psycopg.OperationalError)
    return "CONNECTION_ERROR" if lost else "DATABASE_ERROR"


def _sentence(error: psycopg.Error) -> str:
    if "multiple commands into a prepared statement" in str(error):
        return "The query holds several statements: a job runs one, unless it says that there are several."
    return str(error)
