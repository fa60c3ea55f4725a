"""One execution of a definition: what it is told, what it works with, and how it ends."""

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from chronos_site.sealed import Unreadable
from jobs import masking
from jobs.executors import TYPES, placeholders
from jobs.executors.base import (
    Artefact,
    Cancelled,
    Context,
    DeadlineExceeded,
    ExecutionError,
    JobType,
    Log,
    Payload,
    Result,
    artefact_limit,
    no_figures,
)
from runs.models import Level, Outcome

Definition = Mapping[str, Any]
# A thread that is this late after its deadline is given up: the run ends, the thread is left behind.
OVERTIME_SECONDS = 1.0
# What placeholders may become together: the same long one ten thousand times would take all memory.
FILLED_LIMIT = 1_000_000


@dataclass(frozen=True)
class Given:
    """What an execution is given besides its definition."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    figures: Callable[..., list[dict[str, Any]]] = no_figures


@dataclass(frozen=True)
class End:
    """How an execution ended; `fields` are those of `settle.Ended`, with no secret in them."""

    outcome: Outcome
    fields: dict[str, Any] = field(default_factory=dict)


class Execution:
    """A definition about to be executed by one worker."""

    def __init__(
        self,
        definition: Definition,
        log: Log,
        given: Given,
        *,
        run_id: str,
        job_id: str,
        tick: datetime,
        attempt: int = 1,
    ) -> None:
        self.definition = definition
        self.type: JobType = TYPES[definition["type"]]
        self.limit = limit_of(definition)
        self._given = given
        parameters = {} if isinstance(given.parameters, Unreadable) else dict(given.parameters)
        secret_parameters = masking.values({"parameters": parameters})
        self._mask = masking.ByValue(
            [*given.secrets.values(), *masking.values(definition["payload"]), *secret_parameters]
        )
        self.context = Context(
            run_id=run_id,
            job_id=job_id,
            job_name=definition["name"],
            scheduled_time=tick,
            attempt=attempt,
            deadline=time.monotonic() + self.limit,
            log=self._masked(log),
            value=self._value,
            parameters=parameters,
            state=given.state,
            figures=given.figures,
        )

    def _masked(self, log: Log) -> Log:
        def masked(level: str, message: str, **fields: Any) -> None:
            log(level, self._mask.text(str(message)), **self._mask.anything(fields))

        return masked if self._mask else log

    def _value(self, said: str) -> str:
        """What stands for a placeholder. Raises ExecutionError where it has no value."""
        try:
            return self._lookup(said)
        except placeholders.Missing as missing:
            raise ExecutionError("PLACEHOLDER_ERROR", str(missing)) from missing

    @cached_property
    def _lookup(self) -> Callable[[str], str]:
        context = self.context
        zone = ZoneInfo(self.definition["schedule"].get("timezone") or "UTC")
        told = {
            "job.name": context.job_name,
            "job.id": context.job_id,
            "run.id": context.run_id,
            "run.attempt": str(context.attempt),
        }
        fired = context.scheduled_time.astimezone(zone)
        return placeholders.lookup(
            told, fired=fired, parameters=self._given.parameters, secrets=self._given.secrets
        )

    def run(self) -> End:
        """Execute and say how it ended; never raises."""
        try:
            return self._executed()
        except ExecutionError as error:
            return End(Outcome.FAILURE, self._failed(error))
        except DeadlineExceeded:
            return self.timed_out()
        except Cancelled:
            return End(Outcome.CANCELLED, {"error_message": "Cancelled while it ran.", **self.memory()})
        except BaseException as error:  # whatever escapes an executor is our bug; it still needs its outcome
            self.context.log(Level.ERROR, traceback.format_exc())
            message = self._mask.text(f"{type(error).__name__}: {error}")
            fields = {"error_class": "INTERNAL_ERROR", "error_message": message, **self.memory()}
            return End(Outcome.FAILURE, fields)

    def _executed(self) -> End:
        result = self.type.execute(self._payload(), self.context)
        _check_size(result)
        kept = {"summary": self._mask.text(result.summary), "data": self._mask.anything(dict(result.data))}
        fields = {"result": kept, "exit_code": result.exit_code, "artefacts": self._named(result.artefacts)}
        return End(Outcome.SUCCESS, {**fields, **self.memory()})

    def _payload(self) -> Payload:
        """The payload with its placeholders replaced, and then checked as if a person had typed it."""
        columns: dict[str, Any] = self.definition["payload"]
        _refuse_unreadable({**columns, "the run's parameters": self._given.parameters})
        form = self.type.form
        asked = {
            name: value
            for name, value in columns.items()
            if name not in form.binds and placeholders.mentions(value)
        }
        if not asked:
            return Payload(columns)
        complete = {**columns, **placeholders.fill(asked, _bounded(self.context.value))}
        checked = form(form.initial_from(complete), filled=True)
        if not checked.is_valid():
            name, errors = next(iter(checked.errors.items()))
            where = checked.fields[name].label if name in checked.fields else "Payload"
            raise ExecutionError("PLACEHOLDER_ERROR", f"{where}, with its placeholders filled: {errors[0]}")
        return Payload(checked.columns())

    def _failed(self, error: ExecutionError) -> dict[str, Any]:
        message = self._mask.text(error.message)
        data = self._mask.anything(error.result)
        return {
            "error_class": error.error_class,
            "error_message": message,
            "exit_code": error.exit_code,
            "result": {"summary": message, "data": data} if data else {},
            "artefacts": self._named(error.artefacts),
            "retry_after": error.retry_after,
            **self.memory(),
        }

    def _named(self, files: Sequence[Artefact]) -> tuple[Artefact, ...]:
        """The files under names that hold no secret; what is in them is the job's own affair."""
        return tuple(replace(each, name=self._mask.text(each.name)) for each in files)

    def timed_out(self) -> End:
        message = f"Not done within its {self.limit} s."
        return End(Outcome.TIMEOUT, {"error_class": "TIMEOUT", "error_message": message, **self.memory()})

    def memory(self) -> dict[str, Any]:
        """What the run has its job remember, beside what it was told; empty where that is nothing."""
        remembered = self.context.remembered
        return {"remembered": remembered, "recalled": self.context.state} if remembered else {}


def _bounded(value: Callable[[str], str]) -> Callable[[str], str]:
    """The same, until what it has given is too long together. What it gives raises ExecutionError then."""
    room = FILLED_LIMIT

    def bounded(said: str) -> str:
        nonlocal room
        text = value(said)
        room -= len(text)
        if room < 0:
            sentence = f"What its placeholders stand for is longer than {FILLED_LIMIT:,} characters together."
            raise ExecutionError("PLACEHOLDER_ERROR", sentence)
        return text

    return bounded


def _refuse_unreadable(columns: Mapping[str, Any]) -> None:
    lost = [name for name, value in columns.items() if isinstance(value, Unreadable)]
    if lost:
        raise ExecutionError(
            "SECRET_UNREADABLE",
            f"{', '.join(lost)}: encrypted with a key that this worker does not have.",
        )


def _check_size(result: Result) -> None:
    size = sum(len(each.content) for each in result.artefacts)
    if size > artefact_limit():
        raise ExecutionError(
            "ARTEFACT_TOO_LARGE",
            f"Its files are {size:,} bytes together; a run keeps {settings.ARTEFACT_LIMIT_MB} MB.",
            result=dict(result.data),
        )


def limit_of(definition: Definition) -> int:
    """Seconds that one execution may take: the job's own word, else its type's."""
    said: int | None = definition["payload"].get("timeout_seconds")
    return said or TYPES[definition["type"]].limit


def repeatable(definition: Definition) -> bool:
    """Whether a run of this definition that was lost may be tried again without asking."""
    said: bool | None = definition.get("safe_to_repeat")
    return TYPES[definition["type"]].repeatable(Payload(definition["payload"])) if said is None else said
