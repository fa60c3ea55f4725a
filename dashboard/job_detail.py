"""One job: what may be done with it, how it went, when it fires, what it does, what changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Left
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from chronos_site.counting import counting
from chronos_site.statements import compiled
from dashboard import charts, definitions, late, vitals, wording
from dashboard.charts import Column, Columns
from dashboard.failing import Failing, FailingJob
from dashboard.job_calendar import Calendar
from dashboard.job_fires import Fires, too_slow
from dashboard.job_history import Trail, Versions
from dashboard.letters import Letter, letters
from dashboard.outbox import alerts_of
from dashboard.run_pages import LAST_DUE
from jobs import moves, retries, rights
from jobs.executors import TYPES
from jobs.models import Job, JobSchedule, Status
from jobs.pausing import PauseForm
from jobs.schedules import BadSchedule, ClockChange, clock_changes, describe, fires
from jobs.zones import zone
from runs import history
from runs.acknowledgements import held_for
from runs.days import DAY, ROLLED_UP_TO, closed_until
from runs.history import BROKEN, Durations
from runs.letter_views import AcknowledgeForm
from runs.models import DeadLetter, Run, Trigger

LIVE_SECONDS = 5
RUNS_SHOWN, FIRES_SHOWN, LETTERS_SHOWN = 12, 5, 5
MOST_LETTERS, MOST_BACKFILLED = 100, 100_000
CHANGES_AHEAD = timedelta(days=45)


@require_safe
def job_detail(request: HttpRequest, job_id: str) -> HttpResponse:
    """The page of a job; for htmx it is the same page, of which the browser takes what changed."""
    user, at = person(request), timezone.now()
    job = _found.first(user, job_id)
    if job is None:
        raise Http404
    trail = Trail.read(job)
    past = Past.read(job, at, trail.starters)
    versions = Versions.read(job)
    plan = Planned.read(job.schedule, at)
    told = History.read(job, at, request.GET.get("window", ""), getattr(job, "closed", None))
    context = {
        "now": at,
        "job": job,
        "schedule": job.schedule,
        "type": TYPES[job.type],
        "may": _may(job),
        "may_define": not rights.refusal(user, job.type),
        "state": _state(job, past),
        "past": past,
        "plan": plan,
        "history": told,
        "too_slow": too_slow(plan.ticks, told.took, job.schedule.overlap_policy),
        "payload": definitions.payload(versions.current),
        "versions": versions,
        "tags": versions.current.get("tags", ()),
        "retry": _retry(job),
        "backfill": _backfill(job),
        "letters": Letters.read(job),
        "alerts": alerts_of(job, versions.current.get("tags", ()), user, at),
        "held": held_for(job, at),
        "acknowledge": AcknowledgeForm(),
        "pausing": PauseForm(auto_id="pause-%s"),
        "events": trail.events,
        "paused": trail.paused,
        "live_seconds": LIVE_SECONDS,
    }
    return render(request, "dashboard/job_detail/job.html", context)


@compiled
def _found(user: User, job_id: str) -> QuerySet[Job]:
    jobs = Job.objects.visible_to(user).select_related(
        "schedule", "payload", "retry_policy", "owner", "heartbeat"
    )
    also = {"closed": ROLLED_UP_TO, **_backfill_runs(job_id)}
    return jobs.filter(pk=job_id).defer("owner__password").annotate(**also)


def _may(job: Job) -> set[str]:
    """What may be done with the job now, by the names of `jobs.moves.Event`."""
    return {event.name for event in moves.allowed(job.status)} & {"PAUSE", "RESUME", "CANCEL"}


def _state(job: Job, past: "Past") -> str:
    """The job's status; for one that is scheduled and whose last run failed, that."""
    if job.status == Status.SCHEDULED and past.failing:
        return str(past.failing.run.outcome)
    return job.status


def _backfill_runs(job_id: str) -> dict[str, RawSQL]:
    """Counts of the runs of a backfill that have not ended, for the query that reads the job."""
    runs = Run.objects.active().filter(job=job_id, trigger=Trigger.BACKFILL)
    return {
        "backfill_active": counting(runs, MOST_BACKFILLED),
        "backfill_running": counting(runs.running(), MOST_BACKFILLED),
    }


def _backfill(job: Job) -> dict[str, int] | None:
    """How many runs of a backfill are under way and wait; None where none is in progress."""
    active, running = getattr(job, "backfill_active", 0), getattr(job, "backfill_running", 0)
    return {"running": running, "waiting": active - running} if active else None


@dataclass(frozen=True)
class Letters:
    """The dead letters of the job that wait for a person: how many, and the newest of them."""

    count: str
    shown: Sequence[Letter]
    more: bool

    @classmethod
    def read(cls, job: Job) -> "Letters":
        rows = _waiting(job)
        shown = letters(rows[:LETTERS_SHOWN])
        return cls(vitals.told(len(rows), MOST_LETTERS), shown, more=len(rows) > len(shown))


@compiled
def _waiting(job: Job) -> QuerySet[DeadLetter]:
    pending = DeadLetter.objects.pending().filter(job=job).order_by("-created_at").defer("failure_reason")
    return pending.annotate(reason=Left("failure_reason", 300))[: MOST_LETTERS + 1]


def _retry(job: Job) -> str:
    """The retry policy in words: "3; waits 5 min, then 10 min"."""
    policy = getattr(job, "retry_policy", None)
    if policy is None or policy.max_attempts == 1:
        return "1, never again"
    waits = [
        wording.span(int(retries.delay(policy.backoff_strategy, policy.backoff_seconds, n).total_seconds()))
        for n in range(1, policy.max_attempts)
    ]
    same = len(set(waits)) == 1
    told = (
        f"waits {waits[0]}{' each time' if len(waits) > 1 else ''}"
        if same
        else f"waits {', then '.join(waits[:3])}{' …' if len(waits) > 3 else ''}"
    )
    if policy.jitter:
        told += ", each shortened at random by up to half"
    only = f"; only after {', '.join(policy.retry_on)}" if policy.retry_on else ""
    return f"{policy.max_attempts}; {told}{only}"


@dataclass(frozen=True)
class Place:
    """One run in the chart of durations."""

    run: Run
    column: Column


@dataclass(frozen=True)
class Past:
    """The last runs of the job, newest first."""

    job: Job
    runs: Sequence[Run]
    at: datetime
    starters: Mapping[str, str]

    @classmethod
    def read(cls, job: Job, at: datetime, starters: Mapping[str, str]) -> "Past":
        return cls(job, _newest(job), at, starters)

    @property
    def shown(self) -> list[tuple[Run, str, str]]:
        """The first of them, each with who started it by hand and what it missed, where that is known."""
        missed = self._missed
        return [
            (run, self.starters.get(run.pk, ""), missed.get(run.pk, "")) for run in self.runs[:RUNS_SHOWN]
        ]

    @property
    def _missed(self) -> dict[str, str]:
        """What occurrences missed of today's promise, at their last attempt."""
        promise = self.job.schedule.promise
        if not promise:
            return {}
        by_tick = groupby(self.runs[::-1], key=lambda run: run.scheduled_time)
        occurrences = [list(attempts) for _, attempts in by_tick]
        return {each[-1].pk: late.missed_by(promise, each, self.at) for each in occurrences}

    @property
    def older(self) -> str:
        """Where the runs after the shown ones are; empty where there are none."""
        if len(self.runs) <= RUNS_SHOWN:
            return ""
        query = {"job": self.job.pk, "after": LAST_DUE.cursor(self.runs[RUNS_SHOWN - 1])}
        return f"{reverse('run_list')}?{urlencode(query)}"

    @cached_property
    def failing(self) -> Failing | None:
        """The failure that the job is in, if its last run that ended failed."""
        oldest_first = self.runs[::-1]
        last = history.last_ended(oldest_first)
        if last is None or last.outcome not in BROKEN:
            return None
        policy = getattr(self.job, "retry_policy", None)
        attempts = policy.max_attempts if policy else 1
        job = FailingJob(self.job.pk, self.job.name, "", self.job.version, attempts, None)
        return Failing(job, last, oldest_first, most=charts.PLACES)

    @cached_property
    def active(self) -> list[Run]:
        return [run for run in self.runs if not run.outcome]

    @cached_property
    def usual(self) -> Durations | None:
        return history.durations(self.runs)

    @cached_property
    def chart(self) -> Columns:
        return charts.durations(self.runs[::-1], self.usual.p50 if self.usual else None)

    @property
    def places(self) -> Iterable[Place]:
        return (Place(run, column) for run, column in zip(self.runs[::-1], self.chart.columns, strict=True))

    @property
    def words(self) -> str:
        return charts.in_words(run.state for run in self.runs)

    @property
    def success(self) -> str:
        """The share of runs that succeeded: "95% of the last 60"; empty before the first has ended.

        What was cancelled says nothing about the job.
        """
        ended = [run for run in self.runs if run.outcome and run.outcome != "CANCELLED"]
        good = sum(run.outcome == "SUCCESS" for run in ended)
        return f"{100 * good // len(ended)}% of the last {len(ended)}" if ended else ""


@compiled
def _newest(job: Job) -> QuerySet[Run]:
    runs = Run.objects.filter(job=job).defer("result", "error_message", "claim_token", "signature")
    newest = runs.annotate(error_start=Left("error_message", 300))
    return newest.order_by("-scheduled_time", "-attempt")[: charts.PLACES]


@dataclass(frozen=True)
class History:
    """Twelve weeks of the job, its last fires, and how long runs took in the window that was asked for."""

    calendar: Calendar
    fires: Fires

    @classmethod
    def read(cls, job: Job, at: datetime, window: str, closed: date | None) -> "History":
        return cls(Calendar.read(job, at, window, closed), Fires.read(job))

    @property
    def took(self) -> Durations | None:
        return self.fires.took(closed_until(self.calendar.since) - DAY)


@dataclass(frozen=True)
class Fire:
    """A coming fire, also in the job's own zone."""

    tick: datetime
    local: datetime

    @property
    def words(self) -> str:
        return f"{self.local:%a} {self.local.day} {self.local:%b}, {_clock(self.local)}"

    @property
    def utc(self) -> str:
        return f"{_clock(self.tick.astimezone(UTC))} UTC"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


@dataclass(frozen=True)
class Planned:
    """The schedule in words, its next fires in its own zone and in UTC, the clock changes among them."""

    reading: str
    fires: Sequence[Fire] = ()
    changes: Sequence[ClockChange] = ()
    broken: bool = False

    @property
    def ticks(self) -> list[datetime]:
        return [fire.tick for fire in self.fires]

    @property
    def following(self) -> datetime | None:
        """The fire after the next one: without one, the next one cannot be skipped."""
        return self.ticks[1] if len(self.fires) > 1 else None

    @classmethod
    def read(cls, schedule: JobSchedule, at: datetime) -> "Planned":
        plan = schedule.plan
        try:
            reading = describe(plan)
            following = fires(plan, schedule.next_fire_at, FIRES_SHOWN - 1) if schedule.next_fire_at else []
            changes = clock_changes(plan, at, at + CHANGES_AHEAD) if schedule.next_fire_at else []
        except BadSchedule as bad:
            return cls(bad.message, broken=True)
        own = zone(plan.timezone)
        ticks = [schedule.next_fire_at, *following] if schedule.next_fire_at else []
        return cls(reading, [Fire(tick, tick.astimezone(own)) for tick in ticks], changes[:1])
