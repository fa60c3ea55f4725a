"""What makes two failures the same: their text without what changes from run to run."""

import hashlib
import re

_CHANGING = (
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I), "<id>"),
    (re.compile(r"\b(?:[a-z][a-z+]*://)[^\s'\"]+", re.I), "<url>"),
    (re.compile(r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,}\b", re.I), "<hex>"),
    (re.compile(r"\d+"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def signature(error_class: str, message: str) -> str:
    """A hash (64 characters) that failures of one class share when they differ in numbers and ids only."""
    text = message[:2000]
    for pattern, mark in _CHANGING:
        text = pattern.sub(mark, text)
    return hashlib.sha256(f"{error_class}\n{text.strip()}".encode()).hexdigest()
