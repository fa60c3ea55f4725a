"""Rows into empty tables, as fast as PostgreSQL or SQLite takes them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

Row = tuple[Any, ...]
Write = Callable[[str, list[str], Iterable[Row]], None]


def writer() -> Any:
    """What gives, as a context, the function that writes rows into a table."""
    from django.db import connection

    return _PostgreSQL() if connection.vendor == "postgresql" else _SQLite()


class _PostgreSQL:
    """COPY into tables without their secondary indexes, which are built afterwards."""

    def __enter__(self) -> Write:
        from django.db import connection

        self.cursor = connection.cursor()
        for setting in ("TIME ZONE 'UTC'", "session_replication_role = replica", "synchronous_commit = off"):
            self.cursor.execute(f"SET {setting}")
        self.cursor.execute("SET maintenance_work_mem = '1GB'")
        self.cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'idx\\_%%' "
            "AND tablename IN ('job_runs', 'job_run_logs', 'audit_events', 'job_days', 'dlq_events')"
        )
        self.indexes = self.cursor.fetchall()
        for name, _ in self.indexes:
            self.cursor.execute(f"DROP INDEX {name}")
        return self.write

    def write(self, table: str, columns: list[str], rows: Iterable[Row]) -> None:
        names = ", ".join(columns)
        with self.cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for some in _batches(rows, 5000):
                copy.write("".join(map(_line, some)))

    def __exit__(self, *problem: object) -> None:
        for _, definition in self.indexes:
            self.cursor.execute(definition)
        self.cursor.execute(
            "SELECT setval(pg_get_serial_sequence('users', 'id'), (SELECT max(id) FROM users))"
        )
        self.cursor.execute("SET session_replication_role = DEFAULT")
        self.cursor.execute("VACUUM ANALYZE")


def _line(row: Row) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


class _SQLite:
    def __enter__(self) -> Write:
        from django.db import connection

        connection.ensure_connection()
        self.connection = connection.connection
        self.connection.execute("PRAGMA synchronous = OFF")
        return self.write

    def write(self, table: str, columns: list[str], rows: Iterable[Row]) -> None:
        places = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        self.connection.execute("BEGIN")
        self.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608
        self.connection.execute("COMMIT")

    def __exit__(self, *problem: object) -> None:
        self.connection.execute("ANALYZE")


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of at most that many."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some
