"""Things to know about this installation: what is not as it should be, or soon will not be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.urls import reverse

from chronos_site import __version__
from dashboard import wording
from dashboard.crew import Worker
from dashboard.vitals import SLOW_ANSWER_MS, Processes, Scheduler
from jobs.models import Type
from runs.models import Process

# SQLite lets one process write at a time.
MANY_WORKERS = 4
NEARLY_FULL = 0.9
DRIFT = timedelta(seconds=2)
MOST_NAMED = 3


@dataclass(frozen=True)
class Notice:
    """One sentence, its first words to be seen first, and perhaps where to go."""

    lead: str
    rest: str
    address: str = ""
    link: str = ""


def notices(
    processes: Processes,
    workers: Sequence[Worker],
    *,
    broken: int,
    script_jobs: int,
    unheard: str,
    redis_ms: float | None,
    at: datetime,
) -> list[Notice]:
    """The worst first."""
    return [
        *_schedulers(Scheduler(processes)),
        *_workers(workers, processes.at),
        *_stores(processes.answered_ms, redis_ms, len(workers)),
        *_versions(processes.known),
        *_jobs(broken, script_jobs),
        *_alerts(unheard),
        *_clock(processes, at),
    ]


def _schedulers(scheduler: Scheduler) -> Iterator[Notice]:
    if scheduler.ticking:
        return
    silent = f"is silent for {scheduler.silence}" if scheduler.beat_at else "does not run"
    yield Notice(f"The scheduler {silent}.", "Nothing fires until one runs: manage.py scheduler.")


def _workers(workers: Sequence[Worker], now: datetime) -> Iterator[Notice]:
    alive = [each for each in workers if not each.silent]
    for each in [each for each in workers if each.silent][:MOST_NAMED]:
        gone = wording.rough_span(int((now - each.process.beat_at).total_seconds()))
        held = f" Its {len(each.running)} runs go to others when their leases end." if each.running else ""
        yield Notice(f"{each.process.name} is silent", f"for {gone}.{held}")
    if not alive:
        yield Notice("No worker is alive.", "Nothing runs until one does: manage.py worker.")
    elif all(each.drained for each in alive):
        yield Notice("Every worker is drained.", "No queue has a worker that claims: let one work again.")
    slots, busy = sum(each.process.slots for each in alive), sum(each.busy for each in alive)
    if slots and busy >= slots * NEARLY_FULL:
        yield Notice(f"{busy:,} of {slots:,} slots are busy.", "What comes due waits: add workers.")


def _stores(database_ms: float, redis_ms: float | None, workers: int) -> Iterator[Notice]:
    if redis_ms is None:
        yield Notice("Redis does not answer.", "Nothing rings: due work waits until it is back.")
    if database_ms >= SLOW_ANSWER_MS:
        yield Notice("The database is slow.", f"A small query took {wording.duration(database_ms)}.")
    if connection.vendor == "sqlite" and workers > MANY_WORKERS:
        rest = "It lets one write at a time; PostgreSQL or MariaDB keep more workers busy."
        yield Notice(f"{workers} workers share SQLite.", rest)


def _versions(known: Sequence[Process]) -> Iterator[Notice]:
    others = [each for each in known if each.version and each.version != __version__]
    for each in others[:MOST_NAMED]:
        yield Notice(f"{each.name} runs {each.version},", f"these pages {__version__}: start it anew.")
    if len(others) > MOST_NAMED:
        yield Notice(f"{len(others) - MOST_NAMED} more processes", "are of another version.")


def _jobs(broken: int, script_jobs: int) -> Iterator[Notice]:
    jobs = reverse("job_list")
    if broken:
        lead = f"{broken:,} schedules cannot fire." if broken > 1 else "1 schedule cannot fire."
        yield Notice(lead, "", f"{jobs}?broken=1", "Show them")
    if script_jobs and not settings.SCRIPT_ENABLED:
        told = f"{script_jobs:,} script jobs" if script_jobs > 1 else "1 script job"
        rest = f"while there {'are' if script_jobs > 1 else 'is'} {told}: their runs fail where it is so."
        yield Notice("Scripts are switched off,", rest, f"{jobs}?type={Type.SCRIPT}", "Show them")


def _alerts(unheard: str) -> Iterator[Notice]:
    if unheard != "0":
        lead = "1 job tells nobody" if unheard == "1" else f"{unheard} jobs tell nobody"
        yield Notice(
            lead, "when it fails." if unheard == "1" else "when they fail.", reverse("rule_list"), "Rules"
        )


def _clock(processes: Processes, at: datetime) -> Iterator[Notice]:
    drift = abs(processes.at.astimezone(UTC) - at.astimezone(UTC))
    if drift > DRIFT:
        rest = "of the web process and of the database are so far apart: times on pages may seem odd."
        yield Notice(f"The clocks differ by {wording.rough_span(int(drift.total_seconds()))}:", rest)
