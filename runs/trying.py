"""A worker's trials: taken now and then beside its runs, executed in the same threads."""

import json
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from jobs import memories, vault
from jobs.executors import placeholders
from runs import figures, trials
from runs.execution import OVERTIME_SECONDS, End, Execution, Given
from runs.models import Outcome
from runs.settle import CLASS_LIMIT, MESSAGE_LIMIT, WORKER_LOST
from runs.storable import result, text
from runs.trials import Trial

LOOK_SECONDS = 0.5
RENEW_SECONDS = 2.0
LINE_LIMIT = 4_000


@dataclass
class Notebook:
    """The log of one trial, cut after so many lines."""

    lines: list[dict[str, str]] = field(default_factory=list)
    written: int = 0
    _lock: Lock = field(default_factory=Lock)

    def log(self, level: str, message: str, **_: Any) -> None:
        with self._lock:
            if len(self.lines) < trials.LINES:
                self.lines.append(_line(level, text(message)[:LINE_LIMIT]))
            elif len(self.lines) == trials.LINES:
                self.lines.append(_line("WARN", f"Log cut here: a trial keeps {trials.LINES} lines."))

    def fresh(self) -> list[dict[str, str]] | None:
        """All lines, when there are some that were not written yet."""
        lines = list(self.lines)
        if len(lines) == self.written:
            return None
        self.written = len(lines)
        return lines


def _line(level: str, message: str) -> dict[str, str]:
    return {"at": datetime.now(UTC).isoformat(), "level": level, "message": message}


@dataclass
class Attempt:
    """One trial in progress; `end` is there once its thread has come back."""

    execution: Execution
    notes: Notebook
    end: End | None = None


class Trying:
    """The trials that one worker works on; only the drain's own thread calls it.

    `leave_behind` is told of how many threads it gives up.
    """

    def __init__(self, worker: str, pool: Executor, leave_behind: Callable[[int], None]) -> None:
        self._worker = worker
        self._pool = pool
        self._leave_behind = leave_behind
        self._attempts: dict[str, Attempt] = {}
        self._look_at = 0.0
        self._renew_at = 0.0

    def __len__(self) -> int:
        return len(self._attempts)

    def step(self, free: int) -> bool:
        """Take what waits, show what was logged, end what is done; True while there are trials."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            for trial in trials.take(self._worker, free):
                self._begin(trial)
            self._stop(trials.to_stop(list(self._attempts)) if self._attempts else set())
        if self._attempts and now >= self._renew_at:
            self._renew_at = now + RENEW_SECONDS
            trials.renew(self._attempts)
        for trial_id, attempt in list(self._attempts.items()):
            self._watch(trial_id, attempt)
        return bool(self._attempts)

    def _begin(self, trial: Trial) -> None:
        notes = Notebook()
        asked = placeholders.secrets(trial.definition["payload"])
        zone = trial.definition["schedule"].get("timezone") or "UTC"
        given = Given(
            parameters=trial.parameters,
            # Told what runs remember, it does not do all of their work again; what it comes to is not kept.
            state=memories.recall([trial.job_id]).get(trial.job_id, {}) if trial.job_id else {},
            secrets=vault.reveal(asked, owner_id=trial.owner_id),
            figures=figures.trial_reader(trial.owner_id, zone),
        )
        execution = Execution(
            trial.definition,
            notes.log,
            given,
            run_id=trial.pk,
            job_id=trial.job_id or trial.pk,
            tick=trial.created_at,
        )
        attempt = self._attempts[trial.pk] = Attempt(execution, notes)
        notes.log("INFO", f"Tried on {self._worker}")
        self._pool.submit(self._execute, attempt)

    @staticmethod
    def _execute(attempt: Attempt) -> None:
        attempt.end = attempt.execution.run()

    def _stop(self, unwanted: set[str]) -> None:
        for trial_id in unwanted:
            self._attempts[trial_id].execution.context.cancel()

    def _watch(self, trial_id: str, attempt: Attempt) -> None:
        late = time.monotonic() - attempt.execution.context.deadline
        if late > 0:
            attempt.execution.context.interrupt()
        if attempt.end:
            self._end(trial_id, attempt, attempt.end)
        elif late > OVERTIME_SECONDS:
            self._leave_behind(1)
            self._end(trial_id, attempt, attempt.execution.timed_out())
        elif lines := attempt.notes.fresh():
            trials.tell(trial_id, lines)

    def _end(self, trial_id: str, attempt: Attempt, end: End) -> None:
        trials.end(trial_id, end.outcome, list(attempt.notes.lines), **_told(end.fields))
        del self._attempts[trial_id]

    def interrupt(self) -> None:
        """The worker stops: what is left ends as lost."""
        for trial_id, attempt in list(self._attempts.items()):
            attempt.execution.context.cancel()
            told = {
                "error_class": WORKER_LOST,
                "error_message": "The worker was stopped before it had ended.",
            }
            self._end(trial_id, attempt, End(Outcome.FAILURE, told))


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    """What a trial shows of how it ended: of files only that they were made."""
    kept = json.loads(result(fields.get("result") or {}))
    if files := fields.get("artefacts"):
        kept["files"] = [{"name": text(each.name), "bytes": len(each.content)} for each in files]
    return {
        "error_class": text(fields.get("error_class") or "")[:CLASS_LIMIT],
        "error_message": text(fields.get("error_message") or "")[:MESSAGE_LIMIT],
        "result": kept,
    }
