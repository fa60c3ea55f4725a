"""What people do with dead letters: one function, one transaction, audited; the bell rings after commit."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from audit.models import record
from chronos_site.locks import locked
from jobs import actions as jobs
from jobs import moves
from jobs.definition import Definition
from jobs.models import Job, JobSchedule
from jobs.moves import Event
from runs import dead_letters, failure_signatures, occurrences
from runs.actions import asked_for
from runs.failure_signatures import Decision
from runs.models import DeadLetter, DeadLetterQuerySet, Run, Trigger
from runs.ring import ring

# Events that one call may act on: each is a row to lock, and what is replayed is to be run.
MOST_LETTERS = 1000
NOT_TO_OTHERS = "Only operators give dead letters to other people."
_DECIDED = {DeadLetter.Status.RESOLVED: "resolved", DeadLetter.Status.IGNORED: "ignored"}


class TooManyLetters(Exception):
    """More events match than may be acted on at once; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__(f"More than {MOST_LETTERS:,} dead letters match: choose fewer, in several steps.")


class NotWaiting(Exception):
    """The event does not wait for what was asked; `str()` is the sentence for the person."""

    def __init__(self, letter: DeadLetter) -> None:
        super().__init__(why_not(letter))


class NotesMissing(Exception):
    """Events are not closed without a word; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__("Say in a note why nothing needs to run any more.")


class ReasonMissing(Exception):
    """What was replayed too often is not replayed again without a word; `str()` is the sentence."""

    def __init__(self) -> None:
        super().__init__("Say in a note why another replay may succeed.")


class CannotSee(Exception):
    """Nobody is given what they may not see; `str()` is the sentence for the person."""

    def __init__(self, person: User) -> None:
        super().__init__(f"{person} may not see the dead letters of this job.")


def why_not(letter: DeadLetter) -> str:
    """Why nothing can be done with the event, or why it cannot be replayed."""
    if letter.status != DeadLetter.Status.PENDING:
        return _closed(letter)
    if letter.run_id is None:
        return "The run of the dead letter is gone: there is nothing to replay."
    if Run.objects.active().filter(trigger=Trigger.REPLAY, replay_of=letter.run_id).exists():
        return f"A replay of the dead letter is in progress{_since(letter.replayed_at)}."
    if letter.replays >= settings.MOST_REPLAYS:
        return f"{too_often()} An operator may still do it, with a note."
    return "Somebody else has acted on the dead letter meanwhile: look at it once more."


def too_often() -> str:
    """What is said of an event that is not to be replayed once more."""
    return f"It was replayed {settings.MOST_REPLAYS} times already."


def _closed(letter: DeadLetter) -> str:
    done = letter.get_status_display().lower()
    if letter.closed_by is None:
        return f"The dead letter is {done} already{_since(letter.resolved_at)}."
    return f"{letter.closed_by} has {done} it{_since(letter.resolved_at, word='at')}."


def _since(at: datetime | None, word: str = "since") -> str:
    return f" {word} {timezone.localtime(at):%H:%M}" if at else ""


def is_replaying() -> Exists:
    """That a replay of an event is in progress, for queries over events."""
    replays = Run.objects.active().filter(trigger=Trigger.REPLAY, replay_of=OuterRef("run"))
    return Exists(replays)


@transaction.atomic
def replay(
    letters: DeadLetterQuerySet,
    *,
    by: User | None,
    at: datetime,
    note: str = "",
    force: bool = False,
    version: int | None = None,
) -> int:
    """Run the occurrences of these pending events once more, as new ones; gives how many.

    Each is an attempt 1 of the job as it is now, or of its `version`, and knows the run that it repeats. An
    event whose replay is in progress, whose run is gone, or that was replayed too often is left as it is;
    the last not with `force`, which is for operators and wants a note.
    Raises TooManyLetters, ReasonMissing and PermissionDenied.
    """
    asked = _asked(letters.filter(_replayable(force, by, note)))
    held = _hold_jobs(asked.values())
    events = _not_replaying(dead_letters.hold(asked))
    schedules = [held[event.job_id].schedule for event in events]
    given = _parameters(events)
    runs = [
        asked_for(
            held[event.job_id],
            Trigger.REPLAY,
            instant,
            at,
            event.run_id,
            given.get(event.run_id),
            version,
        )
        for event, instant in zip(events, occurrences.instants(schedules, at), strict=False)
    ]
    Run.objects.bulk_create(sorted(runs, key=lambda run: run.job_id))
    _tell_of_replay(events, at)
    moves.move({run.job_id for run in runs}, Event.RUN_NOW)
    failure_signatures.decided(events, Decision.REPLAYED, by=by, at=at, notes=note)
    for job_id, group in _by_job(runs).items():
        told = {"runs": [run.pk for run in group], **({"forced": True} if force else {})}
        record(by, "DEAD_LETTERS_REPLAYED", held[job_id], details=told, note=note)
    transaction.on_commit(lambda: ring({run.priority for run in runs}))
    return len(runs)


def _replayable(force: bool, by: User | None, note: str) -> Q:
    """Which events may be replayed at all."""
    there = Q(run__isnull=False)
    if not force:
        return there & Q(replays__lt=settings.MOST_REPLAYS)
    if by and not by.is_operator:
        raise PermissionDenied("Only operators replay what was replayed too often.")
    if not note.strip():
        raise ReasonMissing
    return there


@transaction.atomic
def replay_changed(
    letter: DeadLetter,
    definition: Definition,
    *,
    by: User,
    at: datetime,
    keep: bool,
    note: str = "",
    force: bool = False,
    version: int | None = None,
) -> int:
    """Replay one event with a changed definition of its job: for this once, or, to `keep`, as the job's own.

    What is executed stays as a version of the job either way; one for this once is marked so.
    Raises rights.NotAllowed, jobs.actions.Stale, and what `replay` raises; gives 0 as `replay` does, and then
    leaves the job as it was.
    """
    job = Job.objects.select_related("schedule", "payload", "owner").get(pk=letter.job_id)
    one = DeadLetter.objects.filter(pk=letter.pk)
    if keep:
        jobs.edit(job, definition, by=by, at=at, note=note, version=version)
        done = replay(one, by=by, at=at, note=note, force=force)
    else:
        # Before its number is looked for: two of them must not find the same.
        _hold_jobs([job.pk])
        kept = jobs.keep_once(job, definition, by=by, note=f"For a replay of dead letter {letter.pk}")
        done = replay(one, by=by, at=at, note=note, force=force, version=kept.version)
    if not done:
        # Who is told that nothing was replayed does not look for a change of the job.
        transaction.set_rollback(True)
    return done


def _asked(letters: DeadLetterQuerySet) -> dict[str, str]:
    """The pending ones of the events, with the job of each."""
    found = dict(letters.pending().order_by("pk").values_list("pk", "job_id")[: MOST_LETTERS + 1])
    if len(found) > MOST_LETTERS:
        raise TooManyLetters
    return found


def _hold_jobs(job_ids: Iterable[str]) -> dict[str, Job]:
    """The jobs as they are now; nobody changes them or their schedules until the transaction ends."""
    ids = set(job_ids)
    plans = list(JobSchedule.objects.filter(job_id__in=ids).values_list("pk", flat=True))
    list(locked(JobSchedule.objects.filter(pk__in=plans).order_by("pk")))
    held = moves.hold(ids)
    return {job.pk: job for job in Job.objects.select_related("schedule").filter(pk__in=held)}


def _parameters(events: list[DeadLetter]) -> dict[str | None, dict[str, str]]:
    """What the runs of these events were given, by their ids; those that were given nothing are left out."""
    runs = Run.objects.filter(pk__in=[each.run_id for each in events], parameters__isnull=False)
    return {pk: given for pk, given in runs.values_list("pk", "parameters") if given}


def _not_replaying(events: list[DeadLetter]) -> list[DeadLetter]:
    replays = Run.objects.active().filter(trigger=Trigger.REPLAY)
    busy = set(
        replays.filter(replay_of__in=[each.run_id for each in events]).values_list("replay_of", flat=True)
    )
    return [event for event in events if event.run_id not in busy]


def _tell_of_replay(events: list[DeadLetter], at: datetime) -> None:
    ids = [event.pk for event in events]
    DeadLetter.objects.filter(pk__in=ids).update(
        replays=F("replays") + 1, replayed_at=at, replay_failed_at=None
    )


Row = TypeVar("Row", Run, DeadLetter)


def _by_job(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.job_id, []).append(row)
    return groups


def resolve(letters: DeadLetterQuerySet, *, by: User | None, at: datetime, notes: str) -> int:
    """Close these pending events as mended; gives how many. Raises TooManyLetters and NotesMissing."""
    return _close(letters, DeadLetter.Status.RESOLVED, by=by, at=at, notes=notes)


def ignore(letters: DeadLetterQuerySet, *, by: User | None, at: datetime, notes: str) -> int:
    """Close these pending events as of no matter; gives how many. Raises TooManyLetters and NotesMissing."""
    return _close(letters, DeadLetter.Status.IGNORED, by=by, at=at, notes=notes)


@transaction.atomic
def _close(
    letters: DeadLetterQuerySet, status: DeadLetter.Status, *, by: User | None, at: datetime, notes: str
) -> int:
    if not notes.strip():
        raise NotesMissing
    events = dead_letters.hold(_asked(letters))
    DeadLetter.objects.filter(pk__in=[event.pk for event in events]).update(
        status=status, resolved_at=at, resolution_notes=notes, closed_by=by
    )
    failure_signatures.decided(events, Decision(status), by=by, at=at, notes=notes)
    _tell(events, f"DEAD_LETTERS_{status}", by=by, note=notes)
    return len(events)


@transaction.atomic
def reopen(letters: DeadLetterQuerySet, *, closed_at: datetime, by: User | None) -> int:
    """Let events that were closed at that instant wait for a person again; gives how many."""
    found = letters.filter(status__in=_DECIDED, resolved_at=closed_at).order_by("pk")
    ids = list(found.values_list("pk", flat=True))
    held = [
        event
        for event in locked(DeadLetter.objects.filter(pk__in=ids).order_by("pk"))
        if event.resolved_at == closed_at
    ]
    DeadLetter.objects.filter(pk__in=[event.pk for event in held]).update(
        status=DeadLetter.Status.PENDING, resolved_at=None, resolution_notes=None, closed_by=None
    )
    for status, column in _DECIDED.items():
        if events := [event for event in held if event.status == status]:
            failure_signatures.reopened(events, column)
    _tell(held, "DEAD_LETTERS_REOPENED", by=by)
    return len(held)


def refuse_others(address: str, *, by: User) -> None:
    """Refuse who gives dead letters to somebody else before anybody is looked for by the address.

    Who has an account here is not for everyone to find out. Raises PermissionDenied.
    """
    if address and not by.is_operator and address.casefold() != by.email.casefold():
        raise PermissionDenied(NOT_TO_OTHERS)


@transaction.atomic
def assign(letters: DeadLetterQuerySet, *, to: User | None, by: User, at: datetime) -> int:
    """Give these pending events to somebody to look after, or to nobody; gives how many.

    Operators give them to anybody who may see them; others take them themselves, or let go what is theirs.
    Raises TooManyLetters, CannotSee and PermissionDenied.
    """
    if not by.is_operator and to not in (by, None):
        raise PermissionDenied(NOT_TO_OTHERS)
    events = dead_letters.hold(_asked(letters))
    if not by.is_operator and to is None:
        events = [event for event in events if event.assignee_id == by.pk]
    if to and not to.is_operator and _of_others(events, to):
        raise CannotSee(to)
    DeadLetter.objects.filter(pk__in=[event.pk for event in events]).update(assignee=to)
    _tell(events, "DEAD_LETTERS_ASSIGNED", by=by, to=to.email if to else None)
    return len(events)


def _of_others(events: list[DeadLetter], person: User) -> bool:
    return Job.objects.filter(pk__in={event.job_id for event in events}).exclude(owner=person).exists()


def _tell(
    events: list[DeadLetter], action: str, *, by: User | None, note: str = "", **more: str | None
) -> None:
    """Write it down, once for each job."""
    found = Job.objects.in_bulk({event.job_id for event in events})
    for job_id, group in _by_job(events).items():
        told = {"letters": [event.pk for event in group], **more}
        record(by, action, found[job_id], details=told, note=note)
