"""Dead letters as the pages of jobs and runs show them: with how their last replay goes."""

from collections.abc import Iterable
from dataclasses import dataclass

from runs.models import DeadLetter, Run, Trigger


@dataclass(frozen=True)
class Letter:
    """One event and the last attempt of its last replay."""

    event: DeadLetter
    replay: Run | None = None

    @property
    def pending(self) -> bool:
        return self.event.status == DeadLetter.Status.PENDING

    @property
    def replaying(self) -> bool:
        return self.replay is not None and not self.replay.outcome

    @property
    def failed(self) -> bool:
        """Whether the last replay gave up."""
        return self.event.replay_failed_at is not None and not self.replaying


def letters(events: Iterable[DeadLetter]) -> list[Letter]:
    """The events with their replays, which cost one query where there are any."""
    found = list(events)
    repeated = [event.run_id for event in found if event.replays and event.run_id]
    replays: dict[str | None, Run] = {}
    if repeated:
        rows = Run.objects.filter(replay_of__in=repeated, trigger=Trigger.REPLAY)
        for run in rows.order_by("scheduled_time", "attempt").only("replay_of", "outcome"):
            replays[run.replay_of_id] = run
    return [Letter(event, replays.get(event.run_id)) for event in found]
