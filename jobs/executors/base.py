"""The contract between the engine and a job type: what goes in, what comes out, how it fails."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.conf import settings

from chronos_site.sealed import Unreadable
from jobs.executors.error_classes import OF_THE_ENGINE, STATUS, chain
from jobs.executors.payload_form import PayloadForm

if TYPE_CHECKING:
    from datetime import datetime

Log = Callable[..., None]


class ExecutionError(Exception):
    """The work failed in a way its type knows.

    `error_class` is one name of the type's vocabulary (`HTTP_503`, `CONNECTION_ERROR`, ...); the
    message is for the person who reads the run. `result` is kept with the run all the same. Who knows
    that trying again makes sense only after some seconds says so in `retry_after`.
    """

    def __init__(
        self,
        error_class: str,
        message: str,
        *,
        exit_code: int | None = None,
        result: Mapping[str, Any] | None = None,
        artefacts: "Sequence[Artefact]" = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.exit_code = exit_code
        self.result = dict(result or {})
        self.artefacts = artefacts
        self.retry_after = retry_after


class DeadlineExceeded(Exception):
    """The run's time is up: the engine settles it as TIMEOUT."""


class Cancelled(Exception):
    """A person asked the run to stop: the engine settles it as CANCELLED."""


@dataclass(frozen=True)
class Payload:
    """What one run works with: the payload's columns that hold something, by their names.

    Reading a column that is empty gives None, and so does one that no present key opens.
    """

    columns: Mapping[str, Any]

    def __post_init__(self) -> None:
        read = {name: value for name, value in self.columns.items() if not isinstance(value, Unreadable)}
        object.__setattr__(self, "columns", MappingProxyType(read))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.columns.get(name)

    @property
    def options(self) -> Mapping[str, Any]:
        """The options without a column of their own (`metadata`)."""
        return self.columns.get("metadata") or {}


def _nothing_to_fill(placeholder: str) -> str:
    raise ExecutionError("PLACEHOLDER_ERROR", f"{{{{ {placeholder} }}}} has no value here.")


def no_figures(name: str, **asked: Any) -> list[dict[str, Any]]:
    raise ExecutionError("REPORT_ERROR", f"There are no figures about {name} here.")


@dataclass(frozen=True)
class Context:
    """Where and until when a run works, and what it may ask for. `deadline` is of `time.monotonic()`.

    `value` gives the text that stands for a placeholder such as `fire.date - 1d`, and raises
    ExecutionError where there is none. `parameters` are what a person gave at run-now or backfill.
    `figures` reads Chronos's own books as the job's owner may see them. `state` is what the job's last
    run remembered.
    """

    run_id: str
    job_id: str
    job_name: str
    scheduled_time: "datetime"
    attempt: int
    deadline: float
    log: Log
    value: Callable[[str], str] = _nothing_to_fill
    parameters: Mapping[str, str] = field(default_factory=dict)
    figures: Callable[..., list[dict[str, Any]]] = no_figures
    state: Mapping[str, Any] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    _closers: list[Callable[[], object]] = field(default_factory=list)
    _closing: threading.RLock = field(default_factory=threading.RLock)
    _remembered: dict[str, Any] = field(default_factory=dict)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Stop here when the run should not go on.

        Raises Cancelled or DeadlineExceeded.
        """
        if self.cancelled.is_set():
            raise Cancelled
        if not self.remaining:
            raise DeadlineExceeded

    def remember(self, **state: Any) -> None:
        """Have these values stored with the run's outcome, whatever it is, as the `state` of the next run."""
        self._remembered.update(state)

    @property
    def remembered(self) -> dict[str, Any]:
        return dict(self._remembered)

    @contextmanager
    def closing(self, close: Callable[[], object]) -> Iterator[None]:
        """While the block runs, call `close` when the work is to stop: it must wake what blocks in it.

        `close` is called from another thread, perhaps more than once, and never after the block.
        """
        self._closers.append(close)
        try:
            self.check()
            yield
        finally:
            # Nothing may be closed for good while it is being woken.
            with self._closing:
                self._closers.remove(close)

    def interrupt(self) -> None:
        """Wake the work from what it blocks in, so that it finds out that it should stop."""
        with self._closing:
            for close in list(self._closers):
                close()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self.cancelled.set()
        self.interrupt()

    def wait(self, seconds: float) -> None:
        """Pass the time, but no longer than the run may live.

        Raises Cancelled or DeadlineExceeded.
        """
        self.cancelled.wait(min(seconds, self.remaining))
        self.check()


@dataclass(frozen=True)
class Artefact:
    """A file that a run leaves behind for people to download."""

    name: str
    content: bytes = field(repr=False)
    media_type: str = "application/octet-stream"


def artefact_limit() -> int:
    """The most bytes that the files of one run may have together."""
    return int(settings.ARTEFACT_LIMIT_MB) * 1_000_000


@dataclass(frozen=True)
class Result:
    """How the work ended well: one line for people, a small JSON object for machines, and files."""

    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    artefacts: Sequence[Artefact] = ()


Execute = Callable[[Payload, Context], Result]


@dataclass(frozen=True)
class JobType:
    """One job type: how it is shown, defined and executed.

    `aliases` maps the keys of import requests to the form's fields. `ceiling` is how many of its runs one
    worker works on at a time. `limit` is the longest a run may take, in seconds, where the job does not say.
    `repeatable` tells whether a run that was lost may be repeated without asking. `remembers` says that
    its runs are told what the last one remembered.
    """

    code: str
    label: str
    hint: str
    icon: str
    form: type[PayloadForm]
    execute: Execute
    aliases: Mapping[str, str] = field(default_factory=dict)
    ceiling: int = 256
    limit: int = 300
    repeatable: Callable[[Payload], bool] = lambda payload: False
    error_classes: tuple[str, ...] = ()
    remembers: bool = False

    @property
    def vocabulary(self) -> list[str]:
        """The classes its runs may fail with and their parents, each after the wider ones it belongs to."""
        names = {wider for name in (*self.error_classes, *OF_THE_ENGINE) for wider in chain(name)}
        return sorted(names, key=lambda name: chain(name)[::-1])

    def may_fail_with(self, name: str) -> bool:
        """Whether the class is one of the vocabulary, or one status, such as HTTP_503, of a class of it."""
        family = chain(name) if STATUS.fullmatch(name) else [name]
        return not set(family).isdisjoint(self.vocabulary)
