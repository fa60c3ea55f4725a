"""What makes two failures the same: their text without what changes from run to run."""

import hashlib
import re

# In this order: what is wide before what is part of it.
_CHANGING = (
    (re.compile(r"\b(?:[a-z][a-z+]*://)[^\s'\"<>]+", re.I), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<address>"),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I), "<id>"),
    (re.compile(r"(?<![\w/.])(?:[a-z]:)?(?:[/\\][\w.@+~-]+){2,}[/\\]?", re.I), "<path>"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?Z\b| ?[+-]\d\d:?\d\d)?)?"),
        "<time>",
    ),
    (re.compile(r"\b\d\d?:\d\d:\d\d(?:[.,]\d+)?"), "<time>"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}\b", re.I), "<ip>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "<ip>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.I), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b", re.I), "<hex>"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[a-z])\w{20,}\b", re.I), "<id>"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def signature(error_class: str, message: str) -> str:
    """A hash (64 characters) that failures of one class share when they differ in what changes only.

    That is numbers, ids, times, addresses and paths. Quoted names stay: another column, or another
    table, is another failure.
    """
    return hashlib.sha256(f"{error_class}\n{normal(message)}".encode()).hexdigest()


def normal(message: str) -> str:
    """The beginning of the message with a mark for each part that changes from run to run."""
    text = message[:2000]
    for pattern, mark in _CHANGING:
        text = pattern.sub(mark, text)
    return text.strip()
