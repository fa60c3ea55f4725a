"""Sessions with SQL Server, by python-tds where the administrator has installed it.

The server knows no read-only session: what is not committed is taken back, and the user's rights decide.
"""

import socket
from contextlib import suppress
from typing import Any

import pytds

from jobs.executors.base import Context, ExecutionError
from jobs.executors.databases import session
from jobs.executors.databases.session import Answer, Clock, Terms
from jobs.executors.databases.statements import LEXICONS
from jobs.executors.databases.urls import Place


class Session:
    """A session with SQL Server."""

    lexicon = LEXICONS["mssql"]

    def __init__(self, place: Place, terms: Terms, context: Context) -> None:
        self._terms = terms
        self._clock = Clock(context, terms)
        sock = session.reach(place, terms, context)
        self._line = sock.dup()
        try:
            with context.closing(self.wake):
                self._connection = pytds.connect(
                    place.host, place.database or None, place.user, place.password,
                    port=place.port, sock=sock,
                    timeout=max(1.0, self._clock.server_limit), login_timeout=max(1.0, terms.connect_timeout),
                    appname=place.options.get("application_name", "Chronos"), autocommit=False,
                    disable_connect_retry=True, **_encryption(place),
                )  # fmt: skip
                self._begin()
        except Exception as error:
            sock.close()
            self._line.close()
            context.check()
            raise self.failure(error) or error from error

    def _begin(self) -> None:
        if self._terms.isolation:
            level = self._terms.isolation.replace("_", " ")
            self._connection.cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {level}")

    def run(self, statement: str, values: list[Any]) -> Answer:
        self._clock.start()
        cursor = self._connection.cursor()
        cursor.execute(statement, tuple(values))
        columns = [column[0] for column in cursor.description or []]
        if not columns:
            return Answer([], iter(()), max(0, cursor.rowcount))
        answer = Answer(columns, iter(()))
        answer.rows = session.counted(iter(cursor.fetchone, None), answer, self._clock)
        return answer

    def commit(self) -> None:
        self._connection.commit()

    def wake(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # Without its connection the server takes back what was not committed.
        self.wake()
        with suppress(pytds.Error, OSError):
            self._connection.close()
        self._line.close()

    def failure(self, error: BaseException) -> ExecutionError | None:
        if isinstance(error, pytds.TimeoutError | TimeoutError):
            return session.too_slow(self._terms)
        if not isinstance(error, pytds.Error | OSError):
            return None
        default = "CONNECTION_ERROR" if isinstance(error, OSError | pytds.ClosedConnectionError) else ""
        name = _CLASSES.get(getattr(error, "msg_no", 0), default or "DATABASE_ERROR")
        return session.failure(name, error)


def _encryption(place: Place) -> dict[str, Any]:
    if place.options.get("sslmode", "disable") in ("disable", "allow", "prefer"):
        return {}
    trusted = place.options.get("trust", "").lower() == "true"
    return {"cafile": session.certificates(), "validate_host": not trusted}


_CLASSES = {
    102: "SYNTAX_ERROR",
    156: "SYNTAX_ERROR",
    207: "SYNTAX_ERROR",
    208: "SYNTAX_ERROR",
    229: "PERMISSION_DENIED",
    515: "CONSTRAINT_VIOLATION",
    547: "CONSTRAINT_VIOLATION",
    1205: "DEADLOCK",
    1222: "LOCK_TIMEOUT",
    2601: "CONSTRAINT_VIOLATION",
    2627: "CONSTRAINT_VIOLATION",
    18456: "AUTHENTICATION_ERROR",
}
