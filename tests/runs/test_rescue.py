from datetime import timedelta

import pytest

from chronos_site.clock import database_now
from runs.claim import claim
from runs.models import DeadLetter, Outcome, Run
from runs.rescue import rescue
from runs.settle import APART, Ended, settle
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

AGAIN = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 1}


def lost(job, second=1):
    now = database_now() - timedelta(seconds=second)
    Run.objects.create(job=job, scheduled_time=now, available_at=now)
    (claimed,) = claim("w-1", 1, {})
    Run.objects.filter(pk=claimed.run.pk).update(lease_expires_at=now)
    return claimed.run


def test_a_run_whose_lease_ran_out_is_tried_again_where_that_is_safe():
    run = lost(factories.job(retry=AGAIN))
    assert rescue() == 1
    run.refresh_from_db()
    assert (run.outcome, run.error_class) == ("FAILURE", "WORKER_LOST")
    assert Run.objects.filter(attempt=2).exists()


def test_a_lost_attempt_is_none_of_those_that_the_policy_allows():
    lost(factories.job())
    rescue()
    again = Run.objects.get(attempt=2)
    assert again.available_at <= database_now()
    (claimed,) = claim("w-2", 1, {})
    settle([Ended(claimed.run, Outcome.FAILURE, database_now(), "DUMMY_ERROR", "no")])
    assert DeadLetter.objects.get().run == again


def test_a_run_that_ends_its_worker_again_and_again_becomes_a_dead_letter():
    lost(factories.job(retry={**AGAIN, "max_attempts": 10}))
    for worker in ("w-2", "w-3"):
        rescue()
        claim(worker, 1, {})
        Run.objects.running().update(lease_expires_at=database_now() - timedelta(seconds=1))
    rescue()
    assert DeadLetter.objects.get().run.attempt == 3
    assert not Run.objects.active().exists()


def test_runs_lost_together_twice_start_apart_so_that_the_one_at_fault_is_lost_alone():
    alice = factories.alice()
    for number in range(3):
        lost(factories.job(alice), second=number)
    for _ in range(2):
        Run.objects.running().update(lease_expires_at=database_now() - timedelta(seconds=1))
        rescue()
        claim("w-1", 3, {})
    starts = sorted(Run.objects.filter(attempt=3).values_list("available_at", flat=True))
    assert [start - starts[0] for start in starts] == [APART * place for place in range(3)]


def test_a_run_that_is_not_safe_to_repeat_becomes_a_dead_letter():
    run = lost(factories.job(retry=AGAIN, safe_to_repeat=False))
    rescue()
    assert DeadLetter.objects.get().run == run
    assert not Run.objects.filter(attempt=2).exists()


def test_a_run_within_its_lease_is_left_alone():
    run = lost(factories.job())
    Run.objects.update(lease_expires_at=database_now() + timedelta(minutes=1))
    assert rescue() == 0
    run.refresh_from_db()
    assert run.outcome is None


def test_a_version_that_is_gone_does_not_keep_the_others_from_rescue():
    alice = factories.alice()
    broken, sound = factories.job(alice, retry=AGAIN), factories.job(alice, retry=AGAIN)
    runs = [lost(broken), lost(sound)]
    broken.versions.all().delete()
    assert rescue() == len(runs)
    assert Run.objects.get(attempt=2).job == sound
    assert DeadLetter.objects.get().job == broken


def test_a_run_that_cannot_be_settled_does_not_keep_the_others_from_rescue():
    alice = factories.alice()
    stuck, free = lost(factories.job(alice, retry=AGAIN)), lost(factories.job(alice, retry=AGAIN))
    Run.objects.create(job=stuck.job, scheduled_time=stuck.scheduled_time, attempt=2)
    assert rescue() == 1
    free.refresh_from_db()
    assert free.error_class == "WORKER_LOST"
