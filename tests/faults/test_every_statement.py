"""SIGKILL between any two statements: whoever comes next makes it whole."""

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, JobSchedule, Misfire, Overlap, Status
from runs import drain
from runs.drain import Drainer
from runs.management.commands import scheduler
from runs.models import DeadLetter, Run, Trigger
from runs.rescue import rescue
from tests import factories
from tests.factories import NOON
from tests.faults import books
from tests.faults.dying import dies

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.databases("sqlite3", "postgresql"),
    pytest.mark.usefixtures("valkey"),
]

AT = NOON + timedelta(seconds=30)
EARLIER = NOON - timedelta(minutes=25)
AGAIN = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 0}
CRON = {"schedule_type": "CRON", "cron_expression": "0 */10 * * * ?"}
INTERVAL = {"schedule_type": "INTERVAL", "interval_seconds": 600}
ONCE = {"schedule_type": "ONCE", "run_at": NOON - timedelta(minutes=10)}
STATE = ["next_fire_at", "held_fire_at", "anchor_at", "paused_until", "resumed_at"]


def planned(owner):
    """Jobs of every kind, on time and late, under every misfire and overlap policy, and one to be resumed."""
    for kind in (CRON, INTERVAL, ONCE):
        name = kind["schedule_type"]
        on_time = {**kind, "run_at": NOON} if kind == ONCE else kind
        factories.job(owner, name=f"{name} on time", at=NOON - timedelta(seconds=600), schedule=on_time)
        for misfire in Misfire:
            late = {**kind, "misfire_policy": misfire}
            factories.job(owner, name=f"{name} {misfire}", at=EARLIER, schedule=late)
    for overlap in Overlap:
        busy = factories.job(
            owner, name=overlap, at=EARLIER, schedule={**INTERVAL, "overlap_policy": overlap}
        )
        factories.run(busy, "RUNNING", at=EARLIER)
        Job.objects.filter(pk=busy.pk).update(status=Status.RUNNING)
    paused = factories.job(owner, name="paused", at=EARLIER, schedule=INTERVAL)
    actions.pause(paused, by=None, at=EARLIER, until=NOON)


def rows():
    """What the database holds of it, without what differs from one time to the next."""
    fields = ("job__name", "scheduled_time", "attempt", "available_at", "outcome", "skip_reason")
    runs = Run.objects.values_list(*fields, "skipped_count", "cancel_requested_at", "end_time")
    plans = JobSchedule.objects.values_list("job__name", "job__status", *STATE)
    return Counter(runs), Counter(plans)


@pytest.fixture
def restore():
    """A function that puts jobs, schedules and runs back to what they were when it was first called."""
    kept = []

    def put_back():
        if not kept:
            kept.extend([list(Job.objects.all()), list(JobSchedule.objects.all()), list(Run.objects.all())])
        jobs, schedules, runs = kept
        DeadLetter.objects.all().delete()
        Run.objects.all().delete()
        Job.objects.bulk_update(jobs, ["status"])
        JobSchedule.objects.bulk_update(schedules, STATE)
        Run.objects.bulk_create(runs)

    return put_back


def test_a_scheduler_that_dies_anywhere_in_a_round_leaves_the_same_rows(restore, monkeypatch):
    monkeypatch.setattr(scheduler, "database_now", lambda: AT)
    planned(factories.alice())
    restore()
    scheduler.Loop("healthy").round()
    expected = rows()
    for step in count(1):
        restore()
        died = dies(lambda: scheduler.Loop("dying").round(), step)
        # More than once where the server has not noticed yet that a client is gone, and keeps its locks.
        while JobSchedule.objects.due(AT).exists():
            scheduler.Loop("healthy").round()
        assert rows() == expected, f"killed before statement {step}"
        if not died:
            break
    assert books.is_whole()
    assert step > 20


def claimable(owner, effects):
    """One due run of each kind that ends in another way."""
    again = {**AGAIN, "max_attempts": 3}
    for name, method in (("get", "GET"), ("post", "POST")):
        payload = {"http_method": method, "http_url": effects.url(name)}
        factories.job(owner, name=name, type="HTTP", payload=payload, retry=again)
    bad = {"metadata": {"simulateFailure": True}}
    factories.job(owner, name="fails", payload=bad)
    factories.job(owner, name="fails twice", payload=bad, retry=AGAIN)
    now = database_now() - timedelta(seconds=1)
    for job in Job.objects.all():
        Run.objects.create(job=job, scheduled_time=now, available_at=now, trigger=Trigger.MANUAL)


def finish():
    """What healthy processes do once the leases of a dead one have run out."""
    while Run.objects.active().exists():
        Run.objects.running().update(lease_expires_at=database_now() - timedelta(seconds=1))
        rescue()
        Drainer("healthy", slots=4).run()


def outcomes(name):
    runs = Run.objects.filter(job__name=name).order_by("attempt")
    return list(runs.values_list("outcome", "error_class"))


def check_ends(effects):
    assert books.letters() == books.given_up()
    assert books.is_whole()
    assert effects.seen["POST", "post"] <= 1
    assert outcomes("get")[-1] == ("SUCCESS", None)
    assert outcomes("post") in ([("SUCCESS", None)], [("FAILURE", "WORKER_LOST")])
    assert outcomes("post") != [("SUCCESS", None)] or effects.seen["POST", "post"] == 1
    assert set(Job.objects.values_list("status", flat=True)) == {Status.SCHEDULED}


def test_a_worker_that_dies_anywhere_loses_nothing_and_repeats_only_what_is_safe(
    restore, effects, monkeypatch, settings
):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(drain, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.02)
    claimable(factories.alice(), effects)
    for step in count(1):
        restore()
        effects.seen.clear()
        died = dies(lambda: Drainer("dying", slots=4).run(), step)
        finish()
        check_ends(effects)
        if not died:
            break
    assert step > 20


def test_a_scheduler_that_dies_anywhere_in_a_rescue_leaves_the_same_rows(restore, effects):
    claimable(factories.alice(), effects)
    past = database_now() - timedelta(minutes=1)
    Run.objects.update(start_time=past, lease_expires_at=past, worker_id="gone", claim_token="t")
    for step in count(1):
        restore()
        died = dies(rescue, step)
        while Run.objects.running().exists():
            rescue()
        lost = [(job, 1, "WORKER_LOST") for job in ("fails", "fails twice", "get", "post")]
        again = [(job, 2, None) for job in ("fails", "fails twice", "get")]
        ended = Run.objects.values_list("job__name", "attempt", "error_class")
        assert sorted(ended) == sorted(lost + again)
        assert DeadLetter.objects.get().job.name == "post"
        if not died:
            break
    assert step > 10
