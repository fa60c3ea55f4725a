"""JSON: what the document shows, for programs."""

import json
from decimal import Decimal
from io import TextIOWrapper
from typing import IO, Any

from jobs.executors.documents.tables import Document, plain

EXACT_DIGITS = 15


def write(document: Document, file: IO[bytes]) -> None:
    """One object: what the report is about, its columns, its rows as objects, its totals and notes."""
    out = TextIOWrapper(file, "utf-8", newline="\n")
    head: dict[str, Any] = {"title": document.title, **document.about}
    head["columns"] = [
        {"name": column.name, "heading": column.heading, "unit": column.kind.value}
        for column in document.columns
    ]
    out.write(_said(head)[:-1] + ', "rows": [')
    names = [column.name for column in document.columns]
    between = "\n"
    for row in document.rows:
        values = (_value(value, document) for value in row)
        out.write(between + _said(dict(zip(names, values, strict=True))))
        between = ",\n"
    out.write(f'\n], "notes": {_said(document.notes)}}}\n')
    out.detach()


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _value(value: Any, document: Document) -> Any:
    said = plain(value, document.zone)
    if not isinstance(said, Decimal):
        return said
    # Readers of JSON take numbers for floats: one that would lose digits is text.
    return float(said) if len(said.as_tuple().digits) <= EXACT_DIGITS else str(said)
