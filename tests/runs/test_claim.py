from datetime import timedelta

import pytest

from chronos_site.clock import database_now
from jobs.models import Job, JobVersion, Status
from runs.claim import Definitions, claim, renew
from runs.models import Run
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def waiting(job, **fields):
    now = database_now() - timedelta(seconds=1)
    known = {"scheduled_time": now, "available_at": now, "version": 1, **fields}
    return Run.objects.create(job=job, **known)


def test_a_claim_marks_the_run_as_ours_with_a_lease():
    run = waiting(factories.job())
    (claimed,) = claim("w-1", 10, {})
    run.refresh_from_db()
    assert (run.worker_id, run.state) == ("w-1", "RUNNING")
    assert run.claim_token == claimed.run.claim_token
    assert run.lease_expires_at - run.start_time == timedelta(seconds=30)


def test_a_claimed_run_is_not_claimed_again():
    waiting(factories.job())
    assert [len(claim("w-1", 10, {})), len(claim("w-2", 10, {}))] == [1, 0]


def test_a_claim_makes_the_scheduled_job_run():
    job = factories.job()
    waiting(job)
    claim("w-1", 10, {})
    job.refresh_from_db()
    assert job.status == Status.RUNNING


def test_a_claim_leaves_a_paused_job_paused():
    job = factories.job()
    waiting(job)
    Job.objects.update(status=Status.PAUSED)
    claim("w-1", 10, {})
    job.refresh_from_db()
    assert job.status == Status.PAUSED


def test_the_most_urgent_go_first_and_no_more_than_there_are_slots():
    job = factories.job()
    now = database_now() - timedelta(minutes=1)
    for priority in (3, 1, 2):
        waiting(job, priority=priority, scheduled_time=now + timedelta(seconds=priority))
    assert [each.run.priority for each in claim("w-1", 2, {})] == [1, 2]


def test_a_run_of_later_is_left_alone():
    waiting(factories.job(), available_at=database_now() + timedelta(minutes=1))
    assert claim("w-1", 10, {}) == []


def test_a_type_takes_no_more_than_its_room():
    job = factories.job()
    now = database_now() - timedelta(minutes=1)
    for second in range(3):
        waiting(job, scheduled_time=now + timedelta(seconds=second))
    assert len(claim("w-1", 10, {"DUMMY": 2})) == 2
    assert Run.objects.pending().count() == 1


def test_the_last_free_slots_are_for_the_urgent():
    job = factories.job()
    now = database_now() - timedelta(minutes=1)
    for second in range(4):
        waiting(job, priority=3, scheduled_time=now + timedelta(seconds=second))
    assert len(claim("w-1", 4, {}, reserved=2)) == 2
    assert claim("w-1", 2, {}, reserved=2) == []
    urgent = waiting(job, priority=1)
    assert [each.run.pk for each in claim("w-1", 2, {}, reserved=2)] == [urgent.pk]


def test_urgent_runs_take_ordinary_slots_too():
    job = factories.job()
    now = database_now() - timedelta(minutes=1)
    for second in range(3):
        waiting(job, priority=1, scheduled_time=now + timedelta(seconds=second))
    assert len(claim("w-1", 3, {}, reserved=1)) == 3


def test_a_definition_is_read_once_and_kept_while_it_is_small():
    alice = factories.alice()
    small, large = factories.job(alice), factories.job(alice, payload={"metadata": {"note": "x" * 20_000}})
    known = Definitions()
    runs = [waiting(small), waiting(large)]
    known.of(runs)
    JobVersion.objects.all().delete()
    assert list(known.of(runs)) == [(small.pk, 1)]


def test_only_the_definitions_asked_for_last_are_kept(monkeypatch):
    monkeypatch.setattr("runs.claim.KEPT", 1)
    alice = factories.alice()
    runs = [waiting(factories.job(alice)), waiting(factories.job(alice))]
    known = Definitions()
    for run in runs:
        known.of([run])
    JobVersion.objects.all().delete()
    assert list(known.of(runs)) == [(runs[1].job_id, 1)]


def test_a_full_type_does_not_hide_the_others_behind_it():
    alice = factories.alice()
    crowd = factories.job(alice)
    other = factories.job(
        alice, type="HTTP", payload={"http_url": "http://example.com/", "http_method": "GET"}
    )
    now = database_now() - timedelta(minutes=1)
    for second in range(3):
        waiting(crowd, scheduled_time=now + timedelta(seconds=second), available_at=now)
    waiting(other)
    assert [each.run.job_id for each in claim("w-1", 1, {"DUMMY": 0})] == [other.pk]


def test_a_run_executes_the_version_it_was_fired_with():
    job = factories.job(name="first")
    waiting(job)
    job.versions.create(version=2, definition={**factories.definition(), "name": "second"})
    Job.objects.update(version=2)
    (claimed,) = claim("w-1", 10, {})
    assert claimed.definition["name"] == "first"


def test_a_heartbeat_renews_our_leases_and_hears_of_cancel_requests():
    run = waiting(factories.job())
    (claimed,) = claim("w-1", 10, {})
    Run.objects.update(cancel_requested_at=database_now(), lease_expires_at=database_now())
    assert renew([claimed.run.claim_token]) == ({run.pk}, {run.pk})
    run.refresh_from_db()
    assert run.lease_expires_at > database_now() + timedelta(seconds=25)


def test_a_run_that_was_taken_from_us_is_not_renewed():
    waiting(factories.job())
    (claimed,) = claim("w-1", 10, {})
    Run.objects.update(claim_token="01K0000000000000000000THEE")
    assert renew([claimed.run.claim_token]) == (set(), set())


def test_a_run_whose_version_is_gone_ends_and_lets_the_others_pass():
    alice = factories.alice()
    broken, sound = factories.job(alice), factories.job(alice)
    lost, run = waiting(broken), waiting(sound)
    broken.versions.all().delete()
    assert [each.run.pk for each in claim("w-1", 10, {})] == [run.pk]
    lost.refresh_from_db()
    assert (lost.outcome, lost.error_class) == ("FAILURE", "VERSION_GONE")
