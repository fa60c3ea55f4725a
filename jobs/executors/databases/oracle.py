"""Sessions with Oracle, by oracledb without Oracle's own libraries, where the administrator has installed it.

A read-only transaction would end with the first DDL: what is not committed is taken back, and the user's
rights decide.
"""

from contextlib import suppress
from typing import Any

import oracledb

from jobs.executors.base import Context, ExecutionError
from jobs.executors.databases import session
from jobs.executors.databases.session import Answer, Clock, Terms
from jobs.executors.databases.statements import LEXICONS
from jobs.executors.databases.urls import Place

_ISOLATIONS = {"", "READ_COMMITTED", "SERIALIZABLE"}


class Session:
    """A session with Oracle."""

    lexicon = LEXICONS["oracle"]

    def __init__(self, place: Place, terms: Terms, context: Context) -> None:
        if terms.isolation not in _ISOLATIONS:
            raise ExecutionError("DATABASE_ERROR", "Oracle knows READ_COMMITTED and SERIALIZABLE alone.")
        self._terms = terms
        self._clock = Clock(context, terms)
        with session.reach(place, terms, context) as probe:
            address = probe.getpeername()[0]
        where = "sid" if "sid" in place.options else "service_name"
        name = place.options.get("sid") or place.options.get("service") or place.database
        try:
            self._connection = oracledb.connect(
                user=place.user, password=place.password, host=address, port=place.port, **{where: name},
                tcp_connect_timeout=min(session.TRY_SECONDS, terms.connect_timeout), retry_count=0,
            )  # fmt: skip
        except oracledb.Error as error:
            context.check()
            told = self.failure(error)
            raise told or error from error
        self._connection.outputtypehandler = _whole_texts
        if terms.isolation:
            level = terms.isolation.replace("_", " ")
            self._connection.cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {level}")

    def run(self, statement: str, values: list[Any]) -> Answer:
        self._clock.start()
        self._connection.call_timeout = max(1, round(self._clock.left * 1000))
        cursor = self._connection.cursor()
        cursor.execute(statement, {f"p{number}": value for number, value in enumerate(values, 1)})
        columns = [column[0] for column in cursor.description or []]
        if not columns:
            return Answer([], iter(()), cursor.rowcount)
        answer = Answer(columns, iter(()))
        answer.rows = session.counted(cursor, answer, self._clock)
        return answer

    def commit(self) -> None:
        self._connection.commit()

    def wake(self) -> None:
        with suppress(oracledb.Error):
            self._connection.cancel()

    def close(self) -> None:
        with suppress(oracledb.Error):
            self._connection.rollback()
            self._connection.close()

    def failure(self, error: BaseException) -> ExecutionError | None:
        if not isinstance(error, oracledb.Error):
            return None
        told = error.args[0]
        if getattr(told, "full_code", "") in _TIMEOUTS:
            return session.too_slow(self._terms)
        lost = str(getattr(told, "full_code", "")).startswith(("DPY-4011", "DPY-6"))
        default = "CONNECTION_ERROR" if lost else "DATABASE_ERROR"
        return session.failure(_CLASSES.get(getattr(told, "code", 0), default), told)


def _whole_texts(cursor: Any, column: Any) -> Any:
    """Large texts and bytes as values, instead of handles that ask again for each."""
    kinds = {
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
    }
    kind = kinds.get(column.type_code)
    return cursor.var(kind, arraysize=cursor.arraysize) if kind else None


_TIMEOUTS = {"DPY-4024", "ORA-01013"}
_CLASSES = {
    1: "CONSTRAINT_VIOLATION",
    54: "LOCK_TIMEOUT",
    60: "DEADLOCK",
    900: "SYNTAX_ERROR",
    904: "SYNTAX_ERROR",
    923: "SYNTAX_ERROR",
    933: "SYNTAX_ERROR",
    936: "SYNTAX_ERROR",
    942: "SYNTAX_ERROR",
    1017: "AUTHENTICATION_ERROR",
    1031: "PERMISSION_DENIED",
    1400: "CONSTRAINT_VIOLATION",
    2290: "CONSTRAINT_VIOLATION",
    2291: "CONSTRAINT_VIOLATION",
    2292: "CONSTRAINT_VIOLATION",
    8177: "SERIALIZATION_FAILURE",
}
