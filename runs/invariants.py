"""What holds of runs, schedules, jobs and dead letters at any moment, each as one query for what breaks it.

A query sees one moment of the database, in which every transaction has happened or not: what a transaction
breaks and mends again is never seen. What needs a process to act is broken only while one is alive to do so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat, Length

from chronos_site.schema import first_id
from jobs.executors import TYPES
from jobs.models import Job, JobSchedule, JobVersion, Priority, Status
from runs.acknowledgements import Acknowledgement
from runs.artefacts import Artefact
from runs.drain import MOST_RESERVED
from runs.failure_signatures import FailureSignature
from runs.models import ENDED, DeadLetter, Outcome, Process, Run, RunQuerySet, Trigger
from runs.stops import closed_ranks, drained_workers, firing_stopped, is_of

# What is due for longer was overlooked.
OVERDUE = timedelta(seconds=60)
# A run whose lease ran out longer ago was given up by everyone.
LOST = timedelta(seconds=45)
# A process that is younger may not have come to it yet.
WARM = timedelta(seconds=30)
BROKEN = (Outcome.FAILURE, Outcome.TIMEOUT)

Ids = QuerySet[Any, str]


@dataclass(frozen=True)
class Moment:
    """When we look, how far back, and who is there to act."""

    now: datetime
    since: str
    schedulers: int
    workers: int
    free: int

    @classmethod
    def at(cls, now: datetime, days: int) -> "Moment":
        warm = Process.objects.alive(now).filter(started_at__lte=now - WARM)
        schedulers = warm.filter(kind=Process.Kind.SCHEDULER).count()
        drained = drained_workers()
        workers = [each for each in warm.filter(kind=Process.Kind.WORKER) if not is_of(each, drained)]
        free = sum(each.slots - each.busy for each in workers)
        return cls(now, first_id(now - timedelta(days=days)), schedulers, len(workers), free)

    @property
    def room(self) -> RunQuerySet:
        """The runs for which the workers have slots, as far as these are not kept for the urgent ones."""
        if self.free <= 0:
            return Run.objects.none()
        opened = Run.objects.exclude(priority__in=closed_ranks())
        urgent = opened.filter(priority=Priority.HIGH.rank)
        return opened if self.free > self.workers * MOST_RESERVED else urgent

    @property
    def runs(self) -> RunQuerySet:
        """The runs made in the period: ids sort by time, so their index bounds what is read."""
        return Run.objects.filter(pk__gte=self.since)


@dataclass(frozen=True)
class Invariant:
    """A named claim, and the query for the ids of what breaks it."""

    name: str
    claim: str
    broken: Callable[[Moment], Ids]


INVARIANTS: list[Invariant] = []


def _invariant(broken: Callable[[Moment], Ids]) -> Callable[[Moment], Ids]:
    name = broken.__name__.replace("_", "-")
    INVARIANTS.append(Invariant(name, str(broken.__doc__), broken))
    return broken


# Django would read the table's statement here, word by word, which takes longer than all else that is asked.
_ON_SQLITE = """
SELECT indexes.name, columns.name FROM pragma_index_list(%s) AS indexes
    JOIN pragma_index_info(indexes.name) AS columns
    WHERE indexes."unique" AND NOT indexes.partial ORDER BY indexes.name, columns.seqno
"""


def is_unique(model: type[Model], *columns: str) -> bool:
    """Whether the database itself lets no two rows have the same in these columns."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_ON_SQLITE, [table])
            rows = groupby(cursor.fetchall(), key=itemgetter(0))
            return any(tuple(column for _, column in index) == columns for _, index in rows)
        found = connection.introspection.get_constraints(cursor, table)
    return any(each["unique"] and each["columns"] == list(columns) for each in found.values())


def _beside(**same: Any) -> RunQuerySet:
    """Runs of the same job and tick as the one outside."""
    return Run.objects.filter(job=OuterRef("job"), scheduled_time=OuterRef("scheduled_time"), **same)


# Runs


@_invariant
def a_tick_has_one_run(moment: Moment) -> Ids:
    """There is one run for each job, tick and attempt."""
    if is_unique(Run, "job_id", "scheduled_time", "attempt"):
        return Run.objects.none().values_list("pk", flat=True)
    twins = _beside(attempt=OuterRef("attempt"), pk__lt=OuterRef("pk"))
    return moment.runs.filter(Exists(twins)).values_list("pk", flat=True)


@_invariant
def times_fit_the_state(moment: Moment) -> Ids:
    """What ended has an end that is not before its start, and a duration if it started; the rest has none."""
    open_but_over = Q(outcome=None) & (
        Q(end_time__isnull=False) | Q(duration_ms__isnull=False) | Q(skip_reason__isnull=False)
    )
    wrong = ENDED & (
        Q(end_time=None)
        | Q(end_time__lt=F("start_time"))
        | Q(start_time__isnull=False, duration_ms=None)
        | Q(start_time=None, outcome__in=(Outcome.SUCCESS, Outcome.TIMEOUT))
        | Q(lease_expires_at__isnull=False)
    )
    return moment.runs.filter(open_but_over | wrong).values_list("pk", flat=True)


@_invariant
def nothing_starts_early(moment: Moment) -> Ids:
    """No run starts before it may."""
    early = Q(start_time__lt=F("available_at")) | Q(start_time__isnull=False, available_at=None)
    return moment.runs.filter(early).values_list("pk", flat=True)


@_invariant
def a_running_run_is_held(moment: Moment) -> Ids:
    """A running run has a worker, a claim token and a lease."""
    loose = Q(worker_id=None) | Q(claim_token=None) | Q(lease_expires_at=None)
    return Run.objects.running().filter(loose).values_list("pk", flat=True)


@_invariant
def a_lost_run_is_rescued(moment: Moment) -> Ids:
    """While a scheduler is alive, no lease stays expired for more than 45 s."""
    lost = Run.objects.running().filter(lease_expires_at__lt=moment.now - LOST)
    return (lost if moment.schedulers else lost.none()).values_list("pk", flat=True)


@_invariant
def a_due_run_is_claimed(moment: Moment) -> Ids:
    """While a worker has room for it and its queue is not paused, no run stays due for more than 60 s."""
    running = Run.objects.running().values_list("job__type").annotate(Count("pk"))
    full = [code for code, count in running if count >= TYPES[code].ceiling * moment.workers]
    # In the order in which they are claimed: those of a queue that moves are others at the second look.
    late = moment.room.due(moment.now - OVERDUE).exclude(job__type__in=full)
    return late.values_list("pk", flat=True)


@_invariant
def a_waiting_run_waits_for_another(moment: Moment) -> Ids:
    """A run without a time to start has another run of its job before it that runs or may start."""
    ahead = Run.objects.active().filter(
        Q(start_time__isnull=False) | Q(available_at__isnull=False), job=OuterRef("job")
    )
    waiting = Run.objects.pending().filter(available_at=None)
    return waiting.exclude(Exists(ahead)).values_list("pk", flat=True)


@_invariant
def attempts_have_no_gaps(moment: Moment) -> Ids:
    """Each attempt but the first has the one before it."""
    before = _beside(attempt=OuterRef("attempt") - 1)
    return moment.runs.filter(attempt__gt=1).exclude(Exists(before)).values_list("pk", flat=True)


@_invariant
def nothing_follows_an_end(moment: Moment) -> Ids:
    """An attempt is followed by another one only when it failed or timed out."""
    well = Q(outcome=None) | Q(outcome__in=(Outcome.SUCCESS, Outcome.CANCELLED))
    before = _beside(attempt=OuterRef("attempt") - 1).filter(well)
    return moment.runs.filter(Exists(before), attempt__gt=1).values_list("pk", flat=True)


@_invariant
def a_skipped_tick_says_why(moment: Moment) -> Ids:
    """A skipped tick was cancelled, never started, has a reason and counts at least one; only it does."""
    skipped = Q(skip_reason__isnull=False)
    full = Q(outcome=Outcome.CANCELLED, start_time=None, skipped_count__gte=1)
    wrong = moment.runs.filter((skipped & ~full) | (~skipped & Q(skipped_count__isnull=False)))
    return wrong.values_list("pk", flat=True)


@_invariant
def a_version_stays(moment: Moment) -> Ids:
    """The version of its job that a run executes exists."""
    version = JobVersion.objects.filter(job=OuterRef("job"), version=OuterRef("version"))
    return moment.runs.filter(skip_reason=None).exclude(Exists(version)).values_list("pk", flat=True)


# Dead letters


@_invariant
def an_exhausted_occurrence_has_a_dead_letter(moment: Moment) -> Ids:
    """What failed for good has a dead letter, unless it was the replay of one."""
    exhausted = moment.runs.filter(outcome__in=BROKEN).exclude(
        Exists(_beside(attempt=OuterRef("attempt") + 1))
    )
    told = Exists(DeadLetter.objects.filter(run=OuterRef("pk")))
    replay = Exists(_beside(attempt=1, trigger=Trigger.REPLAY))
    return exhausted.exclude(told).exclude(replay).values_list("pk", flat=True)


@_invariant
def a_run_has_one_dead_letter(moment: Moment) -> Ids:
    """There is no second dead letter for a run."""
    letters = DeadLetter.objects.filter(pk__gte=moment.since)
    if is_unique(DeadLetter, "run_id"):
        return letters.none().values_list("pk", flat=True)
    twin = DeadLetter.objects.filter(run=OuterRef("run"), pk__lt=OuterRef("pk"))
    return letters.filter(Exists(twin)).values_list("pk", flat=True)


@_invariant
def a_dead_letter_is_deserved(moment: Moment) -> Ids:
    """The run of a dead letter failed or timed out and was not tried again."""
    again = Run.objects.filter(
        job=OuterRef("run__job"),
        scheduled_time=OuterRef("run__scheduled_time"),
        attempt=OuterRef("run__attempt") + 1,
    )
    well = Q(run__outcome=None) | Q(run__outcome__in=(Outcome.SUCCESS, Outcome.CANCELLED))
    letters = DeadLetter.objects.filter(pk__gte=moment.since, run__isnull=False)
    return letters.filter(well | Exists(again)).values_list("pk", flat=True)


@_invariant
def a_closed_dead_letter_says_when(moment: Moment) -> Ids:
    """A dead letter has a time of resolution exactly when it is resolved or ignored."""
    is_open = Q(status=DeadLetter.Status.PENDING)
    wrong = Q(is_open, resolved_at__isnull=False) | Q(~is_open, resolved_at=None)
    return DeadLetter.objects.filter(wrong, pk__gte=moment.since).values_list("pk", flat=True)


# Schedules and jobs


@_invariant
def a_due_schedule_fires(moment: Moment) -> Ids:
    """While a scheduler is alive and firing is not paused, no armed schedule stays due for more than 60 s."""
    overdue = moment.now - OVERDUE
    # After a pause of all firing there is much to do at once.
    late = JobSchedule.objects.due(overdue).exclude(resumed_at__gte=overdue)
    asked = moment.schedulers and not firing_stopped()
    return (late if asked else late.none()).values_list("job_id", flat=True)


@_invariant
def a_bad_schedule_is_not_armed(moment: Moment) -> Ids:
    """A schedule with a problem has no next tick."""
    armed = JobSchedule.objects.broken().filter(next_fire_at__isnull=False)
    return armed.values_list("job_id", flat=True)


@_invariant
def an_armed_job_is_scheduled_or_running(moment: Moment) -> Ids:
    """Only a scheduled or running job has a next tick."""
    armed = JobSchedule.objects.filter(next_fire_at__isnull=False)
    wrong = armed.exclude(job__status__in=(Status.SCHEDULED, Status.RUNNING))
    return wrong.values_list("job_id", flat=True)


@_invariant
def a_held_tick_belongs_to_a_paused_job(moment: Moment) -> Ids:
    """Only a paused job has a tick that is held back, or a time when its pause ends."""
    held = JobSchedule.objects.filter(Q(held_fire_at__isnull=False) | Q(paused_until__isnull=False))
    return held.exclude(job__status=Status.PAUSED).values_list("job_id", flat=True)


def _of_the_job() -> RunQuerySet:
    return Run.objects.filter(job=OuterRef("pk"))


@_invariant
def a_scheduled_job_has_something_ahead(moment: Moment) -> Ids:
    """A scheduled job has a next tick or a run that has not ended."""
    scheduled = Job.objects.filter(status=Status.SCHEDULED, schedule__next_fire_at=None)
    return scheduled.exclude(Exists(_of_the_job().active())).values_list("pk", flat=True)


@_invariant
def a_running_job_runs(moment: Moment) -> Ids:
    """A job that is RUNNING has a running run."""
    jobs = Job.objects.filter(status=Status.RUNNING)
    return jobs.exclude(Exists(_of_the_job().running())).values_list("pk", flat=True)


@_invariant
def a_job_that_runs_says_so(moment: Moment) -> Ids:
    """A running run's job is not scheduled, unless the run was asked to stop."""
    running = Run.objects.running().filter(cancel_requested_at=None, job__status=Status.SCHEDULED)
    return running.values_list("pk", flat=True)


@_invariant
def a_finished_job_has_nothing_left(moment: Moment) -> Ids:
    """No run of a job that succeeded or failed is waiting or running, and none of a cancelled one waits."""
    finished = Q(job__status__in=(Status.SUCCEEDED, Status.FAILED))
    cancelled = Q(job__status=Status.CANCELLED, start_time=None)
    return Run.objects.active().filter(finished | cancelled).values_list("pk", flat=True)


# Dead letters and what people said of them


@_invariant
def a_signature_knows_its_dead_letters(moment: Moment) -> Ids:
    """The signature of a dead letter is known, and counts no fewer than there are of it."""
    known = FailureSignature.objects.filter(pk=OuterRef("signature")).values("events")[:1]
    alike = DeadLetter.objects.order_by().values("signature").annotate(there=Count("pk"))
    odd: Any = alike.annotate(counted=Coalesce(Subquery(known), 0)).filter(there__gt=F("counted"))
    ids: Ids = odd.values_list("signature", flat=True)
    return ids


@_invariant
def an_open_acknowledgement_names_its_subject(moment: Moment) -> Ids:
    """An acknowledgement that is open is so for its own job or signature."""
    job, signature = Concat(Value("job "), F("job_id")), Concat(Value("signature "), F("signature"))
    rows = Acknowledgement.objects.open()
    odd = rows.filter(job__isnull=False).exclude(open_for=job).values("pk")
    other = rows.filter(job=None).exclude(open_for=signature).values("pk")
    return rows.filter(Q(pk__in=odd) | Q(pk__in=other)).values_list("pk", flat=True)


@_invariant
def an_acknowledgement_ends(moment: Moment) -> Ids:
    """While a scheduler is alive, no acknowledgement stays open for more than 60 s after its time."""
    if not moment.schedulers:
        return Acknowledgement.objects.none().values_list("pk", flat=True)
    over = Acknowledgement.objects.open().filter(until__lt=moment.now - OVERDUE)
    return over.values_list("pk", flat=True)


# Files


@_invariant
def a_file_is_whole(moment: Moment) -> Ids:
    """The parts of a run's file are as long together as the file, and its run has ended."""
    files = Artefact.objects.filter(pk__gte=moment.since)
    odd = files.annotate(kept=Sum(Length("parts__content"), default=0)).exclude(kept=F("size"))
    early = files.filter(run__outcome=None)
    return files.filter(Q(pk__in=odd.values("pk")) | Q(pk__in=early.values("pk"))).values_list(
        "pk", flat=True
    )
