"""How runs end: the only place that writes an outcome."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from random import random
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Case, Q, When

from chronos_site import rows
from chronos_site.locks import locked
from chronos_site.logs import first_line
from chronos_site.schema import new_ulid
from jobs import memories, moves, retries
from jobs.executors.base import Artefact
from jobs.executors.error_classes import chain
from jobs.models import JobVersion
from runs import acknowledgements, artefacts, failure_signatures, signals, stats
from runs.dead_letters import resolve_replayed, without_replays
from runs.models import DeadLetter, Outcome, Run, Skip, Trigger
from runs.signature import signature
from runs.storable import plain, result, text

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 4000
CLASS_LIMIT = 64
WORKER_LOST = "WORKER_LOST"
# A run that was lost with its worker so often may well be what ends its workers.
MOST_LOSSES = 3
# Runs that were lost together twice start again this far apart, so that the one at fault is lost alone.
APART = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Ended:
    """One run and how it ended. `duration_ms` is None for a run that never started.

    `repeat` says whether the run may be tried again at all. One that was lost with its worker then is,
    whatever its retry policy says, and the attempt does not count. `type_code` is the job's type, if known.
    `retry_after` is the least number of seconds before a retry makes sense. `remembered` is what the job's
    next run is to be told, `recalled` what this one had been told.
    """

    run: Run
    outcome: Outcome
    at: datetime
    error_class: str = ""
    error_message: str = ""
    exit_code: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    repeat: bool = True
    type_code: str = ""
    artefacts: Sequence[Artefact] = ()
    retry_after: float | None = None
    remembered: Mapping[str, Any] = field(default_factory=dict)
    recalled: Mapping[str, Any] = field(default_factory=dict)

    @property
    def duration_ms(self) -> int | None:
        return (
            round((self.at - self.run.start_time) / timedelta(milliseconds=1))
            if self.run.start_time
            else None
        )

    @property
    def failed(self) -> bool:
        return self.outcome in (Outcome.FAILURE, Outcome.TIMEOUT)

    @cached_property
    def signature(self) -> str:
        """What its failure shares with those like it."""
        return signature(self.error_class, self.error_message)

    @property
    def counted(self) -> stats.End:
        """The same for the totals; a clock that was put back makes no negative times."""
        waited = self.run.waited
        waited_ms = int(waited.total_seconds() * 1000) if waited else 0
        took_ms = self.duration_ms or 0
        return stats.End(self.run.job_id, self.outcome, self.at, max(took_ms, 0), max(waited_ms, 0))


@transaction.atomic
def settle(group: Sequence[Ended]) -> set[str]:
    """Write the outcomes of a group of runs with all that follows; gives the ids of the runs it settled.

    A run that has an outcome, or that another worker holds by now, is left alone: its claim token
    no longer fits. What follows: the retry or the dead letter, a waiting run of the same job
    released, the job's status, the totals.
    """
    settled = _write([_storable(ended) for ended in group])
    # Of a job's runs that end in one moment the newest tick's is the last.
    outcomes = {ended.run.job_id: ended.outcome for ended in sorted(settled, key=_age)}
    # Held from here on: two runs of one job that end at once must see each other's end.
    moves.hold(outcomes)
    _keep(settled)
    again, letters = _follow_up([ended for ended in settled if ended.failed])
    mended: list[DeadLetter] = []
    if settled:
        at = max(ended.at for ended in settled)
        good = [ended.run for ended in settled if ended.outcome == Outcome.SUCCESS]
        mended = resolve_replayed(good, at)
        acknowledgements.recovered({run.job_id for run in good}, at)
        release(set(outcomes), at)
    moves.finish(outcomes)
    types = _types(settled)
    transaction.on_commit(lambda: _tell(settled, types))
    failure_signatures.seen(letters, mended=mended)
    if settled:
        made = {str(letter.run_id): letter.pk for letter in letters}
        signals.settled.send(Run, group=signals.Settled(settled, again, made))
    stats.write((ended.counted for ended in settled), types)
    return {ended.run.pk for ended in settled}


def _age(ended: Ended) -> tuple[datetime, datetime]:
    return ended.at, ended.run.scheduled_time


def settle_apart(group: Sequence[Ended]) -> set[str]:
    """Settle the group, or each of it on its own where together they fail; gives the ids as `settle` does.

    A run that cannot be settled is told of in the log, and spoils no other's outcome. A database that
    is away still raises.
    """
    try:
        return settle(group)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # whatever it is, it is one run's, and the others need their outcome
        if len(group) == 1:
            logger.exception("run cannot be settled", extra=group[0].run.log_fields)
            return set()
    return set().union(*(settle_apart([ended]) for ended in group))


def _tell(settled: Iterable[Ended], types: Mapping[str, str]) -> None:
    """Say in our own log how runs ended: what failed to everyone, the rest to who asks for it."""
    for ended in settled:
        level = logging.WARNING if ended.failed else logging.DEBUG
        if not logger.isEnabledFor(level):
            continue
        why = f": {ended.error_class}: {first_line(ended.error_message)}" if ended.failed else ""
        fields = {
            **ended.run.log_fields,
            "type": types.get(ended.run.job_id),
            "worker": ended.run.worker_id,
            "outcome": str(ended.outcome),
            **({"error_class": ended.error_class} if ended.failed else {}),
        }
        logger.log(level, "run ended %s%s", ended.outcome.value, why, extra=fields)


def _types(settled: Iterable[Ended]) -> dict[str, str]:
    """The jobs' types: asked for only where who ended the runs did not know them."""
    known = {ended.run.job_id: ended.type_code for ended in settled if ended.type_code}
    return known | stats.types_of({ended.run.job_id for ended in settled} - known.keys())


def _storable(ended: Ended) -> Ended:
    """The same with what came from the work as every database can store it."""
    if not (ended.error_class or ended.error_message or ended.exit_code):
        return ended
    return replace(
        ended,
        error_class=text(ended.error_class)[:CLASS_LIMIT],
        error_message=text(ended.error_message),
        exit_code=_exit_code(ended.exit_code),
    )


def _exit_code(code: object) -> int | None:
    """The code as an integer column holds it; no system knows larger ones."""
    return code if isinstance(code, int) and abs(code) < 2**31 else None


@dataclass(slots=True)
class NewRun:
    """What is stored of a run when it is fired; one of the model's takes longer to make than to store."""

    job_id: str
    scheduled_time: datetime
    available_at: datetime | None
    version: int
    priority: int
    id: str = field(default_factory=new_ulid)
    end_time: datetime | None = None
    outcome: str | None = None
    skip_reason: str | None = None
    skipped_count: int | None = None


def skip(run: NewRun, reason: Skip, at: datetime, count: int = 1) -> NewRun:
    """The run as a row that says why its tick, or a stretch of `count` ticks, did not run."""
    run.outcome = Outcome.CANCELLED.value
    run.skip_reason = reason.value
    run.skipped_count = count
    run.end_time = at
    return run


def hold_active(job_ids: Iterable[str], *, lines: Iterable[str] = ()) -> None:
    """Lock what these jobs have waiting and running, and the heads of those lines, until the end.

    Whoever ends runs, asks them to stop or lets them go locks them first, in one order, before the jobs.
    """
    found = list(Run.objects.active().filter(job_id__in=list(job_ids)).values_list("pk", flat=True))
    found += _first_waiting(lines).values()
    # By their keys alone: MariaDB locks rows in the order of the index by which it finds them.
    list(locked(Run.objects.filter(pk__in=found).order_by("pk")).values_list("pk"))


def cancel_pending(
    job_ids: Iterable[str], at: datetime, *, reason: Skip | None = None, spare: Trigger | None = None
) -> Counter[str]:
    """End what these jobs have waiting, but for what `spare` started, as CANCELLED; gives each job's number.

    Call it in a transaction that holds these runs, and count them in the totals as its last thing.
    """
    pending = Run.objects.pending().filter(job_id__in=list(job_ids)).exclude(trigger=spare)
    waiting = dict(pending.values_list("pk", "job_id"))
    fields = {"skip_reason": reason, "skipped_count": 1} if reason else {}
    Run.objects.pending().filter(pk__in=waiting).update(outcome=Outcome.CANCELLED, end_time=at, **fields)
    return Counter(waiting.values())


def ask_to_stop(job_ids: Iterable[str], at: datetime, *, spare: Trigger | None = None) -> Counter[str]:
    """Ask the workers of these jobs' running runs to stop them, but for what `spare` started.

    Gives each job's number. Call it in a transaction that holds these runs.
    """
    running = Run.objects.running().filter(job_id__in=list(job_ids), cancel_requested_at=None)
    asked = dict(running.exclude(trigger=spare).values_list("pk", "job_id"))
    Run.objects.running().filter(pk__in=asked).update(cancel_requested_at=at)
    return Counter(asked.values())


_WRITTEN = (
    "end_time",
    "outcome",
    "exit_code",
    "error_message",
    "duration_ms",
    "error_class",
    "signature",
    "result",
    "lease_expires_at",
)


def _write(group: Sequence[Ended]) -> list[Ended]:
    """Write the outcomes of those runs that are still open and still ours; gives these."""
    # With them those that may be let go: nobody waits for a run while holding its job.
    heads = _first_waiting({ended.run.job_id for ended in group}).values()
    # By their keys alone, as in hold_active.
    wanted = Run.objects.filter(pk__in=[*(ended.run.pk for ended in group), *heads]).order_by("pk")
    asked = locked(wanted).values_list("pk", "claim_token", "cancel_requested_at", "outcome")
    holders = {pk: (token, cancel) for pk, token, cancel, outcome in asked if outcome is None}
    ours: list[Ended] = []
    for ended in group:
        token, cancel = holders.get(ended.run.pk, ("", None))
        if token == ended.run.claim_token:
            # A request to stop that came after the claim forbids the retry all the same.
            ended.run.cancel_requested_at = cancel
            ours.append(ended)
    rows.update(Run, _WRITTEN, [_row(ended) for ended in ours], where="outcome IS NULL")
    return ours


def _row(ended: Ended) -> tuple[Any, ...]:
    return (
        rows.stored(ended.at),
        ended.outcome.value,
        ended.exit_code,
        ended.error_message[:MESSAGE_LIMIT] or None,
        ended.duration_ms,
        ended.error_class or None,
        ended.signature if ended.failed else None,
        result(ended.result) if ended.result else None,
        None,
        ended.run.pk,
    )


def _keep(settled: Sequence[Ended]) -> None:
    """Store the files that these runs left behind, and what they have their jobs remember."""
    artefacts.keep([(ended.run.pk, each) for ended in settled for each in ended.artefacts])
    memories.remember(
        memories.Lesson(ended.run.job_id, ended.run.scheduled_time, plain(ended.remembered), ended.recalled)
        for ended in settled
        if ended.remembered
    )


def _follow_up(failures: Sequence[Ended]) -> tuple[frozenset[str], list[DeadLetter]]:
    """Make retries and dead letters; gives the ids of what is tried again, and the letters."""
    if not failures:
        return frozenset(), []
    policies = _policies(failures)
    losses = _losses(failures)
    again: list[Run] = []
    letters: list[DeadLetter] = []
    tried: set[str] = set()
    for ended in failures:
        policy = policies.get((ended.run.job_id, ended.run.version), {})
        lost = losses[ended.run.job_id, ended.run.scheduled_time]
        if _retries(ended, policy, lost):
            again.append(_next_attempt(ended, policy, lost, place=len(again)))
            tried.add(ended.run.pk)
        else:
            letters.append(_dead_letter(ended))
    Run.objects.bulk_create(again)
    return frozenset(tried), DeadLetter.objects.bulk_create(without_replays(letters))


def _policies(failures: Sequence[Ended]) -> dict[tuple[str, int], dict[str, Any]]:
    job_ids = {ended.run.job_id for ended in failures}
    wanted = {ended.run.version for ended in failures}
    versions = JobVersion.objects.filter(job_id__in=job_ids, version__in=wanted)
    found = versions.values_list("job_id", "version", "definition__retry")
    return {(job_id, version): policy or {} for job_id, version, policy in found}


def _losses(failures: Sequence[Ended]) -> Counter[tuple[str, datetime]]:
    """How many attempts of each occurrence were lost with their worker, these ones included."""
    seen = [ended.run for ended in failures if ended.run.attempt > 1 or ended.error_class == WORKER_LOST]
    if not seen:
        return Counter()
    lost = Run.objects.filter(
        job_id__in={run.job_id for run in seen},
        scheduled_time__in={run.scheduled_time for run in seen},
        error_class=WORKER_LOST,
    )
    return Counter(lost.values_list("job_id", "scheduled_time"))


def _retries(ended: Ended, policy: Mapping[str, Any], lost: int) -> bool:
    if not ended.repeat or ended.run.cancel_requested_at:
        return False
    if ended.error_class == WORKER_LOST:
        # Not the work's fault, unless it happens again and again.
        return lost < MOST_LOSSES
    attempts_left = ended.run.attempt - lost < policy.get("max_attempts", 1)
    return attempts_left and retries.matches(policy.get("retry_on"), chain(ended.error_class))


def _next_attempt(ended: Ended, policy: Mapping[str, Any], lost: int, *, place: int) -> Run:
    run = ended.run
    wait = APART * place if lost > 1 else timedelta()
    if ended.error_class != WORKER_LOST:
        wait = retries.delay(policy["backoff_strategy"], policy["backoff_seconds"], run.attempt - lost)
    if policy.get("jitter"):
        wait = retries.spread(wait, random())  # noqa: S311 (it keeps calls apart, not secrets)
    if ended.retry_after:
        wait = max(wait, min(timedelta(seconds=ended.retry_after), retries.LONGEST))
    return Run(
        job_id=run.job_id,
        scheduled_time=run.scheduled_time,
        available_at=ended.at + wait,
        attempt=run.attempt + 1,
        # What a person asked for is known as such to its end.
        trigger=run.trigger if run.trigger in (Trigger.REPLAY, Trigger.BACKFILL) else Trigger.RETRY,
        version=run.version,
        priority=run.priority,
        parameters=run.parameters,
        replay_of_id=run.replay_of_id,
    )


def _dead_letter(ended: Ended) -> DeadLetter:
    reason = f"{ended.error_class}: {ended.error_message}"[:MESSAGE_LIMIT]
    return DeadLetter(
        job_id=ended.run.job_id,
        run=ended.run,
        failure_reason=reason,
        signature=ended.signature,
        created_at=ended.at,
    )


def release(job_ids: Iterable[str], at: datetime) -> None:
    """Let the first run that waits for its predecessor start, where no run of the job is in its way.

    Ticks go before what a backfill left waiting. A retry that is not due yet is in nobody's way. Call
    it in a transaction that holds the heads of the jobs' lines, and then the jobs.
    """
    first = _first_waiting(job_ids)
    if not first:
        return
    going = Q(start_time__isnull=False) | Q(attempt=1, available_at__isnull=False) | Q(available_at__lte=at)
    busy = set(Run.objects.active().filter(going, job_id__in=first).values_list("job_id", flat=True))
    # Looked up first: MariaDB's UPDATE would wait for whatever row it passes on its search.
    free = [pk for job_id, pk in first.items() if job_id not in busy]
    if free:
        Run.objects.filter(pk__in=free).update(available_at=at)


def _first_waiting(job_ids: Iterable[str]) -> dict[str, str]:
    """The head of each job's line."""
    waiting = Run.objects.pending().filter(job_id__in=list(job_ids), available_at=None)
    last = Case(When(trigger=Trigger.BACKFILL, then=1), default=0)
    first: dict[str, str] = {}
    for job_id, pk in waiting.order_by("job_id", last, "scheduled_time").values_list("job_id", "pk"):
        first.setdefault(job_id, pk)
    return first
