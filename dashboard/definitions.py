"""Definitions as people read them: labelled, in the order of the form, with secrets masked."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from jobs import masking
from jobs.definition import Definition, changed
from jobs.executors import TYPES
from jobs.executors.base import JobType
from jobs.masking import DOTS
from jobs.models import JobPayload

_LABELS = {
    "name": "Name",
    "type": "Type",
    "priority": "Priority",
    "description": "Description",
    "tags": "Tags",
    "safe_to_repeat": "Safe to repeat",
    "schedule.schedule_type": "Kind of schedule",
    "schedule.run_at": "Run at",
    "schedule.cron_expression": "Cron expression",
    "schedule.interval_seconds": "Interval, seconds",
    "schedule.timezone": "Time zone",
    "schedule.misfire_policy": "Missed fires",
    "schedule.overlap_policy": "Overlap",
    "schedule.starts_at": "Not before",
    "schedule.ends_at": "Not after",
    "schedule.jitter_seconds": "Spread, seconds",
    "schedule.start_within_seconds": "Must start within, seconds",
    "schedule.end_by": "Must end by",
    "retry.max_attempts": "Attempts",
    "retry.backoff_strategy": "Wait between attempts",
    "retry.backoff_seconds": "First wait, seconds",
    "retry.jitter": "Spread waits at random",
    "retry.retry_on": "Try again on",
}
_LONG = 72
CONTEXT = 2
# Of texts with more lines that differ, the time to find the fewest changes would grow with the cube.
MOST_LINES = 1000
_NO_COLUMN = object()
_DEFAULTS = {field.name: field.get_default() for field in JobPayload._meta.concrete_fields}


@dataclass(frozen=True)
class Field:
    """One filled field of a payload."""

    label: str
    text: str

    @property
    def block(self) -> bool:
        """Whether the text wants lines of its own."""
        return "\n" in self.text or len(self.text) > _LONG


def payload(definition: Definition) -> list[Field]:
    """The payload's fields that hold something, masked."""
    kind = TYPES.get(definition.get("type", ""))
    values = masking.payload(definition.get("payload") or {})
    if kind is None:
        return [Field(name, text(value)) for name, value in values.items()]
    shown = kind.form.initial_from(
        {name: value for name, value in values.items() if not _is_foreign(name, value, kind)}
    )
    order = [*kind.form.base_fields, *(name for name in shown if name not in kind.form.base_fields)]
    return [
        Field(label(f"payload.{name}", definition), text(shown[name]))
        for name in order
        if shown.get(name) not in (None, "", [], {})
    ]


def _is_foreign(column: str, value: Any, kind: JobType) -> bool:
    """Whether the column belongs to other types and holds no more than its default."""
    return column not in kind.form.base_fields and value == _DEFAULTS.get(column, _NO_COLUMN)


def label(name: str, definition: Definition) -> str:
    """What the form calls a field of a definition, given its dotted name."""
    if name in _LABELS:
        return _LABELS[name]
    part, _, field = name.partition(".")
    kind = TYPES.get(definition.get("type", ""))
    if part != "payload" or kind is None:
        return name
    column, _, rest = field.removeprefix("metadata.").partition(".")
    known = kind.form.base_fields.get(column)
    if known is None or not known.label:
        return field
    return f"{known.label}, {rest}" if rest else str(known.label)


def text(value: Any) -> str:
    """A value of a definition as text: yes or no, words one a line, else JSON over several lines."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return str(value)


@dataclass(frozen=True)
class Change:
    """One field that differs; None where a definition does not have it."""

    label: str
    before: str | None
    after: str | None

    @property
    def brief(self) -> bool:
        """Whether both sides fit into a line."""
        return all(
            side is None or ("\n" not in side and len(side) <= 24) for side in (self.before, self.after)
        )

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Both sides as one text, line by line: "del", "add", or "ctx" for what stands around a change."""
        before, after = ((side or "").splitlines() for side in (self.before, self.after))
        if max(len(before), len(after)) > MOST_LINES:
            before, after = _parted(before, after)
        if max(len(before), len(after)) > MOST_LINES:
            return [*(("del", line) for line in before), *(("add", line) for line in after)]
        told = difflib.unified_diff(before, after, n=CONTEXT, lineterm="")
        # The first three lines name files and the place; another line of @ says that some are left out.
        return [(_KINDS[line[0]], "…" if line[0] == "@" else line[1:]) for line in list(told)[3:]]


_KINDS = {"-": "del", "+": "add", " ": "ctx", "@": "ctx"}


def _parted(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Both without the lines that they begin and end with alike, but for some around what differs."""
    first = max(0, _alike(before, after) - CONTEXT)
    before, after = before[first:], after[first:]
    last = max(0, _alike(before[::-1], after[::-1]) - CONTEXT)
    return before[: len(before) - last], after[: len(after) - last]


def _alike(one: Iterable[str], other: Iterable[str]) -> int:
    """How many lines both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def changes(old: Definition, new: Definition) -> list[Change]:
    """What differs from the old definition to the new one, in the order of the form, masked."""
    shown = changed(masking.definition(old), masking.definition(new))
    differing = changed(old, new)
    order = {name: place for place, name in enumerate([*_names(old), *_names(new)])}
    return [
        Change(label(name, new), *map(_side, shown.get(name) or _hidden(differing[name])))
        for name in sorted(differing, key=lambda name: order.get(name, 0))
    ]


def _names(part: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted names of all fields."""
    for name, value in part.items():
        yield prefix + name
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")


def _hidden(sides: tuple[Any, Any]) -> tuple[Any, Any]:
    before, after = (None if side is None else DOTS for side in sides)
    return before, after


def _side(value: Any) -> str | None:
    return None if value is None else text(value)
