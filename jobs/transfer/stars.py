"""Secrets in files: written as ***, and refused where *** would be read as a secret."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jobs import masking
from jobs.definition import Definition

MASK = "***"


def masked(definition: Definition) -> Definition:
    """The definition with *** where it holds a secret."""
    return _with_stars(masking.definition(definition))  # type: ignore[no-any-return]


def starred(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each column with a mask where a secret belongs, and where in its JSON; other stars are just stars."""
    hidden = masking.payload(payload)
    for column, value in payload.items():
        for path in _starred(value, hidden[column]):
            yield column, path


def _with_stars(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(masking.DOTS, MASK)
    if isinstance(value, Mapping):
        return {name: _with_stars(inner) for name, inner in value.items()}
    return [_with_stars(inner) for inner in value] if isinstance(value, list) else value


def _starred(given: Any, hidden: Any, path: str = "") -> Iterator[str]:
    """Where masking takes stars for a secret, or the dots of a page were copied."""
    if isinstance(given, str):
        if masking.DOTS in given or str(hidden).count(MASK) < given.count(MASK):
            yield path
    elif hidden == masking.DOTS:
        if MASK in json.dumps(given):
            yield path
    elif isinstance(given, Mapping):
        for name, inner in given.items():
            yield from _starred(inner, hidden[name], f"{path}.{name}")
    elif isinstance(given, list):
        for number, inner in enumerate(given):
            yield from _starred(inner, hidden[number], f"{path}[{number}]")
