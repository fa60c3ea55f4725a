"""The checker tells the engine from one that lacks a safeguard, by what happens and nothing else."""

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import django_rq
import pytest
from django.conf import settings
from django.db import connections, transaction
from redis import Redis
from rq.serializers import JSONSerializer

from chronos_site.clock import database_now
from jobs.models import JobSchedule
from runs import drain
from runs.actions import run_now
from runs.drain import Drainer
from runs.fire import fire
from runs.models import Run
from runs.rescue import rescue
from runs.ring import Bell
from runs.worker import Worker
from tests import factories
from tests.factories import NOON
from tests.faults import mutants
from tests.faults.checker import Plan, crons, intervals
from tests.faults.histories import History
from tests.faults.installation import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.databases("sqlite3", "postgresql"),
    pytest.mark.usefixtures("valkey"),
]

# For ticks of another day: these histories are about which there are, not about how late they begin.
ANY_TIME = float("inf")


@pytest.fixture
def history(effects, settings, monkeypatch):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(drain, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.02)
    return History(effects)


def calling(history, method="GET", **over):
    payload = {"http_method": method, "http_url": history.effects.url("job")}
    return factories.job(factories.alice(), name="job", type="HTTP", payload=payload, **over)


def work():
    Drainer("healthy", slots=1).run()


def once(act):
    """The same to be called again and again: it acts the first time."""
    left = [act]
    return lambda: left.pop()() if left else None


def asked(history, method="GET"):
    """A run that a person started, and the plan that it is."""
    at = database_now()
    run = run_now(
        calling(history, method, schedule={"schedule_type": "ONCE", "run_at": NOON}), by=None, at=at
    )
    return Plan("job", (run.scheduled_time.timestamp(),), patience=60, longest=0.01)


def a_plan_is_put_back_to_a_tick_that_has_fired(history):
    job = calling(history, schedule={"schedule_type": "INTERVAL", "interval_seconds": 60})
    tick = JobSchedule.objects.get(job=job).next_fire_at
    for _ in range(2):
        JobSchedule.objects.filter(job=job).update(next_fire_at=tick)
        fire(tick)
        work()
    return Plan("job", intervals(NOON.timestamp(), 60, tick.timestamp()), ANY_TIME)


def expire():
    Run.objects.running().update(lease_expires_at=database_now() - timedelta(seconds=1))


def a_worker_is_given_up_and_comes_back(history):
    plan = asked(history, "POST")

    def give_up():
        expire()
        rescue()
        history.look()
        connections.close_all()

    history.effects.then["job"] = once(give_up)
    work()
    return plan


def a_second_worker_comes_while_one_is_at_work(history):
    plan = asked(history)

    def come():
        work()
        connections.close_all()

    history.effects.then["job"] = once(come)
    work()
    return plan


def a_worker_dies_at_work(history):
    plan = asked(history)
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    history.effects.then["job"] = once(lambda: os.kill(pid, signal.SIGKILL))
    os.waitpid(pid, 0)
    until(lambda: history.effects.calls, "the call is noted")
    expire()
    rescue()
    work()
    return replace(plan, repeatable=True)


def a_scheduler_is_always_a_little_late(history):
    job = calling(history, schedule={"schedule_type": "INTERVAL", "interval_seconds": 60})
    for _ in range(4):
        fire(JobSchedule.objects.get(job=job).next_fire_at + timedelta(seconds=7))
        work()
    return Plan("job", intervals(NOON.timestamp(), 60, NOON.timestamp() + 240), ANY_TIME)


def a_clock_is_put_back_in_autumn(history):
    zone, begin = "Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC)
    schedule = {"schedule_type": "CRON", "cron_expression": "0 30 2 * * ?", "timezone": zone}
    calling(history, at=begin, schedule=schedule)
    for half_hour in range(24):
        fire(begin + timedelta(minutes=30 * half_hour))
        work()
    return Plan(
        "job", crons("30 2 * * *", zone, begin.timestamp(), begin.timestamp() + 11.5 * 3600), ANY_TIME
    )


def a_worker_is_quick_and_nobody_rings_again(history):
    heard = Event()

    def listen():
        with Redis.from_url(settings.REDIS_URL) as client:
            client.blpop("rq:queue:medium", 10)
        work()
        heard.set()
        connections.close_all()

    worker = Thread(target=listen)
    worker.start()
    with transaction.atomic():
        plan = asked(history)
        heard.wait(1)
    worker.join()
    return plan


def a_process_fails_after_its_work_was_done(history):
    plan = asked(history)
    work()
    history.look()
    worker = django_rq.get_worker("medium", worker_class=Worker, job_class=Bell, serializer=JSONSerializer)
    queue = django_rq.get_queue("medium")
    bell = Bell.create("runs.drain.drain", args=["one too many"], connection=queue.connection, timeout=60)
    bell.serializer = JSONSerializer
    worker.perform_job(bell, queue, worker.prepare_execution(bell))
    return plan


# A bell that SQLite's only writer rings too soon is heard by one who has to wait for it anyway.
NOT_ON_SQLITE = pytest.mark.databases("postgresql")

CASES = {
    mutants.no_unique_index: (a_plan_is_put_back_to_a_tick_that_has_fired, "double-fired"),
    mutants.no_fence_in_settle: (a_worker_is_given_up_and_comes_back, "two outcomes"),
    mutants.no_status_in_claim: (a_second_worker_comes_while_one_is_at_work, "executed twice"),
    mutants.no_rescue: (a_worker_dies_at_work, "no outcome"),
    mutants.interval_without_anchor: (a_scheduler_is_always_a_little_late, "phantom"),
    mutants.fold_fired_twice: (a_clock_is_put_back_in_autumn, "phantom"),
    mutants.bell_before_commit: (a_worker_is_quick_and_nobody_rings_again, "missed"),
    mutants.callback_that_writes_an_outcome: (a_process_fails_after_its_work_was_done, "two outcomes"),
}


def judged(history, mutant, scenario):
    """The verdict once it is time for one."""
    with mutant():
        plan = scenario(history)
        # Nobody is at work any more: what has not come by now will not come while one waits either.
        later = 0 if plan.patience == ANY_TIME else plan.patience
        return history.verdict([plan], later=later)


def marks(scenario):
    return NOT_ON_SQLITE if scenario is a_worker_is_quick_and_nobody_rings_again else ()


@pytest.mark.parametrize(
    ("mutant", "scenario", "kind"),
    [pytest.param(mutant, *told, marks=marks(told[0]), id=mutant.__name__) for mutant, told in CASES.items()],
)
def test_a_mutant_is_caught(history, mutant, scenario, kind):
    assert kind in judged(history, mutant, scenario).kinds


@pytest.mark.parametrize(
    "scenario", [pytest.param(each, marks=marks(each), id=each.__name__) for each, _ in CASES.values()]
)
def test_the_engine_as_it_is_is_not(history, scenario):
    assert str(judged(history, mutants.none, scenario)) == "valid"
