"""Definitions fit for the eyes of people: what looks like a secret is replaced by dots.

Masked are
- every HTTP header but the few that never hold a secret (`Accept`, `Content-Type`, ...);
- user passwords in URLs, and their parameters whose name says password, secret, token, key, ...;
- values in JSON under such a name, at any depth;
- what follows such a name and `=` or `:` in bodies, scripts, statements and messages;
- private keys between their `-----BEGIN` and `-----END` lines.
A placeholder such as `{{ secret:name }}` is no secret and stays.
"""

import base64
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from chronos_site.sealed import Unreadable

DOTS = "••••••••"

HARMLESS_HEADERS = {
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "host",
    "if-modified-since",
    "if-none-match",
    "user-agent",
}
# Bounded, so that no text makes the search slow.
_BESIDE = r"[\w.-]{0,64}"
_TELLING = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|cookie|api[_-]?key|access[_-]?key|private[_-]?key"
    rf"|credential|authorization|signature|session[_-]?id){_BESIDE}"
)
_NAME = rf"(?:{_BESIDE}{_TELLING}|(?:{_BESIDE}[_.-])?pass|auth|key|sig)"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{\s*secret:[^{}]*\}\}")
_PLACEHOLDER_ONLY = re.compile(rf"(?:\w+\s+)?{_PLACEHOLDER.pattern}")
# While a text is masked, each placeholder is one letter that no text uses.
_STAND_INS = [chr(code) for code in range(0xE000, 0xF900)]
_NOT_STAND_IN = r"(?![\"']?(?:\w+\s+)?[\ue000-\uf8ff])"
_USER_PASSWORD = re.compile(rf"(\w://[^\s/:@]*:){_NOT_STAND_IN}[^\s/]+(?=@)")
_ORACLE_PASSWORD = re.compile(rf"(jdbc:oracle:\w+:[^\s/@]{{1,128}}/){_NOT_STAND_IN}[^\s@/]+(?=@)")
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]+")
_PARAMETER = re.compile(rf"([?&;]{_NAME}=){_NOT_STAND_IN}[^&;#\s]+", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    rf"((?:{_TELLING}|[_.-]pass)[\"']?\s*[:=]\s*){_NOT_STAND_IN}"
    r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?:(?:bearer|basic|digest)\s+)?[^\s\"'&;,]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(rf"\b(bearer\s+){_NOT_STAND_IN}[\w.~+/=-]{{8,}}", re.IGNORECASE)

# Base64 has another alphabet for URLs.
_URL_SAFE = str.maketrans("+/", "-_")

_PATTERNS = (_USER_PASSWORD, _ORACLE_PASSWORD, _PARAMETER, _ASSIGNMENT, _BEARER, _PRIVATE_KEY)


def definition(whole: Mapping[str, Any]) -> dict[str, Any]:
    """A version's definition with its payload masked."""
    return {**whole, "payload": payload(whole.get("payload") or {})}


def payload(columns: Mapping[str, Any]) -> dict[str, Any]:
    """A payload's columns, masked."""
    return {
        name: headers(value) if name == "http_headers" and isinstance(value, Mapping) else anything(value)
        for name, value in columns.items()
    }


def headers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The names of all headers, the values of harmless ones."""
    return {
        name: anything(value) if name.lower() in HARMLESS_HEADERS else _dots(value)
        for name, value in given.items()
    }


def is_telling(name: str) -> bool:
    """Whether what stands under the name is a secret."""
    return bool(_SECRET_NAME.fullmatch(name))


def anything(value: Any) -> Any:
    """Text or JSON, masked by the names in it."""
    if isinstance(value, Mapping):
        return {
            name: _dots(inner) if is_telling(str(name)) else anything(inner) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [anything(inner) for inner in value]
    return text(value) if isinstance(value, str) and not isinstance(value, Unreadable) else value


def text(value: str) -> str:
    """Free text without the passwords of its URLs and without what follows a telling name."""
    placeholders = dict(zip(_STAND_INS, _PLACEHOLDER.findall(value), strict=False))
    for stand_in, placeholder in placeholders.items():
        value = value.replace(placeholder, stand_in, 1)
    for pattern in _PATTERNS:
        value = pattern.sub(rf"\1{DOTS}", value)
    for stand_in, placeholder in placeholders.items():
        value = value.replace(stand_in, placeholder)
    return value


def _dots(value: Any) -> Any:
    if isinstance(value, str) and _PLACEHOLDER_ONLY.fullmatch(value.strip()):
        return value
    return DOTS if value not in (None, "", {}, []) else value


class ByValue:
    """Hides given secrets wherever they stand in text, also in Base64, in URLs and as JSON writes them.

    Of a long one the beginning is hidden too: sentences and logs cut what they quote.
    """

    # Shorter ones would hide half of every text, and hide little.
    LEAST = 4
    LEAST_LINE = 8
    BEGINNING = 16

    def __init__(self, secrets: Iterable[str]) -> None:
        pieces = {piece for secret in secrets for piece in _pieces(secret)}
        forms = {form for secret in pieces if len(secret) >= self.LEAST for form in _forms(secret)}
        self._beginnings = {form: form[: self.BEGINNING] for form in forms}

    def __bool__(self) -> bool:
        return bool(self._beginnings)

    def text(self, value: str) -> str:
        # Looking for each alone is far faster than one pattern of them all, of which there may be thousands.
        there = [form for form, beginning in self._beginnings.items() if beginning in value]
        shown, end = [], 0
        for start, stop in sorted(span for form in there for span in self._spans(form, value)):
            if start >= end:
                shown += [value[end:start], DOTS]
            end = max(end, stop)
        return "".join([*shown, value[end:]]) if shown else value

    def _spans(self, form: str, value: str) -> Iterator[tuple[int, int]]:
        """Where the text has the form, or as much of it as goes on from its beginning."""
        lengths = range(len(form) + 1)
        start = value.find(self._beginnings[form])
        while start >= 0:
            rest = value[start : start + len(form)]
            stop = start + bisect_left(lengths, True, key=partial(_differs, form, rest)) - 1
            yield start, stop
            start = value.find(self._beginnings[form], stop)

    def anything(self, value: Any) -> Any:
        """Text, or JSON at any depth, its keys included."""
        if not self:
            return value
        if isinstance(value, Mapping):
            return {self.anything(name): self.anything(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.anything(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def _differs(form: str, text: str, length: int) -> bool:
    return form[:length] != text[:length]


def _pieces(secret: str) -> set[str]:
    """The secret and its lines, for logs are written line by line; short ones would hide too much."""
    lines = {line.strip() for line in secret.splitlines()}
    return {secret, *(line for line in lines if len(line) >= ByValue.LEAST_LINE)}


def _forms(secret: str) -> set[str]:
    encoded = {_in_base64(secret.encode(), before) for before in range(3)}
    return {
        secret,
        # As hosts are written.
        secret.lower(),
        *encoded,
        *(each.translate(_URL_SAFE) for each in encoded),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
    }


def _in_base64(secret: bytes, before: int) -> str:
    """The letters that Base64 has for the secret behind so many other bytes, whatever surrounds it."""
    encoded = base64.b64encode(bytes(before) + secret).decode()
    return encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]


def values(columns: Mapping[str, Any]) -> set[str]:
    """The secrets that a payload holds itself: what its masked form hides."""
    found: set[str] = set()
    for name, value in columns.items():
        if name == "http_headers" and isinstance(value, Mapping):
            found |= _scalars(inner for name, inner in value.items() if name.lower() not in HARMLESS_HEADERS)
        else:
            found |= _hidden(value)
    return found


def _hidden(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        telling = [inner for name, inner in value.items() if is_telling(str(name))]
        return _scalars(telling).union(*map(_hidden, value.values()))
    if isinstance(value, list):
        return set().union(*map(_hidden, value))
    if not isinstance(value, str):
        return set()
    value = _PLACEHOLDER.sub("", value)
    hidden = {match[0][len(match[1]) :].strip("\"'") for each in _PATTERNS for match in each.finditer(value)}
    # A password in a URL is encoded there and plain where it is used.
    return hidden | {unquote(each) for each in hidden}


def _scalars(found: Iterable[Any]) -> set[str]:
    """The texts, and of those with a scheme before them, such as Bearer, what follows it."""
    texts = {each for each in found if isinstance(each, str)}
    return texts | {each.partition(" ")[2] for each in texts}
