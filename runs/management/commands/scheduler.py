"""manage.py scheduler: fire due schedules, ring for due runs, rescue lost ones."""

import gc
import logging
import signal
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connections
from django.db.models import Exists, Min

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import JobSchedule, Priority, Status
from runs.carrying import something_waits
from runs.fire import OF_THE_DATABASE, disarm, fire
from runs.housekeeping import House
from runs.models import Process, Run
from runs.processes import beat, farewell, own_name
from runs.rescue import rescue
from runs.ring import QUEUES, ring
from runs.stops import Stop, closed_ranks

logger = logging.getLogger(__name__)

LONGEST_SLEEP = 1.0
RESCUE_SECONDS = 5.0
# Jobs that are resumed in one transaction.
BATCH = 100


class Command(BaseCommand):
    help = "Fire due schedules. Run as many as you like, on as many machines."
    # The engine signs nothing: on a machine of its own it needs no SECRET_KEY.
    requires_system_checks = [Tags.security]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round, then stop.")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        stop = Event()
        if not once:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        # What is there now stays for good: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        loop = Loop(own_name())
        while not stop.wait(loop.round()) and not once:
            close_old_connections()
        loop.leave()


class Loop:
    """The scheduler's rounds: each duty on its own, so that one that fails costs no other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._rescue_at = 0.0
        self._house = House(name)
        self._wait = LONGEST_SLEEP

    def round(self) -> float:
        """Do what is due; gives the seconds until the next round."""
        duties = (self._beat, _resume, _fire, _ring, self._rescue, self._keep_house, self._look_ahead)
        done = [_attempt(duty) for duty in duties]
        return self._wait if all(done) else LONGEST_SLEEP

    def leave(self) -> None:
        farewell(self.name)

    def _beat(self) -> None:
        beat(self.name, Process.Kind.SCHEDULER)

    def _rescue(self) -> None:
        if time.monotonic() >= self._rescue_at:
            self._rescue_at = time.monotonic() + RESCUE_SECONDS
            rescue()

    def _keep_house(self) -> None:
        self._house.keep()

    def _look_ahead(self) -> None:
        """Set the time to sleep: until the next due instant, but never longer than a second."""
        now = database_now()
        # What lies further ahead may be anything, and is none of our business yet.
        soon = JobSchedule.objects.filter(next_fire_at__lt=now + timedelta(seconds=LONGEST_SLEEP))
        stopped = Exists(Stop.objects.firing())
        tick = soon.filter(~stopped).aggregate(first=Min("next_fire_at"))["first"]
        self._wait = max((tick - now).total_seconds(), 0.0) if tick else LONGEST_SLEEP


def _attempt(duty: Callable[[], None]) -> bool:
    try:
        duty()
    except Exception:  # the loop must outlive whatever one duty meets
        logger.exception("%s failed; trying again in %s s", duty.__name__.strip("_"), LONGEST_SLEEP)
        connections.close_all()
        return False
    return True


def _resume() -> None:
    """Resume the jobs that were paused until now, many at once: others are due meanwhile."""
    at = database_now()
    over = JobSchedule.objects.filter(paused_until__lte=at, job__status=Status.PAUSED).order_by("pk")
    found = list(over.values_list("job_id", "pk"))
    for batch in (dict(found[start : start + BATCH]) for start in range(0, len(found), BATCH)):
        try:
            actions.resume_over(batch, at=at)
        except OF_THE_DATABASE:
            raise
        except Exception:  # whatever it is, it is one schedule's, and the others are to go on
            logger.warning("jobs could not be resumed together: now one by one", exc_info=True)
            for job_id, schedule_id in batch.items():
                _resume_alone(job_id, schedule_id, at)


def _resume_alone(job_id: str, schedule_id: int, at: datetime) -> None:
    try:
        actions.resume_over([job_id], at=at)
    except OF_THE_DATABASE:
        raise
    except Exception as error:  # one schedule's trouble, which must not come back every second
        disarm(JobSchedule.objects.filter(pk=schedule_id, paused_until__lte=at), error)


def _fire() -> None:
    """Fire what is due, though after a long outage only so much of it that the round has an end."""
    at, until = database_now(), time.monotonic() + LONGEST_SLEEP
    while fire(at) and time.monotonic() < until:
        # The first runs need not wait for the last to be fired.
        _ring()


def _ring() -> None:
    at = database_now()
    due = Run.objects.pending().filter(available_at__lte=at)
    opened = QUEUES.keys() - closed_ranks()
    ranks = {rank for rank in opened if due.filter(priority=rank).exists()}
    if something_waits():
        # A bell wakes a worker, whatever its queue may be stopped for.
        ranks.add(Priority.HIGH.rank)
    ring(sorted(ranks))
