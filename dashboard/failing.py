"""Failing now: jobs whose last run that really ended failed or timed out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from accounts.models import User
from chronos_site.statements import compiled
from dashboard.lately import Lately
from jobs.models import Job, JobVersion
from runs import history
from runs.acknowledgements import Acknowledgement
from runs.history import BROKEN, Ends
from runs.models import Outcome, Run

MOST = 200
LAST = 20


class FailingJob(NamedTuple):
    """What is told about a job that fails; `edited_at` is when its current version was saved.

    `known_to` is who has acknowledged its failures, until `known_until` or until it recovers.
    """

    pk: str
    name: str
    owner: str
    version: int
    attempts: int | None
    edited_at: datetime | None
    known_to: str | None = None
    known_until: datetime | None = None


@dataclass(frozen=True)
class FailingJobs:
    """The jobs that fail, the one that failed last first.

    `since` is how far back failures were looked at, None where all of them were; `more` says that
    there may well be others.
    """

    jobs: list[FailingJob]
    since: datetime | None = None
    more: bool = False

    @property
    def count(self) -> str:
        return f"{len(self.jobs):,}{'+' if self.more else ''}"

    def __bool__(self) -> bool:
        return bool(self.jobs)


def failing_jobs(user: User, lately: Lately, at: datetime) -> FailingJobs:
    """The failing ones among the jobs that the person may see, in one query.

    For those who see everything, only the jobs of the newest failures are asked about.
    """
    since = lately.failed_since if user.is_operator else None
    rows = [FailingJob(*row) for row in _told(user, {run.job_id for run in lately.failed}, at)]
    failed_at = {run.job_id: n for n, run in reversed(list(enumerate(lately.failed)))}
    rows.sort(key=lambda job: failed_at.get(job.pk, MOST))
    recent = since is not None and since > at - timedelta(days=1)
    return FailingJobs(rows[:MOST], since, more=recent or len(rows) > MOST)


@compiled
def _told(user: User, failed: Collection[str], at: datetime) -> "QuerySet[Job, Any]":
    jobs = Job.objects.visible_to(user)
    if user.is_operator:
        jobs = Ends(failed).suspects(jobs)
    edited = JobVersion.objects.filter(job=OuterRef("pk"), version=OuterRef("version")).values("created_at")
    known = Acknowledgement.objects.in_force(at).filter(open_for=Concat(Value("job "), OuterRef("pk")))
    told = history.failing(jobs).values_list(
        "pk",
        "name",
        "owner__email",
        "version",
        F("retry_policy__max_attempts"),
        Subquery(edited),
        Subquery(known.values("by__email")),
        Subquery(known.values("until")),
    )
    return told[: MOST + 1]


@dataclass(frozen=True)
class Failing:
    """One failure that a job is in: the run that failed last, and its last runs, oldest first.

    `most` is how many runs were asked for: where there are as many, there may be more.
    """

    job: FailingJob
    run: Run
    runs: Sequence[Run]
    most: int = LAST

    @property
    def error(self) -> str:
        start: str | None = getattr(self.run, "error_start", None)
        return start or self.run.error_class or "It left no message."

    @property
    def what(self) -> str:
        """What became of the occurrence: "gave up after 3 of 3 attempts"."""
        attempts = self.job.attempts or 1
        word = "timed out" if self.run.outcome == Outcome.TIMEOUT else "failed"
        if any(run.scheduled_time == self.run.scheduled_time and not run.outcome for run in self.runs):
            return f"attempt {self.run.attempt} of {attempts} {word}, another follows"
        return f"gave up after {self.run.attempt} of {attempts} attempts" if attempts > 1 else word

    @property
    def streak(self) -> str:
        """How new this is, by fires, each of which may have several attempts: "3 fires failed in a row"."""
        ends = self._ends
        row = next((n for n, outcome in enumerate(reversed(ends)) if outcome not in BROKEN), len(ends))
        if row > 1:
            at_least = " or more" if row == len(ends) and len(self.runs) >= self.most else ""
            return f"{row}{at_least} fires failed in a row"
        broken = sum(outcome in BROKEN for outcome in ends)
        if broken > 1:
            return f"{broken} of the last {len(ends)} fires failed"
        return f"First failed fire of {len(ends)}" if len(ends) > 1 else "Its only run"

    @property
    def _ends(self) -> list[str | None]:
        """How the occurrences ended, oldest first: the last attempt counts."""
        return [run.outcome for run in history.occurrences(self.runs)]

    @property
    def edited_at(self) -> datetime | None:
        """When the job was edited, if that was after its last good run."""
        good = [run.end_time for run in self.runs if run.outcome == Outcome.SUCCESS and run.end_time]
        edited = self.job.edited_at
        return edited if edited and good and self.job.version > 1 and edited > good[-1] else None


def told(jobs: Sequence[FailingJob], runs: Mapping[str, Sequence[Run]], lately: Lately) -> Iterator[Failing]:
    """The jobs with the run that failed; one that scrolled out of the last runs comes from `lately`."""
    newest = {run.job_id: run for run in reversed(lately.failed)}
    for job in jobs:
        run = history.last_ended(runs[job.pk]) or newest.get(job.pk)
        if run:
            yield Failing(job, run, runs[job.pk])
