"""manage.py scheduler: fire due schedules, ring for due runs, rescue lost ones."""

import logging
import signal
import time
from argparse import ArgumentParser
from contextlib import suppress
from datetime import datetime
from threading import Event
from typing import Any

from django.core.checks import Tags
from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connections
from django.db.models import Min

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import JobSchedule, Status
from jobs.moves import IllegalMove
from runs.fire import fire
from runs.models import Process, Run
from runs.processes import beat, farewell, own_name
from runs.rescue import rescue
from runs.ring import QUEUES, ring

logger = logging.getLogger(__name__)

LONGEST_SLEEP = 1.0
RESCUE_SECONDS = 5.0


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
        loop = Loop(own_name())
        while not stop.wait(loop.round()) and not once:
            close_old_connections()
        loop.leave()


class Loop:
    """The scheduler's rounds; one that fails is logged and the next one tries again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._rescue_at = 0.0

    def round(self) -> float:
        """Do what is due; gives the seconds until the next round."""
        try:
            beat(self.name, Process.Kind.SCHEDULER)
            now = database_now()
            _resume(now)
            _catch_up(now)
            ring(_due_ranks(now))
            self._rescue()
            return _sleep(now)
        except Exception:  # the loop must outlive whatever one round meets
            logger.exception("a round failed; trying again in %s s", LONGEST_SLEEP)
            connections.close_all()
            return LONGEST_SLEEP

    def leave(self) -> None:
        farewell(self.name)

    def _rescue(self) -> None:
        if time.monotonic() >= self._rescue_at:
            self._rescue_at = time.monotonic() + RESCUE_SECONDS
            rescue()


def _catch_up(at: datetime) -> None:
    """Fire what is due, though after a long outage only so much of it that the round has an end."""
    until = time.monotonic() + LONGEST_SLEEP
    while fire(at) and time.monotonic() < until:
        pass


def _resume(at: datetime) -> None:
    """Resume the jobs that were paused until now."""
    over = JobSchedule.objects.filter(paused_until__lte=at, job__status=Status.PAUSED)
    for schedule in over.select_related("job"):
        # Another scheduler, or a person, may have been first.
        with suppress(IllegalMove, ObjectDoesNotExist):
            actions.resume(schedule.job, by=None, at=at)


def _due_ranks(at: datetime) -> list[int]:
    due = Run.objects.pending().filter(available_at__lte=at)
    return [rank for rank in QUEUES if due.filter(priority=rank).exists()]


def _sleep(now: datetime) -> float:
    """Until the next due instant, but never longer than a second."""
    tick = JobSchedule.objects.filter(next_fire_at__isnull=False).aggregate(first=Min("next_fire_at"))[
        "first"
    ]
    wait = (tick - now).total_seconds() if tick else LONGEST_SLEEP
    return min(max(wait, 0.0), LONGEST_SLEEP)
