"""Two transactions at once, on databases that let both in."""

import threading
import time

from django.db import connection, transaction

WAITING = {
    "postgresql": """
        SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
    """,
    "mysql": """
        SELECT COUNT(*) FROM information_schema.innodb_lock_waits
        JOIN information_schema.innodb_trx ON trx_id = blocking_trx_id
        WHERE trx_mysql_thread_id = CONNECTION_ID()
    """,
}
LONGEST_WAIT = 3
# MariaDB's list of transactions is a copy, and stays as it is while it is read more often than this.
GLANCE = {"postgresql": 0.01, "mysql": 0.15}


def meeting(change, act, *, then=lambda: None):
    """Make the change in a transaction that commits once `act` waits for it; gives what `act` gives.

    `then` is what the transaction does last, while `act` waits.
    An `act` that does not wait, and so does not see the change, has its way before the commit.
    """
    made, failures = threading.Event(), []
    done = threading.Event()

    def work():
        try:
            with transaction.atomic():
                change()
                made.set()
                give_up_at = time.monotonic() + LONGEST_WAIT
                while not done.is_set() and not somebody_waits() and time.monotonic() < give_up_at:
                    done.wait(GLANCE[connection.vendor])
                then()
        except Exception as error:
            failures.append(error)
        finally:
            made.set()
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert made.wait(10)
    try:
        return act()
    finally:
        done.set()
        thread.join()
        assert not failures


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(WAITING[connection.vendor])
        return cursor.fetchone()[0] > 0
