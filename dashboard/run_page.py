"""What the page of one run shows besides its log."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.urls import reverse

from accounts.models import User
from dashboard import charts, definitions, late, run_differences, run_log, wording
from dashboard.late import Progress, Running
from dashboard.letters import Letter, letters
from dashboard.run_differences import PRIORITIES, Alike, SinceGood
from dashboard.run_log import Size
from jobs import masking, zones
from jobs.definition import Definition
from jobs.models import JobVersion
from jobs.promises import Promise
from runs import history
from runs.artefacts import Artefact
from runs.execution import limit_of
from runs.history import BROKEN
from runs.late import LATE_AFTER, usual
from runs.models import DeadLetter, Outcome, Run
from runs.occurrences import ticks_of

# How often a run in progress is asked about.
LIVE_SECONDS = 2


@dataclass(frozen=True)
class Attempt:
    """One attempt of the occurrence, and how long it was waited for after the one before."""

    run: Run
    wait: str = ""


@dataclass(frozen=True)
class RunPage:
    """What the page of one run shows besides its log."""

    run: Run
    at: datetime
    definition: Definition
    attempts: list[Attempt]
    letter: Letter | None
    progress: Progress | None
    since_good: SinceGood | None = None
    alike: Alike | None = None
    size: Size | None = None

    @classmethod
    def read(cls, run: Run, at: datetime, user: User, *, logs: bool = True) -> "RunPage":
        """Everything, or, without `logs`, only what changes while the run goes on."""
        occurrence = list(
            Run.objects.filter(job=run.job_id, scheduled_time=run.scheduled_time)
            .order_by("attempt")
            .defer("result")
        )
        broken = run.outcome in BROKEN
        goods = run_differences.goods(run) if broken and logs else []
        versions = _versions(run, goods[:1])
        sizes = run_log.sizes([run, *goods[:1]]) if logs else {}
        own = versions.get(run.version)
        past = history.last_runs([run.job_id])[run.job_id] if not run.outcome else []
        return cls(
            run,
            at,
            own.definition if own else {},
            _attempts(occurrence),
            next(
                iter(letters(DeadLetter.objects.filter(run__in=[each.pk for each in occurrence])[:1])), None
            ),
            _progress(run, past, at),
            run_differences.since_good(run, goods, versions, sizes) if goods else None,
            run_differences.alike(run, user) if broken else None,
            sizes.get(run.pk),
        )

    @property
    def context(self) -> dict[str, Any]:
        """For the template, which knows no modules."""
        return {
            "now": self.at,
            "run": self.run,
            "job": self.run.job,
            "page": self,
            "error": self.run.error_message or "",
            "live_seconds": None if self.run.outcome else LIVE_SECONDS,
            "priority": PRIORITIES.get(self.run.priority, ""),
        }

    @property
    def state(self) -> str:
        """The run's state; STUCK or LATE where that says more."""
        if self.progress and self.progress.stuck:
            return "STUCK"
        run = self.run
        late_start = run.state == "PENDING" and run.available_at and run.available_at < self.at - LATE_AFTER
        return "LATE" if late_start else run.state

    @property
    def word(self) -> str:
        return wording.STATES[self.state].word

    @property
    def promise(self) -> Promise:
        return Promise.of(self.definition.get("schedule") or {})

    @property
    def missed(self) -> str:
        """What was missed of the promise about this occurrence, in words."""
        return late.missed_by(self.promise, [each.run for each in self.attempts], self.at)

    @property
    def next_attempt(self) -> Run | None:
        """The attempt that followed this one."""
        later = [each.run for each in self.attempts if each.run.attempt > self.run.attempt]
        return later[0] if later else None

    @property
    def headline(self) -> str:
        """How the run went, in a sentence."""
        run, most = self.run, self.most_attempts
        tries = f" after {run.attempt} of {most} attempts" if most > 1 else ""
        reason = f": {run.error_class}" if run.error_class else ""
        if run.outcome == Outcome.TIMEOUT:
            return f"Timed out{tries}"
        return f"Failed{tries}{reason}"

    @property
    def most_attempts(self) -> int:
        policy = self.definition.get("retry") or {}
        return max(self.run.attempt, int(policy.get("max_attempts") or 1))

    @property
    def attempts_left(self) -> int:
        return self.most_attempts - self.attempts[-1].run.attempt if self.attempts else 0

    @property
    def limit(self) -> float | None:
        """The longest that the run may take, in seconds."""
        return limit_of(self.definition) if self.definition else None

    @cached_property
    def bar(self) -> charts.Progress | None:
        """The running run on a scale that ends with its time limit."""
        if self.progress is None:
            return None
        usual = self.progress.usual
        p50, p95 = (usual.p50 / 1000, usual.p95 / 1000) if usual else (None, None)
        return charts.progress(self.progress.seconds, p50, p95, self.limit)

    @property
    def intended(self) -> tuple[str, str]:
        """The tick that it works for, in the job's own zone and in UTC."""
        local = self.tick.astimezone(zones.zone(self.zone))
        return wording.in_full(local), "" if wording.is_utc(local) else wording.in_utc(local)

    @cached_property
    def tick(self) -> datetime:
        return ticks_of([self.run]).get(self.run.pk, self.run.scheduled_time)

    @property
    def zone(self) -> str:
        told = (self.definition.get("schedule") or {}).get("timezone")
        return told if told in zones.names() else "UTC"

    @property
    def payload(self) -> list[definitions.Field]:
        return definitions.payload(self.definition)

    @property
    def summary(self) -> str:
        """The result in a line, where the run left one."""
        result = self.run.result
        return str(result.get("summary") or "") if isinstance(result, dict) else ""

    @property
    def data(self) -> str:
        """What else the run left, as JSON."""
        result = self.run.result
        data = result.get("data") if isinstance(result, dict) else result
        return definitions.text(data) if data else ""

    @cached_property
    def artefacts(self) -> list[Artefact]:
        """The files that the run left behind."""
        return list(self.run.artefacts.order_by("name", "pk")) if self.run.outcome else []

    @property
    def parameters(self) -> dict[str, str]:
        """What a person gave it, by name."""
        told: dict[str, str] = masking.anything(self.run.given)
        return told

    @property
    def again(self) -> str:
        return reverse("job_run_now", args=[self.run.job_id])

    @property
    def others_alike(self) -> str:
        """The list of the runs that failed with the same signature."""
        return f"{reverse('run_list')}?signature={self.run.signature}"


def _attempts(runs: list[Run]) -> list[Attempt]:
    found = []
    for n, run in enumerate(runs):
        earlier = runs[n - 1].end_time if n else None
        begun = run.start_time or run.available_at
        wait = (
            wording.span(int((begun - earlier).total_seconds()))
            if earlier and begun and begun > earlier
            else ""
        )
        found.append(Attempt(run, wait))
    return found


def _progress(run: Run, past: list[Run], at: datetime) -> Progress | None:
    if run.outcome or run.start_time is None:
        return None
    running = Running(
        run.pk,
        run.job_id,
        run.job.name,
        run.start_time,
        run.lease_expires_at,
        run.worker_id,
        run.attempt,
        None,
    )
    return Progress(running, at, usual(past))


def _versions(run: Run, others: list[Run]) -> dict[int, JobVersion]:
    wanted = {one.version for one in (run, *others)}
    rows = JobVersion.objects.filter(job=run.job_id, version__in=wanted).select_related("author")
    return {row.version: row for row in rows.only("version", "definition", "created_at", "author__email")}
