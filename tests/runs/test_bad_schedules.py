"""What cannot be fired is disarmed, marked and told of, and stops no other."""

import logging
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection

from audit.models import AuditEvent
from jobs import actions
from jobs.models import JobSchedule, Status
from runs.fire import disarm, fire
from runs.models import Run
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TICK = NOON + timedelta(minutes=5)
CRON = {"schedule_type": "CRON", "cron_expression": "*/5 * * * *"}
# What the database's driver cannot even read.
UNREADABLE = {
    "sqlite": ["next_fire_at = 12345", "interval_seconds = 'many'"],
    "postgresql": ["anchor_at = 'infinity'", "next_fire_at = '-infinity'"],
    "mysql": [],
}
RUBBISH = [
    "schedule_type = 'CRON', cron_expression = '61 * * * *'",
    "schedule_type = 'CRON', cron_expression = ''",
    "schedule_type = 'CRON', cron_expression = 'H H * * *'",
    "schedule_type = 'CRON', cron_expression = '*/5 * * * *', timezone = 'Mars/Olympus'",
    "schedule_type = 'CRON', cron_expression = '*/5 * * * *', timezone = 'europe/berlin'",
    "interval_seconds = 0",
    "interval_seconds = -5",
    "interval_seconds = 9223372036854775807",
    "jitter_seconds = 2147483647",
    "next_fire_at = '1000-01-01 00:00:00'",
]


def plant(job, rubbish):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE job_schedules SET {rubbish} WHERE job_id = %s", [job.pk])


def test_among_all_kinds_of_rubbish_every_good_schedule_fires_in_one_round():
    alice = factories.alice()
    good, bad = [], []
    for rubbish in RUBBISH + UNREADABLE[connection.vendor]:
        bad.append(factories.job(alice))
        plant(bad[-1], rubbish)
        good.append(factories.job(alice))
    assert fire(TICK) == len(good) + len(bad)
    assert set(Run.objects.filter(outcome=None).values_list("job_id", flat=True)) == {job.pk for job in good}
    marked = JobSchedule.objects.filter(next_fire_at=None).exclude(problem="")
    assert set(marked.values_list("job_id", flat=True)) == {job.pk for job in bad}


def test_a_schedule_that_was_mended_or_deleted_in_that_moment_is_left_alone():
    alice = factories.alice()
    mended, gone = factories.job(alice, schedule=CRON), factories.job(alice, schedule=CRON)
    broken = [JobSchedule.objects.due(TICK).filter(job=job) for job in (mended, gone)]
    JobSchedule.objects.filter(job=mended).update(next_fire_at=TICK + timedelta(minutes=5))
    actions.delete(gone, by=None)
    for each in broken:
        disarm(each, ValueError("as it was"))
    schedule = JobSchedule.objects.get(job=mended)
    assert (schedule.problem, schedule.next_fire_at) == ("", TICK + timedelta(minutes=5))
    assert not AuditEvent.objects.filter(action="JOB_DISARMED").exists()


def test_a_schedule_that_cannot_be_kept_is_marked_and_told_of_once(caplog):
    job = factories.job(schedule=CRON)
    plant(job, "cron_expression = '61 * * * *'")
    with caplog.at_level(logging.ERROR):
        assert [fire(TICK), fire(TICK)] == [1, 0]
    job.refresh_from_db()
    assert (job.status, job.schedule.problem) == (Status.PENDING, "Minute: 61 is not between 0 and 59.")
    assert AuditEvent.objects.filter(action="JOB_DISARMED", entity_id=job.pk).count() == 1
    assert len(caplog.records) == 1


def test_a_job_without_its_version_is_not_fired():
    job = factories.job()
    job.versions.all().delete()
    fire(TICK)
    assert "Version 1 of the job is gone" in JobSchedule.objects.get(job=job).problem
    assert not Run.objects.exists()


def test_a_good_schedule_clears_the_mark():
    job = factories.job(schedule=CRON)
    plant(job, "timezone = 'Mars/Olympus'")
    fire(TICK)
    edited = actions.edit(job, factories.definition(schedule=CRON), by=job.owner, at=TICK)
    schedule = JobSchedule.objects.get(job=job)
    assert (edited.status, schedule.problem) == (Status.SCHEDULED, "")


@pytest.mark.parametrize(("misfire", "marked"), [("RESCHEDULE", True), ("IGNORE", False)])
def test_a_missed_single_run_that_waits_for_a_person_says_so(misfire, marked):
    schedule = {"schedule_type": "ONCE", "run_at": TICK, "misfire_policy": misfire}
    job = factories.job(schedule=schedule)
    fire(TICK + timedelta(hours=1))
    assert bool(JobSchedule.objects.get(job=job).problem) is marked


REFUSAL = {
    "sqlite": "CREATE TRIGGER no BEFORE INSERT ON job_runs WHEN NEW.job_id = '{job}'"
    " BEGIN SELECT RAISE(ABORT, 'Not this one'); END",
    "postgresql": "ALTER TABLE job_runs ADD CONSTRAINT no CHECK (job_id <> '{job}')",
}


@pytest.mark.databases("sqlite3", "postgresql")
def test_one_row_that_the_database_refuses_stops_no_other():
    alice = factories.alice()
    bad, good = factories.job(alice), factories.job(alice)
    with connection.cursor() as cursor:
        cursor.execute(REFUSAL[connection.vendor].format(job=bad.pk))
    assert fire(TICK) == 2
    assert Run.objects.get().job_id == good.pk
    assert JobSchedule.objects.get(job=bad).problem.startswith("It cannot be fired")


@pytest.mark.databases("postgresql")
def test_tables_that_are_not_in_order_are_no_schedules_fault():
    job = factories.job()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE job_runs RENAME TO not_there_yet")
    with pytest.raises(ProgrammingError):
        fire(TICK)
    assert JobSchedule.objects.get(job=job).next_fire_at == TICK
