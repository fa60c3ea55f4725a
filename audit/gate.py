"""The one way past the triggers that keep the trail: an export that was read back may be followed by a purge.

Only DELETE passes, and only in the transaction that says so: a setting of the session on PostgreSQL and
MariaDB, a function of the connection on SQLite. No UPDATE ever does.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.db import connection, transaction

OPEN = {
    "postgresql": "SET LOCAL chronos.audit_open = 'on'",
    "mysql": "SET @chronos_audit_open = 1",
    "sqlite": "SELECT chronos_audit_open(1)",
}
SHUT = {
    "postgresql": "SET LOCAL chronos.audit_open = 'off'",
    "mysql": "SET @chronos_audit_open = NULL",
    "sqlite": "SELECT chronos_audit_open(0)",
}


@contextmanager
def opened() -> Iterator[None]:
    """Let rows of the trail be deleted, inside one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN[connection.vendor])
        try:
            yield
        finally:
            _shut()


def _shut() -> None:
    # A connection that is lost takes the open gate along. After an error of its own PostgreSQL takes no more
    # statements, and its setting ends with the transaction.
    if connection.connection is None or not connection.is_usable():
        return
    # By the driver: Django takes no statement once the transaction is to be rolled back, and what SQLite and
    # MariaDB keep outlives that.
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(SHUT[connection.vendor])
