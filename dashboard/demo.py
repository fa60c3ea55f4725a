"""Demo jobs and two weeks of history as they might have been, for looking around."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db import transaction
from ulid import ULID

from accounts.models import Role, User
from audit.models import AuditEvent, Seal
from chronos_site.schema import new_ulid
from dashboard import demo_messages
from dashboard.demo_jobs import DemoJob, Habit, jobs
from jobs import actions, retries
from jobs.models import Job, JobVersion, Priority
from jobs.schedules import Plan, ticks
from runs import failure_signatures, stats
from runs.failure_signatures import Decision
from runs.models import DeadLetter, Level, Outcome, Run, RunLog, Trigger
from runs.signature import signature

DAYS = 14
WORKERS = ("w-01", "w-02", "w-03")
OPERATOR = "mara.voss@example.com"
NOTES = ("Certificate renewed, ran it again.", "Known outage of the partner.", "Ledger pool enlarged.")
OUTAGE = timedelta(days=9)
OUTAGE_LASTS = timedelta(minutes=40)


@dataclass(frozen=True)
class Made:
    """What the demo added."""

    jobs: int
    runs: int


@transaction.atomic
def make(at: datetime, site: str) -> Made | None:
    """Add the demo, unless it is there already; gives what it added.

    The history is drawn from a fixed seed; `site` is the product's own address, which the HTTP jobs call.
    """
    if User.objects.filter(email=OPERATOR).exists():
        return None
    operator = User.objects.create_user(OPERATOR, roles=Role.OPERATOR.value)
    chance = random.Random(20_260_302)  # noqa: S311 (a story, not a key)
    history = History(at, chance)
    made = [_job(each, at) for each in jobs(site)]
    for demo, job in made:
        history.tell(demo, job)
    history.write()
    demo_messages.tell(history.runs, history.letters, to=operator, at=at, storm=at - OUTAGE)
    return Made(len(made), len(history.runs))


def _job(demo: DemoJob, at: datetime) -> tuple[DemoJob, Job]:
    email = f"{demo.owner}@example.com"
    owner = User.objects.filter(email=email).first() or User.objects.create_user(email)
    definition: dict[str, Any] = {
        "name": demo.name,
        "type": demo.type,
        "priority": demo.priority,
        "description": demo.description,
        "schedule": demo.schedule,
        "payload": demo.payload,
        **({"retry": demo.retry} if demo.retry else {}),
    }
    job = actions.create(definition, owner=owner, by=owner, at=at)
    if demo.paused:
        actions.pause(job, by=owner, at=at, note=demo.paused)
    born = at - timedelta(days=DAYS + 1)
    Job.objects.filter(pk=job.pk).update(created_at=born, updated_at=born)
    JobVersion.objects.filter(job=job).update(created_at=born)
    return demo, job


class History:
    """Collects the rows of the past and writes them in one go."""

    def __init__(self, at: datetime, chance: random.Random) -> None:
        self.at = at
        self.chance = chance
        self.runs: list[Run] = []
        self.logs: list[RunLog] = []
        self.letters: list[DeadLetter] = []
        self.events: list[AuditEvent] = []
        self.sealed = Seal.objects.exists()

    def tell(self, demo: DemoJob, job: Job) -> None:
        """What the job's runs did in the last two weeks."""
        if demo.habit is None:
            return
        ticks = list(self._ticks(job))
        for index, tick in enumerate(ticks):
            broken = len(ticks) - index <= demo.habit.broken
            self._occurrence(demo, demo.habit, job, tick, broken=broken)

    def write(self) -> None:
        Run.objects.bulk_create(self.runs, batch_size=500)
        stats.write(map(_end, self.runs), stats.types_of(run.job_id for run in self.runs))
        RunLog.objects.bulk_create(self.logs, batch_size=500)
        DeadLetter.objects.bulk_create(self.letters)
        failure_signatures.seen(self.letters)
        operator = User.objects.filter(email=OPERATOR).first()
        for letter in sorted(self.letters, key=lambda each: each.resolved_at or self.at):
            if letter.resolved_at:
                failure_signatures.decided(
                    [letter],
                    Decision(letter.status),
                    by=operator,
                    at=letter.resolved_at,
                    notes=letter.resolution_notes or "",
                )
        AuditEvent.objects.bulk_create(self.events)

    def _ticks(self, job: Job) -> Iterator[datetime]:
        plan: Plan = job.schedule.plan
        start = self.at - timedelta(days=DAYS)
        if plan.interval_seconds:
            # The grid starts when the job was made: the past lies on it too.
            step = timedelta(seconds=plan.interval_seconds)
            start = (plan.anchor_at or self.at) - step * (timedelta(days=DAYS) // step)
            yield from (start + step * number for number in range(timedelta(days=DAYS) // step))
            return
        yield from takewhile(lambda tick: tick < self.at - timedelta(minutes=1), ticks(plan, start))

    def _occurrence(self, demo: DemoJob, habit: Habit, job: Job, tick: datetime, *, broken: bool) -> None:
        attempts = demo.retry.get("max_attempts", 1)
        starts_at = tick
        for attempt in range(1, attempts + 1):
            failed = broken or self._fails(habit, tick)
            run = self._run(habit, job, tick, starts_at, attempt, failed=failed)
            if run is None or not failed:
                return
            if attempt == attempts:
                self._give_up(job, run)
                return
            wait = retries.delay(demo.retry["backoff_strategy"], demo.retry["backoff_seconds"], attempt)
            starts_at = (run.end_time or tick) + wait

    def _fails(self, habit: Habit, tick: datetime) -> bool:
        outage = self.at - OUTAGE
        hit = habit.incident and outage <= tick < outage + OUTAGE_LASTS
        return hit or self.chance.random() < habit.fails

    def _run(
        self, habit: Habit, job: Job, tick: datetime, ready: datetime, attempt: int, *, failed: bool
    ) -> Run | None:
        start = ready + timedelta(milliseconds=self.chance.randint(20, 900))
        took = habit.takes * self.chance.uniform(0.7, 1.5)
        end = start + timedelta(seconds=took)
        if end > self.at:
            return None
        timed_out = failed and habit.error_class == "TIMEOUT"
        outcome = (Outcome.TIMEOUT if timed_out else Outcome.FAILURE) if failed else Outcome.SUCCESS
        run = Run(
            id=str(ULID.from_datetime(ready)),
            job=job,
            scheduled_time=tick,
            available_at=ready,
            start_time=start,
            end_time=end,
            duration_ms=round(took * 1000),
            attempt=attempt,
            trigger=Trigger.RETRY if attempt > 1 else Trigger.SCHEDULE,
            priority=Priority(job.priority).rank,
            worker_id=self.chance.choice(WORKERS),
            outcome=outcome,
            result=None if failed else {"summary": habit.lines[-1] if habit.lines else "Done", "data": {}},
        )
        if failed:
            run.error_class, run.error_message = habit.error_class, habit.error
            run.signature = signature(habit.error_class, habit.error)
        self.runs.append(run)
        self._log(habit, run)
        return run

    def _log(self, habit: Habit, run: Run) -> None:
        start, end = run.start_time or self.at, run.end_time or self.at
        lines = [(Level.INFO, f"Attempt {run.attempt} on {run.worker_id}, version 1")]
        lines += [(Level.INFO, line) for line in habit.lines]
        if run.outcome != Outcome.SUCCESS:
            lines = [*lines[:-1], (Level.ERROR, f"{run.error_class}: {run.error_message}")]
        step = (end - start) / max(len(lines) - 1, 1)
        self.logs += [
            RunLog(run=run, timestamp=start + step * number, level=level, message=message)
            for number, (level, message) in enumerate(lines)
        ]

    def _give_up(self, job: Job, run: Run) -> None:
        """A dead letter; the older ones have been seen to."""
        ended = run.end_time or self.at
        letter = DeadLetter(
            id=str(ULID.from_datetime(ended)),
            job=job,
            run=run,
            failure_reason=f"{run.error_class}: {run.error_message}",
            signature=run.signature,
            created_at=ended,
        )
        if self.at - ended > timedelta(days=2):
            self._see_to(letter, ended + timedelta(hours=self.chance.randint(1, 20)))
        self.letters.append(letter)

    def _see_to(self, letter: DeadLetter, at: datetime) -> None:
        ignored = self.chance.random() < 0.2
        letter.status = DeadLetter.Status.IGNORED if ignored else DeadLetter.Status.RESOLVED
        letter.resolved_at = at
        letter.resolution_notes = self.chance.choice(NOTES)
        self.events.append(
            AuditEvent(
                # Among entries that are sealed, one with an id of back then would be taken for a forged one.
                id=new_ulid() if self.sealed else str(ULID.from_datetime(at)),
                entity_type="DeadLetter",
                entity_id=letter.pk,
                action=f"DEAD_LETTER_{letter.status}",
                user_email=OPERATOR,
                timestamp=at,
                details={"note": letter.resolution_notes},
            )
        )


def _end(run: Run) -> stats.End:
    waited = (run.waited or timedelta()) / timedelta(milliseconds=1)
    return stats.End(
        run.job_id, str(run.outcome), run.end_time or run.scheduled_time, run.duration_ms or 0, round(waited)
    )
