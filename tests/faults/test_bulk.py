"""A worker that is killed in the midst of a bulk operation: another goes on, and each job is done once."""

import os
import signal
from contextlib import suppress

import pytest
from django.db.models import Count

from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs.models import Job, JobTag, JobVersion
from runs import bulk
from runs.bulk import AT_ONCE, LEASE
from runs.bulk_actions import ACTIONS
from tests import factories
from tests.faults.installation import until

pytestmark = pytest.mark.databases("sqlite3", "postgresql")

JOBS = AT_ONCE + 50


@pytest.fixture
def operation(chronos):
    """A tag for more jobs than the request that asks carries out itself; each is an edit of its own."""
    alice = factories.alice()
    for number in range(JOBS):
        factories.job(alice, name=f"job-{number}", arm=False)
    return bulk.start(
        ACTIONS["ADD_TAG"],
        Job.objects.visible_to(alice),
        by=alice,
        parameters={"tags": ["night"]},
        expected=JOBS,
        at=database_now(),
    )


def done(operation):
    operation.refresh_from_db()
    return operation.done


def ended(operation):
    operation.refresh_from_db()
    return operation.ended_at


def kill(worker):
    """Both processes of it, as a machine that goes down does."""
    horse = worker.horse
    worker.send(signal.SIGKILL)
    # It may have noticed that its parent is gone.
    with suppress(ProcessLookupError):
        os.kill(horse, signal.SIGKILL)


def test_what_a_killed_worker_leaves_of_a_bulk_operation_another_does_and_nothing_twice(chronos, operation):
    chronos.scheduler()
    worker = chronos.worker()
    until(lambda: done(operation), "some are done")
    kill(worker)
    assert 0 < done(operation) < JOBS
    chronos.worker()
    until(lambda: ended(operation), "all are done", LEASE.total_seconds() + 45)
    versions = JobVersion.objects.values("job").annotate(count=Count("pk"))
    assert (operation.done, operation.refused) == (JOBS, 0)
    assert set(versions.values_list("count", flat=True)) == {2}
    assert JobTag.objects.filter(name="night").count() == JOBS
    assert AuditEvent.objects.filter(action="JOB_UPDATED").count() == JOBS
