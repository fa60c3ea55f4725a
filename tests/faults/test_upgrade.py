"""Processes of the version before work on the tables of the next one."""

import pytest
from django.db import connection

from runs.models import Outcome, Run
from tests import factories
from tests.faults import load
from tests.faults.installation import until

pytestmark = pytest.mark.databases("sqlite3", "postgresql")

TABLES = ("jobs", "job_schedules", "job_runs", "processes")


@pytest.fixture
def newer_tables(transactional_db):
    """What a later migration may add to the tables that the engine writes."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN of_later varchar(9) NOT NULL DEFAULT 'new'")
        yield
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DROP COLUMN of_later")


def test_a_scheduler_and_a_worker_go_on(chronos, effects, newer_tables):
    effects.released.set()
    load.call(factories.alice(), "once", effects.url("held/once"))
    chronos.scheduler()
    chronos.worker()
    until(lambda: Run.objects.filter(outcome=Outcome.SUCCESS).exists(), "the run")
    chronos.close()
