"""The database goes away under load and comes back."""

import signal
import sqlite3
import time

import dj_database_url
import pytest
from django.core.management import call_command
from django.db import connection

from tests import factories, servers
from tests.faults import books, load
from tests.faults.installation import LEASE_SECONDS, until


@pytest.fixture
def own_server(transactional_db):
    """A PostgreSQL server that the test may stop; the test's connection leads to it."""
    kept = dict(connection.settings_dict)
    with servers.prepared_postgresql() as server:
        connection.close()
        connection.settings_dict.update(dj_database_url.parse(server.url) | {"ENGINE": kept["ENGINE"]})
        yield server
        connection.close()
    connection.settings_dict.update(kept)


def under_load(chronos, effects):
    load.load(factories.alice(), effects, seconds=8)
    for start in (chronos.scheduler, chronos.worker, chronos.worker):
        start()
    until(lambda: len(effects.seen) > 10, "under load")


def finish(chronos, effects):
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)


@pytest.mark.databases("postgresql")
def test_a_postgresql_that_is_restarted_under_load_fast_and_as_after_a_crash(own_server, chronos, effects):
    with own_server.running() as server:
        call_command("migrate", verbosity=0)
        under_load(chronos, effects)
        stop(server, signal.SIGINT)
    with own_server.running() as server:
        until(lambda: len(effects.seen) > 40, "under load again")
        stop(server, signal.SIGQUIT)
    with own_server.running() as server:
        finish(chronos, effects)
        stop(server, signal.SIGINT)


def stop(server, how):
    # Asked by SIGTERM, it would wait for everybody's connection to end.
    connection.close()
    server.send_signal(how)
    server.wait()


@pytest.mark.databases("sqlite3")
def test_a_sqlite_file_that_somebody_locks_for_longer_than_a_lease(chronos, effects):
    under_load(chronos, effects)
    connection.close()
    with sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None) as locker:
        locker.execute("BEGIN IMMEDIATE")
        time.sleep(LEASE_SECONDS + 2)
        locker.execute("ROLLBACK")
    locker.close()
    finish(chronos, effects)
