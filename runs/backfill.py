"""Which past ticks of a job a backfill runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from django.db.models import Q

from jobs.models import JobSchedule
from jobs.schedules import EPOCH, MOMENT, BadSchedule, Plan, ticks
from runs import retention
from runs.days import JobDay
from runs.models import Run, Trigger

MOST_RUNS = 1000
# Ticks that are looked at, whether they ran or not.
MOST_TICKS = 5000
# What retention calls the runs that have run.
_RUNS = ("RUNS_SUCCESS", "RUNS_FAILED")


class BadRange(ValueError):
    """A range that cannot be backfilled: the field at fault and a sentence for the person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Row:
    """What stands at a tick already: a run, and whether it, or what repeats it, has started or will.

    A row that was skipped may stand for all ticks up to `reaches`.
    """

    run_id: str
    ran: bool
    reaches: datetime | None = None


@dataclass(frozen=True)
class Proposal:
    """The ticks that a backfill would run, each with the run that stands there; and how the others fare.

    `skipped` counts those among them that were skipped, `ran` the ticks that ran: left out unless
    they were asked for. From `left_from` on, ticks are the schedule's own: it has not fired them yet. Runs
    from before `forgotten_until` may be deleted, and what ran then is not known to have run.
    """

    ticks: Sequence[tuple[datetime, str | None]]
    skipped: int
    ran: int
    left_from: datetime | None = None
    forgotten_until: datetime | None = None

    @property
    def first(self) -> datetime:
        return self.ticks[0][0]

    @property
    def last(self) -> datetime:
        return self.ticks[-1][0]


def walk(plan: Plan, since: datetime, until: datetime) -> list[datetime]:
    """The plan's ticks from `since` to `until`, both included; pure.

    Raises BadRange when there are none, when there are too many, and when the plan cannot be read.
    """
    in_range = takewhile(lambda tick: tick <= until, ticks(plan, since - MOMENT))
    try:
        found = list(islice(in_range, MOST_TICKS + 1))
    except BadSchedule as bad:
        raise BadRange("since", f"The schedule cannot be read: {bad.message}") from bad
    if len(found) > MOST_TICKS:
        raise BadRange("until", f"More than {MOST_TICKS:,} ticks lie in this range: choose a shorter one.")
    if not found:
        raise BadRange("until", "No tick of the schedule that could run lies in this range.")
    return found


def sort(
    ticks: Sequence[datetime],
    rows: Mapping[datetime, Row],
    *,
    include_ran: bool = False,
    skipped_until: datetime | None = None,
) -> Proposal:
    """Sort the ticks by what stands there; pure. `skipped_until` says how far a row before the range reaches.

    Raises BadRange when nothing is left to run, or too much.
    """
    wanted: list[tuple[datetime, str | None]] = []
    skipped = ran = 0
    for tick in ticks:
        row = rows.get(tick)
        skipped_until = row.reaches if row and row.reaches else skipped_until
        if row and row.ran:
            ran += 1
        elif row or (skipped_until and tick <= skipped_until):
            skipped += 1
        if include_ran or not (row and row.ran):
            wanted.append((tick, row.run_id if row else None))
    if not wanted:
        raise BadRange("until", f"All {ran:,} ticks in this range ran already.")
    if len(wanted) > MOST_RUNS:
        sentence = (
            f"These would be {len(wanted):,} runs, and {MOST_RUNS:,} are the most: choose a shorter range."
        )
        raise BadRange("until", sentence)
    return Proposal(wanted, skipped, ran)


def propose(
    schedule: JobSchedule, since: datetime, until: datetime, *, at: datetime, include_ran: bool = False
) -> Proposal:
    """What a backfill of the range would run. Raises BadRange."""
    if since < EPOCH:
        raise BadRange("since", "Give a date from the year 1970 on.")
    if until < since:
        raise BadRange("until", "The end lies before the start.")
    if until > at:
        raise BadRange("until", "This time is still to come: a backfill runs ticks of the past.")
    # What is due and not fired yet is about to be, or waits for the job to be resumed.
    coming = schedule.next_fire_at or schedule.held_fire_at
    left_from = coming if coming and coming <= until else None
    walked = walk(schedule.plan, since, left_from - MOMENT if left_from else until)
    rows = _rows(schedule.job_id, walked)
    reaches = _reaches_into(schedule.job_id, walked[0])
    found = sort(walked, rows, include_ran=include_ran, skipped_until=reaches)
    forgotten = _forgotten_until(schedule.job_id, found.first, at)
    return replace(found, left_from=left_from, forgotten_until=forgotten)


def _forgotten_until(job_id: str, first: datetime, at: datetime) -> datetime | None:
    """Before when runs of the job, of which the totals of its days still tell, may have been deleted."""
    kept = [days for code, days in retention.rules().items() if code in _RUNS and days is not None]
    until = at - timedelta(days=min(kept, default=0)) if kept else first
    theirs = JobDay.objects.filter(job=job_id, day__gte=first.astimezone(UTC).date(), day__lt=until.date())
    ran = theirs.filter(Q(succeeded__gt=0) | Q(failed__gt=0) | Q(timed_out__gt=0))
    return until if ran.exists() else None


def _rows(job_id: str, ticks: Sequence[datetime]) -> dict[datetime, Row]:
    first_attempts = Run.objects.filter(job=job_id, scheduled_time__in=ticks, attempt=1)
    rows = list(first_attempts.only("scheduled_time", "start_time", "end_time", "outcome", "skipped_count"))
    idle = [run.pk for run in rows if run.outcome and not run.start_time]
    repeats = Run.objects.filter(replay_of__in=idle).exclude(start_time=None, outcome__isnull=False)
    repeated = set(repeats.values_list("replay_of", flat=True)) if idle else set()
    return {
        run.scheduled_time: Row(run.pk, run.pk not in idle or run.pk in repeated, _reach(run)) for run in rows
    }


def _reaches_into(job_id: str, tick: datetime) -> datetime | None:
    """How far the row before the tick reaches: nothing else was fired within a stretch of skipped ticks."""
    earlier = Run.objects.filter(job=job_id, scheduled_time__lt=tick, trigger=Trigger.SCHEDULE)
    before = earlier.order_by("-scheduled_time").only("end_time", "skipped_count").first()
    return _reach(before) if before else None


def _reach(run: Run) -> datetime | None:
    return run.end_time if (run.skipped_count or 1) > 1 else None
