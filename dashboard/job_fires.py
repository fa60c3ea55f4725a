"""The last fires that a job's schedule meant, and why some of them did not run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from dashboard import wording
from dashboard.charts import Mark
from jobs.models import Job, Overlap
from runs import history
from runs.history import Durations
from runs.models import Run, Skip, Trigger

FIRES, REASONS_SHOWN = 60, 5
SAMPLE = 500
_STEP, _WIDTH, _LINE, _UP, _DOWN = 13.0, 10.0, 20.0, 16.0, 14.0
_WHY = {
    Skip.MISFIRE: "It was missed: no scheduler fired it in time.",
    Skip.OVERLAP: "The run before it was not over.",
    Skip.PAUSED: "The job was paused.",
    Skip.WINDOW: "It was missed, and by then its schedule had ended.",
    Skip.CATCH_UP_CAP: "Too many were missed: only the newest were made up for.",
}
_MEANWHILE = {
    Overlap.SKIP: "what fires meanwhile is skipped",
    Overlap.QUEUE: "what fires meanwhile waits, one at most",
    Overlap.ALLOW: "they run side by side",
    Overlap.CANCEL_RUNNING: "each is stopped by the next one",
}


@dataclass(frozen=True)
class Fire:
    """One fire: the last attempt at it, or the row that says why there was none."""

    run: Run
    x: float = 0.0

    @property
    def mark(self) -> Mark:
        """What ran stands on the line, what broke hangs below it, what did not run is a ring on it."""
        x, narrow = self.x, _WIDTH - 1
        match self.run.state:
            case "SUCCESS":
                return Mark("hit f-ok", x, _LINE - _UP, _WIDTH, _UP)
            case "FAILURE":
                return Mark("hit f-bad", x, _LINE + 1, _WIDTH, _DOWN)
            case "TIMEOUT":
                return Mark("f-to", x + 0.5, _LINE + 1.5, narrow, _DOWN - 1)
            case "SKIPPED":
                return Mark("f-next", x + _WIDTH / 2, _LINE - 5, r=3.5)
            case "RUNNING":
                return Mark("hit f-now", x, _LINE - _UP, _WIDTH, _UP)
            case "PENDING":
                return Mark("f-next", x + 0.5, _LINE - _UP + 0.5, narrow, _UP - 1)
            case _:
                return Mark("hit f-can", x, _LINE - 4, _WIDTH, 4)

    @property
    def count(self) -> int:
        """For how many fires in a row the row stands."""
        return self.run.skipped_count or 1

    @property
    def why(self) -> str:
        """Why it did not run; empty where it did."""
        told = getattr(self.run, "why", None)
        return told or _WHY[Skip(self.run.skip_reason)] if self.run.skip_reason else ""


@dataclass(frozen=True)
class Fires:
    """The newest fires of a schedule, oldest first, and how long the newest runs took."""

    shown: Sequence[Fire]
    runs: Sequence[Run]

    @classmethod
    def read(cls, job: Job) -> "Fires":
        runs = history.of_job(job, SAMPLE)
        meant = list(_meant(runs))[:FIRES][::-1]
        start = _STEP * (FIRES - len(meant))
        return cls([Fire(run, round(start + _STEP * n, 1)) for n, run in enumerate(meant)], runs)

    @property
    def left_out(self) -> list[Fire]:
        """Those that did not run, newest first."""
        return [fire for fire in self.shown[::-1] if fire.run.skip_reason]

    @property
    def reasons(self) -> list[Fire]:
        return self.left_out[:REASONS_SHOWN]

    @property
    def words(self) -> str:
        """57 of the last 60 fires ran."""
        total, ran = len(self.shown), len(self.shown) - len(self.left_out)
        if total == 1:
            return "The only fire ran" if ran else "The only fire did not run"
        return f"{'All' if ran == total else ran} of the last {total} fires ran"

    def took(self, since: datetime) -> Durations | None:
        """How long the runs took that were due since then, as far as the newest ones tell."""
        return history.durations(run for run in self.runs if run.scheduled_time >= since)

    @property
    def is_cut(self) -> bool:
        """Whether there may be more runs than were looked at."""
        return len(self.runs) == SAMPLE


def _meant(runs: Iterable[Run]) -> Iterable[Run]:
    """The last attempt at each fire of the schedule, given newest first."""
    for _, attempts in groupby(runs, key=lambda run: run.scheduled_time):
        newest, *earlier = attempts
        if Trigger.SCHEDULE in (newest.trigger, *(run.trigger for run in earlier)):
            yield newest


def too_slow(ticks: Sequence[datetime], took: Durations | None, overlap: str) -> str:
    """What happens because slow runs outlast the time between two fires; empty where they do not."""
    gaps = [after - before for before, after in pairwise(ticks)]
    if not gaps or took is None or timedelta(milliseconds=took.p95) <= min(gaps):
        return ""
    between = wording.rough_span(int(min(gaps).total_seconds()))
    meanwhile = _MEANWHILE[Overlap(overlap)]
    return f"Slow runs take {wording.duration(took.p95)}, but it fires every {between}: {meanwhile}."
