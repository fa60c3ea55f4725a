"""The database goes away under load and comes back."""

import sqlite3
import time

import pytest
from django.db import connection

from tests import factories
from tests.faults import books, load
from tests.faults.installation import LEASE_SECONDS, until
from tests.faults.postgres import AS_AFTER_A_CRASH


def under_load(chronos, effects):
    load.load(factories.alice(), effects, seconds=8)
    for start in (chronos.scheduler, chronos.worker, chronos.worker):
        start()
    until(lambda: len(effects.seen) > 10, "under load")


def finish(chronos, effects):
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)


@pytest.mark.databases("postgresql")
def test_a_postgresql_that_is_restarted_under_load_fast_and_as_after_a_crash(postgres, chronos, effects):
    under_load(chronos, effects)
    postgres.stop()
    postgres.start()
    until(lambda: len(effects.seen) > 40, "under load again")
    postgres.stop(AS_AFTER_A_CRASH)
    postgres.start()
    finish(chronos, effects)


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
