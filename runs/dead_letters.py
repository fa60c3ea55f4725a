"""What the end of a replay does to the dead letter that it was made for."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from chronos_site.locks import locked
from runs.models import DeadLetter, Run, Trigger


def resolve_replayed(runs: Iterable[Run], at: datetime) -> list[DeadLetter]:
    """Close the pending events whose replays have succeeded in these runs; gives them.

    Call it where runs and jobs are held: events are locked after them.
    """
    replays = _replays(runs)
    events = _events_of(replays)
    for event in events:
        event.status = DeadLetter.Status.RESOLVED
        event.resolved_at = at
        event.resolution_notes = f"Replay {replays[str(event.run_id)].pk} succeeded."
    if events:
        DeadLetter.objects.bulk_update(events, ["status", "resolved_at", "resolution_notes"])
    return events


def without_replays(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Mark the pending events whose replays gave up; gives the letters that are events of their own.

    A replay whose event somebody has closed meanwhile is one.
    """
    replays = _replays(letter.run for letter in letters if letter.run)
    marked = {event.run_id: event.pk for event in _events_of(replays)}
    if marked:
        ended_at = max(letter.created_at for letter in letters)
        DeadLetter.objects.filter(pk__in=marked.values()).update(replay_failed_at=ended_at)
    told = {replays[str(run_id)].pk for run_id in marked}
    return [letter for letter in letters if letter.run_id not in told]


def _replays(runs: Iterable[Run]) -> dict[str, Run]:
    """The replays among the runs, by the run that they repeat."""
    return {run.replay_of_id: run for run in runs if run.trigger == Trigger.REPLAY and run.replay_of_id}


def _events_of(run_ids: Iterable[str]) -> list[DeadLetter]:
    """The pending events of these runs, locked."""
    wanted = list(run_ids)
    if not wanted:
        return []
    return hold(DeadLetter.objects.pending().filter(run_id__in=wanted).values_list("pk", flat=True))


def hold(ids: Iterable[str]) -> list[DeadLetter]:
    """Those of the events that wait for a person, locked by their ids until the transaction ends."""
    # By their keys alone: MariaDB locks rows in the order of the index by which it finds them.
    found = locked(DeadLetter.objects.filter(pk__in=list(ids)).order_by("pk"))
    return [event for event in found if event.status == DeadLetter.Status.PENDING]
