"""The heartbeats of schedulers and workers."""

import os
import socket

from django.db.models.functions import Now

from runs.models import Process


def worker_name() -> str:
    """This worker's name: RQ gives it to the processes it forks."""
    return os.environ.get("RQ_WORKER_ID") or own_name()


def own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def beat(name: str, kind: Process.Kind, *, slots: int = 0) -> None:
    """Say that this process is alive, by the database's clock."""
    alive = {"beat_at": Now(), "stopped_at": None}
    if not Process.objects.filter(pk=name).update(**alive):
        Process.objects.create(name=name, kind=kind, host=socket.gethostname(), pid=os.getpid(), slots=slots)


def farewell(name: str) -> None:
    """Say that this process stopped on purpose."""
    Process.objects.filter(pk=name).update(stopped_at=Now())
