from datetime import timedelta

import pytest

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, JobSchedule, Status
from runs.management.commands.scheduler import Loop
from runs.models import Run
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_a_job_is_resumed_when_its_pause_is_over():
    now = database_now()
    job = factories.job(at=now)
    actions.pause(job, by=None, at=now, until=now)
    Loop("s-1").round()
    job.refresh_from_db()
    assert job.status == Status.SCHEDULED


def test_a_pause_that_somebody_else_has_ended_stops_no_round():
    now = database_now()
    alice = factories.alice()
    done, due = factories.job(alice, at=now), factories.job(alice, at=now - timedelta(seconds=301))
    JobSchedule.objects.filter(job=done).update(paused_until=now)
    Loop("s-1").round()
    assert Run.objects.get().job == due
    assert Job.objects.get(pk=done.pk).status == Status.SCHEDULED
