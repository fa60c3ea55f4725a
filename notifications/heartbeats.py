"""Signs of life for an outside monitor, which notices when they stop."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Timer
from typing import Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from chronos_site import sealing
from chronos_site.locks import locked
from chronos_site.schema import PartialIndex, cascade
from chronos_site.sealed import Token
from jobs.executors import guard
from jobs.executors.base import ExecutionError
from jobs.executors.calling import calls
from jobs.models import Job

SCHEDULER = "SCHEDULER"
EVERY = timedelta(minutes=1)
LEASE = timedelta(seconds=60)
TIMEOUT_SECONDS = 10
AT_ONCE = 8
ERROR_LIMIT = 255


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def due(self, at: datetime) -> Self:
        """Those whose call is due and that nobody makes."""
        free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=at)
        return self.filter(free, due_at__lte=at).order_by("due_at")


class Heartbeat(models.Model):
    """A URL that is called when a job has succeeded or, as `SCHEDULER`, each minute while schedulers tick.

    `token` is the encrypted URL: whoever knows it could pretend that all is well. `host` is what people see.
    A call that fails is not made again: the monitor expects the next one.
    """

    key = models.CharField(max_length=26, primary_key=True)
    job = models.OneToOneField(Job, on_delete=cascade, null=True, related_name="heartbeat")
    token = Token(blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)
    last_error_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=255, blank=True, default="")

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        db_table = "heartbeats"
        indexes = [
            PartialIndex(
                fields=["due_at"],
                condition=Q(due_at__isnull=False),
                fallback=["due_at"],
                name="idx_heartbeats_due",
            ),
        ]

    def __str__(self) -> str:
        return f"Heartbeat of {self.key}"

    def hide(self, url: str) -> None:
        """Take the URL, encrypted. Raises sealing.NoKey."""
        self.token = sealing.sealed(url)

    @property
    def url(self) -> str:
        """Where to call; empty where the key is gone that it was encrypted with."""
        if self.key == SCHEDULER:
            return settings.HEARTBEAT_URL
        return sealing.opened(self.token) or ""


def host_of(url: str) -> str:
    """What people see of the URL: who can call the rest could pretend that all is well."""
    return (urlsplit(url).hostname or "")[:255]


# When they are due


def succeeded(job_ids: Iterable[str], at: datetime) -> None:
    """Have the heartbeats of these jobs called; those that wait already stand for this success too."""
    due = Heartbeat.objects.filter(job__in=list(job_ids), due_at=None).order_by("pk")
    # By their keys alone, in one order: two that settle at once must not wait for each other.
    ids = list(locked(due).values_list("pk", flat=True))
    if ids:
        Heartbeat.objects.filter(pk__in=ids).update(due_at=at)


def ticked(at: datetime) -> None:
    """The scheduler ticks: its own heartbeat is due once a minute."""
    if not settings.HEARTBEAT_URL:
        return
    told = {"host": host_of(settings.HEARTBEAT_URL)}
    own, _ = Heartbeat.objects.get_or_create(key=SCHEDULER, defaults=told)
    last = max(filter(None, (own.last_sent_at, own.last_error_at)), default=None)
    if own.due_at is None and (last is None or last <= at - EVERY):
        Heartbeat.objects.filter(pk=SCHEDULER, due_at=None).update(due_at=at, **told)


# Calling


@transaction.atomic
def claim(at: datetime) -> list[Heartbeat]:
    """Take the heartbeats that are due; they are ours until their lease ends."""
    if not Heartbeat.objects.due(at).exists():
        return []
    taken = list(locked(Heartbeat.objects.due(at), skip=True)[:AT_ONCE])
    Heartbeat.objects.filter(pk__in=[each.pk for each in taken]).update(lease_expires_at=at + LEASE)
    return taken


def call(heartbeat: Heartbeat) -> str:
    """Call it once; gives what went wrong, for a person, without the URL."""
    url = heartbeat.url
    if not url:
        return "Its address cannot be read any more: enter it again."
    try:
        trusted = heartbeat.key == SCHEDULER
        with calls.session(url, trusted=trusted) as (session, shut_down), _at_most(shut_down):
            answer = session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True)
            return "" if answer.ok else f"{heartbeat.host} answered {answer.status_code}."
    except guard.Forbidden:
        return f"{heartbeat.host} may not be called from here."
    except ExecutionError as error:
        return f"{heartbeat.host}: {error.error_class}"
    except Exception as error:  # whatever the peer does: the monitor is told by our silence
        return f"{heartbeat.host} cannot be reached: {type(error).__name__}."


@contextmanager
def _at_most(shut_down: Callable[[], None]) -> Iterator[None]:
    # A peer that sends a byte now and then never lets a socket's own timeout come.
    alarm = Timer(TIMEOUT_SECONDS, shut_down)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()


def settle(heartbeat: Heartbeat, problem: str, *, at: datetime) -> None:
    """Write down how the call went."""
    told = {"last_error_at": at, "last_error": problem[:ERROR_LIMIT]} if problem else {"last_sent_at": at}
    Heartbeat.objects.filter(pk=heartbeat.pk).update(due_at=None, lease_expires_at=None, **told)
