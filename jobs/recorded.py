"""What the audit trail keeps of a job's definition: field by field, without secrets, and not without end."""

from typing import Any

from jobs import masking
from jobs.definition import Definition, changed
from jobs.masking import DOTS

LONGEST = 2000
_NOTHING: Definition = {"schedule": {}, "payload": {}, "retry": {}}


def changes(before: Definition, after: Definition) -> dict[str, tuple[Any, Any]]:
    """What differs between two definitions, masked: dotted name to (before, after), in the order of names.

    A job that is made or deleted has an empty definition on one side. A secret that changed is told as a
    change, without either value. Fields that hold nothing are no change.
    """
    before, after = before or _NOTHING, after or _NOTHING
    differing = changed(before, after)
    shown = changed(masking.definition(before), masking.definition(after))
    told = {name: shown.get(name) or _hidden(differing[name]) for name in sorted(differing)}
    return {
        name: (_cut(old), _cut(new))
        for name, (old, new) in told.items()
        if not (_is_empty(old) and _is_empty(new))
    }


def _hidden(sides: tuple[Any, Any]) -> tuple[Any, Any]:
    before, after = (None if side is None else DOTS for side in sides)
    return before, after


def _is_empty(value: Any) -> bool:
    return value in (None, "", [], {})


def _cut(value: Any) -> Any:
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value
