"""The heartbeats of schedulers and workers."""

import os
import secrets
import socket
from datetime import datetime
from functools import cache

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site import __version__
from runs import stops
from runs.models import Process


class StillAlive(Exception):
    """Only what is silent can be forgotten; `str()` is the sentence for the person."""

    def __init__(self, process: Process) -> None:
        super().__init__(f"{process.name} is alive: stop it, or drain it.")


def worker_name() -> str:
    """This worker's name: RQ gives it to the processes it forks."""
    return os.environ.get("RQ_WORKER_ID") or own_name()


@cache
def own_name() -> str:
    """The name of this process, told apart from one that had the same id.

    RQ refuses a name that was not signed off, and a container's processes have the same ids after each start.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"


def beat(name: str, kind: Process.Kind, *, slots: int = 0, idle: bool = False) -> None:
    """Say that this process is alive, by the database's clock, and, when idle, that it works on nothing."""
    alive = {"beat_at": Now(), "stopped_at": None, **({"busy": 0} if idle else {})}
    if not Process.objects.filter(pk=name).update(**alive):
        Process.objects.create(
            name=name,
            kind=kind,
            host=socket.gethostname(),
            pid=os.getpid(),
            slots=slots,
            version=__version__,
        )


def tell_busy(name: str, runs: int) -> None:
    """Say how many runs this worker works on."""
    Process.objects.filter(pk=name).update(busy=runs)


@transaction.atomic
def forget(process: Process, *, by: User | None, at: datetime) -> None:
    """Show this silent process no more; it comes back if it beats again. Raises StillAlive."""
    if Process.objects.alive(at).filter(pk=process.pk).exists():
        raise StillAlive(process)
    record(by, "PROCESS_FORGOTTEN", process, details={"beat_at": process.beat_at.isoformat()})
    stops.forget_worker(process.name)
    Process.objects.filter(pk=process.pk).delete()


def farewell(name: str) -> None:
    """Say that this process stopped on purpose."""
    Process.objects.filter(pk=name).update(stopped_at=Now(), busy=0)
    stops.forget_worker(name)
