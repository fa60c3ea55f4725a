"""Work of every type whose worker dies, whose time is up or which is cancelled in its midst."""

import os
import signal
import socket
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest
from aiosmtpd.controller import Controller
from redis import Redis

from chronos_site.clock import database_now
from jobs.executors import TYPES
from runs.actions import cancel_run
from runs.models import DeadLetter, Run
from tests import factories
from tests.faults import books, load, long_work
from tests.faults.installation import until
from tests.faults.long_work import LongWork, SlowMailServer
from tests.servers import free_port

# So much work at once keeps the worker itself waiting.
LEASE_SECONDS = 10
# What is promised, and how much later a machine with other work may come to it.
OVERSHOOT, CANCEL, BUSY = timedelta(seconds=2), timedelta(seconds=5), timedelta(seconds=3)
REPEATED = {"HTTP", "REPORT", "DUMMY"}
LOST = ("FAILURE", "WORKER_LOST")
# How mail ends that went out whole, and that we stopped waiting for.
UNKNOWN = ("FAILURE", "DELIVERY_UNKNOWN")
TOPICS = (f"numbers-{number}" for number in count())


@pytest.fixture
def work(effects, tmp_path, redis_url, kafka_servers, settings):
    files = tmp_path / "files"
    files.mkdir()
    # The same as workers are told, for the forms.
    settings.SCRIPT_ENABLED, settings.FILE_ROOTS = True, [files]
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    mail = Controller(SlowMailServer(), hostname="127.0.0.1", port=free_port())
    mail.start()
    with Redis.from_url(redis_url) as redis, socket.create_server(("127.0.0.1", 0), backlog=64) as deaf:
        long = LongWork(effects, files, redis, redis_url, kafka_servers, next(TOPICS), mail, deaf)
        long.prepare()
        yield long
    mail.stop()


@pytest.fixture
def begin(work, chronos):
    """A function that has one worker begin with a run for each request, by name; gives the worker."""

    def all_at_once(requests, retry=load.AGAIN, **columns):
        owner = factories.ada()
        for name, request in requests.items():
            code = request.get("type", name)
            payload = {**long_work.payload(code, request), **columns}
            load.once(owner, name, type=code, payload=payload, retry=retry)
        chronos.told = {**work.told, "CHRONOS_LEASE_SECONDS": str(LEASE_SECONDS)}
        chronos.scheduler()
        return chronos.worker()

    return all_at_once


@pytest.fixture
def worker(work, begin):
    """A worker in the midst of one run of each type."""
    worker = begin(work.requests(), timeout_seconds=600)
    until(lambda: work.at_work() == set(TYPES), "all at work", seconds=90)
    return worker


def ends():
    """How the runs of each job ended, in their order."""
    found = {}
    for run in Run.objects.order_by("attempt").select_related("job"):
        found.setdefault(run.job.name, []).append((run.outcome, run.error_class))
    return found


def started_again():
    """The names of the jobs of second attempts."""
    again = Run.objects.filter(attempt=2, start_time__isnull=False)
    return again.values_list("job__name", flat=True)


def check_world(work, made):
    """Nothing is there by half, and nothing goes on; of the files that jobs make, these are there."""
    with closing(sqlite3.connect(work.files / "copies.db")) as copies:
        assert copies.execute("SELECT COUNT(*) FROM copies").fetchall() == [(0,)]
    given = ("copies.db", "numbers.db", "zeros")
    assert {each.name for each in work.files.iterdir() if not each.name.startswith(given)} == made
    moved = Counter(work.moved())
    assert moved.keys() == set(range(long_work.MESSAGES))
    assert moved.total() <= long_work.MESSAGES + long_work.PORTION
    assert work.warmed()["keys"] == work.warmed()["expires"]
    assert len(work.mail.handler.begun) == 1
    until(lambda: not work.script_processes(), "no orphan")
    until(lambda: not any(each.exists() for each in work.script_folders()), "no folder left")


def test_what_a_dead_worker_did_ends_once_and_is_repeated_only_where_that_is_safe(chronos, work, worker):
    os.kill(worker.horse, signal.SIGKILL)
    work.release()
    until(lambda: set(started_again()) == REPEATED, "repeated")
    cancel_run(Run.objects.get(attempt=2, job__name="DUMMY"), by=None, at=database_now())
    books.close(chronos, work.effects)
    again = {code: [("SUCCESS", None)] for code in REPEATED} | {"DUMMY": [("CANCELLED", None)]}
    assert ends() == {code: [LOST, *again.get(code, [])] for code in TYPES}
    assert set(DeadLetter.objects.values_list("job__name", flat=True)) == set(TYPES) - REPEATED
    check_world(work, {"report.csv"})
    assert (work.files / "report.csv").read_text().split() == ["COUNT(*)", "10"]


def test_a_stop_leaves_no_work_of_any_type_behind(work, worker):
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    assert {code: found[0] for code, found in ends().items()} == dict.fromkeys(TYPES, LOST)
    check_world(work, set())


@pytest.mark.parametrize("kind", ["at work", "unanswered"])
def test_a_time_limit_overshoots_by_two_seconds_at_the_most_whatever_the_type(work, begin, kind):
    requests = work.requests() if kind == "at work" else work.unanswered()
    begin(requests, retry={"max_attempts": 1}, timeout_seconds=1)
    until(books.are_closed, "all done")
    unknown = {"EMAIL": [UNKNOWN]} if kind == "at work" else {}
    assert ends() == {name: [("TIMEOUT", "TIMEOUT")] for name in requests} | unknown
    most = (timedelta(seconds=1) + OVERSHOOT + BUSY) / timedelta(milliseconds=1)
    assert list(Run.objects.filter(duration_ms__gt=most).values_list("job__name", "duration_ms")) == []


def test_a_cancel_reaches_every_type_within_five_seconds(work, worker):
    asked_at = database_now()
    for run in Run.objects.running():
        cancel_run(run, by=None, at=asked_at)
    until(lambda: not Run.objects.active().exists(), "ended")
    assert ends() == {code: [("CANCELLED", None)] for code in TYPES} | {"EMAIL": [UNKNOWN]}
    late = Run.objects.filter(end_time__gt=asked_at + CANCEL + BUSY)
    assert list(late.values_list("job__name", flat=True)) == []
