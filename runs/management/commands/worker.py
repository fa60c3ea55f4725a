"""manage.py worker: execute due runs whenever a bell rings."""

import gc
import logging
import time
from typing import Any

import django_rq
from django.core.checks import Tags
from django.core.management.base import BaseCommand
from redis.exceptions import RedisError
from rq import Worker as RQWorker
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from runs.processes import own_name
from runs.ring import QUEUES, Bell
from runs.worker import BEAT_SECONDS, PAUSE_SECONDS, Worker

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Execute due runs. Run as many as you like, on as many machines."
    # The engine signs nothing: on a machine of its own it needs no SECRET_KEY.
    requires_system_checks = [Tags.security]

    def handle(self, *args: Any, **options: Any) -> None:
        worker = _hired()
        worker.log_job_description = False
        # Or it would beat too rarely to count as alive while it waits for the process it forked.
        worker.job_monitoring_interval = BEAT_SECONDS
        _warm_up()
        worker.work(logging_level=logging.getLevelName(logging.WARNING))


def _hired() -> RQWorker:
    """The worker, as soon as Redis is there: one that is started again meanwhile must not give up."""
    queues = [QUEUES[rank] for rank in sorted(QUEUES)]
    while True:
        try:
            return django_rq.get_worker(
                *queues, worker_class=Worker, job_class=Bell, serializer=JSONSerializer, name=own_name()
            )
        except RedisError as error:
            logger.warning("waiting for Redis: %s", error)
            time.sleep(PAUSE_SECONDS)


def _warm_up() -> None:
    """Do once what each process that is forked for a bell would have to do."""
    for name in Bell.ALLOWED:
        import_attribute(name)
    # What is there now stays for good: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
