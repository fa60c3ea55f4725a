"""Secrets in files: written as ***, and refused where *** would be read as a secret."""

import json
from collections.abc import Mapping
from typing import Any

from jobs import masking
from jobs.definition import Definition

MASK = "***"


def masked(definition: Definition) -> Definition:
    """The definition with *** where it holds a secret."""
    return _with_stars(masking.definition(definition))  # type: ignore[no-any-return]


def starred(payload: Mapping[str, Any]) -> list[str]:
    """The columns that hold a mask where a secret belongs; three stars anywhere else are just stars."""
    hidden = masking.payload(payload)
    return [name for name, value in payload.items() if _is_starred(value, hidden[name])]


def _with_stars(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(masking.DOTS, MASK)
    if isinstance(value, Mapping):
        return {name: _with_stars(inner) for name, inner in value.items()}
    return [_with_stars(inner) for inner in value] if isinstance(value, list) else value


def _is_starred(given: Any, hidden: Any) -> bool:
    """Whether masking takes stars for a secret, or the dots of a page were copied."""
    if isinstance(given, str):
        return masking.DOTS in given or str(hidden).count(MASK) < given.count(MASK)
    if hidden == masking.DOTS:
        return MASK in json.dumps(given)
    if isinstance(given, Mapping):
        return any(_is_starred(inner, hidden[name]) for name, inner in given.items())
    if isinstance(given, list):
        return any(map(_is_starred, given, hidden))
    return False
