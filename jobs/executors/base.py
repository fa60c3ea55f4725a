"""The contract between the engine and a job type: what goes in, what comes out, how it fails."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from jobs.executors import placeholders
from jobs.executors.error_classes import OF_THE_ENGINE, STATUS, chain
from jobs.executors.fields import JsonField, TextField
from jobs.executors.samples import Samples, Shape

if TYPE_CHECKING:
    from datetime import datetime

Log = Callable[..., None]
# Different ones in one payload: each is looked for in the whole of it while a form is checked.
MOST_PLACEHOLDERS = 300


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

    Reading a column that is empty gives None.
    """

    columns: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

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

        `close` is called from another thread, perhaps more than once.
        """
        self._closers.append(close)
        try:
            self.check()
            yield
        finally:
            self._closers.remove(close)

    def interrupt(self) -> None:
        """Wake the work from what it blocks in, so that it finds out that it should stop."""
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


@dataclass(frozen=True)
class FieldGroup:
    """Fields of a form that are shown together, under a title."""

    title: str
    fields: list[forms.BoundField]

    @property
    def is_open(self) -> bool:
        """Whether one of them says something, or is wrong."""
        return any(each.errors or _typed(each) != _typed_by(each, each.field.initial) for each in self.fields)


def _typed(bound: forms.BoundField) -> str:
    return _typed_by(bound, bound.value())


def _typed_by(bound: forms.BoundField, value: Any) -> str:
    return str(bound.field.prepare_value(value) or "")


class PayloadForm(forms.Form):
    """The fields of one job type's payload.

    A field's name is the payload's column, or an option kept in the JSON column `options_column`. Texts
    may hold placeholders: they are checked with something in their place that fits the field. Those of
    the fields in `binds` the type replaces itself, since text must never be pasted into them.
    """

    options: ClassVar[tuple[str, ...]] = ()
    options_column: ClassVar[str] = "metadata"
    # Fields that few jobs need, under a title that opens them.
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    binds: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, filled: bool = False, **kwargs: Any) -> None:
        """`filled` says that whatever looks like a placeholder is meant as it stands."""
        super().__init__(*args, **kwargs)
        self.filled = filled

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """The fields that stand in no group."""
        grouped = {name for names in self.groups.values() for name in names}
        return [self[name] for name in self.fields if name not in {*grouped, self.options_column}]

    @property
    def field_groups(self) -> list[FieldGroup]:
        return [FieldGroup(title, [self[name] for name in names]) for title, names in self.groups.items()]

    def full_clean(self) -> None:
        said = {} if self.filled or not self.is_bound else self._with_placeholders()
        if sum(len(placeholders.find(value)) for value in said.values()) > MOST_PLACEHOLDERS:
            super().full_clean()
            self.add_error(
                next(iter(said)), f"A job uses {MOST_PLACEHOLDERS} different placeholders at most."
            )
            return
        pasted = {name: value for name, value in said.items() if name not in self.binds}
        if pasted:
            self._clean_with_samples(pasted)
        else:
            super().full_clean()
        for name, value in said.items():
            try:
                placeholders.check(value)
            except placeholders.Unknown as unknown:
                self.add_error(name, str(unknown))

    def _with_placeholders(self) -> dict[str, Any]:
        raw = {
            name: self[name].data
            for name, field in self.fields.items()
            if isinstance(field, TextField | JsonField)
        }
        return {name: value for name, value in raw.items() if placeholders.find(value)}

    def _clean_with_samples(self, said: Mapping[str, Any]) -> None:
        """Clean the fields with samples in the place of placeholders, which then come back."""
        typed = self.data
        sampled: dict[str, Samples] = {}
        # Numbers of one width: none of them is the beginning of another.
        first = 100
        for name, value in said.items():
            sampled[name] = self._samples(self.fields[name], value, first)
            first += len(placeholders.find(value))
        again = True
        while again:
            stand_ins = {self.add_prefix(name): each.value for name, each in sampled.items()}
            self.data = {**{name: typed[name] for name in typed}, **stand_ins}
            super().full_clean()
            wrong = [each for name, each in sampled.items() if name in self.errors]
            again = sum(each.try_another() for each in wrong) > 0
        self.data = typed
        for each in sampled.values():
            self.cleaned_data = each.restored(self.cleaned_data)
            for errors in self.errors.values():
                errors.data = [ValidationError(each.restored(str(told))) for told in errors]

    def _samples(self, field: Any, value: Any, first: int) -> Samples:
        # Inside JSON that we parse, a bare number could not be told from a typed one.
        shapes = list(Shape) if isinstance(field, TextField) else [Shape.WORD]
        return Samples(value, field.sample, shapes, first=first)

    def clean(self) -> dict[str, Any]:
        """Check options that stand inside the JSON of other options like those in their own fields."""
        cleaned = super().clean() or {}
        others = cleaned.get(self.options_column) or {}
        for name in [each for each in self.options if each in others]:
            self._take(name, others.pop(name))
        return self.cleaned_data

    def _take(self, name: str, value: Any) -> None:
        """The value for an option whose own field says nothing."""
        said = self[name].data if name in self.errors else self.cleaned_data.get(name)
        if not self._is_unsaid(name, said):
            self.add_error(self.options_column, f"{name} has a field of its own: write it there.")
            return
        self.errors.pop(name, None)
        try:
            self.cleaned_data[name] = self.fields[name].clean(value)
        except ValidationError as error:
            self.add_error(name, error)

    def columns(self) -> dict[str, Any]:
        """The cleaned values by column, ready to store; empty ones are left out."""
        kept = {name: value for name, value in self.cleaned_data.items() if not _is_empty(value)}
        options = {name: kept.pop(name) for name in self.options if name in kept}
        options = {name: value for name, value in options.items() if not self._is_unsaid(name, value)}
        others = {**kept.pop(self.options_column, {}), **options}
        return {**kept, self.options_column: others} if others else kept

    def _is_unsaid(self, name: str, value: Any) -> bool:
        """Whether the value says the same as no option at all: empty, or a flag at its default."""
        return _is_empty(value) or (isinstance(value, bool) and value is bool(self.fields[name].initial))

    @classmethod
    def initial_from(cls, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The form's values for a stored payload: `columns()` read backwards."""
        others = dict(payload.get(cls.options_column) or {})
        options = {name: others.pop(name) for name in cls.options if name in others}
        return {**payload, cls.options_column: others or None, **options}


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


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
