"""Secrets that stay where a form shows dots for them, as long as the job sends them to the same places.

Whoever changes a job sees dots in place of its secrets, and what they leave is kept. Were the host to
change meanwhile, the secret would go to whoever the new host belongs to; so it has to be typed again.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from jobs import masking
from jobs.executors import placeholders
from jobs.masking import DOTS

AGAIN = "Enter the secret again: the dots do not say which one is meant."
ELSEWHERE = "Enter the secret again: the job would send it somewhere else than before."
OPEN_HOST = "A parameter would let whoever runs the job choose where its secrets are sent: write that out."

# What of a payload is only sent, and says nothing about where to.
_CONTENT = {"http_body", "script_content", "query", "message_body", "file_content", "http_headers"}
_ADDRESSES = ("http_url", "database_url")
_TELLING = re.compile(
    r".*(host|server|broker|endpoint|address|proxy|node|port|ur[il]|account|domain|region).*", re.I
)
# Schemes are bounded: a megabyte without a slash would be read anew from each of its letters.
_AUTHORITY = re.compile(r"[^\s/?#\"',;]{0,64}://[^/?#\\\s\"',;]*")
# What stands before a secret and tells which one it is: the name of a header, a key, a user.
_BEFORE = re.compile(r"[^\s?&;,{}\[\]/]{0,64}\s?[\"']?\Z")
_CHOSEN = "\U000f0000"


class Ambiguous(ValueError):
    """It is not clear which secret the dots stand for."""


def restored(typed: str, shown: str, real: str) -> str:
    """The typed text with the secrets of the real one in place of dots. Raises Ambiguous.

    `shown` is the real text as the form showed it.
    """
    known = defaultdict(list)
    for name, secret in zip(_names(shown), _hidden(shown, real), strict=True):
        known[name].append(secret)
    asked = _names(typed)
    if any(len(known[name]) != number for name, number in Counter(asked).items()):
        raise Ambiguous
    secrets = (known[name].pop(0) for name in asked)
    first, *others = typed.split(DOTS)
    return first + "".join(secret + text for secret, text in zip(secrets, others, strict=True))


def _names(text: str) -> list[str]:
    ahead = text.split(DOTS)[:-1]
    return [found[0] if (found := _BEFORE.search(each[-80:])) else "" for each in ahead]


def _hidden(shown: str, real: str) -> Iterator[str]:
    """What the dots stand for, in order. Raises Ambiguous where the texts do not fit."""
    first, *others = shown.split(DOTS)
    if not real.startswith(first):
        raise Ambiguous
    at = len(first)
    for number, text in enumerate(others, 1):
        end = len(real) - len(text) if number == len(others) else real.find(text, at)
        if end < at or not real.startswith(text, end) or (not text and end < len(real)):
            raise Ambiguous
        yield real[at:end]
        at = end + len(text)


def destinations(columns: Mapping[str, Any]) -> set[str]:
    """Whatever in a payload says where it connects to, without what is secret in it."""
    # Parameters of a database's URL may name another host.
    database = columns.get("database_url") or ""
    return {*_hosts(columns), masking.text(database)}


def carried_off(before: Mapping[str, Any], after: Mapping[str, Any], typed: str) -> bool:
    """Whether a secret that nobody typed is in both payloads, and the second one connects to elsewhere."""
    stayed = masking.values(before) & masking.values(after)
    unsaid = {secret for secret in stayed if secret not in typed}
    return bool(unsaid) and destinations(before) != destinations(after)


def chosen_host(columns: Mapping[str, Any]) -> str:
    """The column in which a parameter chooses the host that the secrets are sent to; empty for none."""
    if not (masking.values(columns) or placeholders.secrets(dict(columns))):
        return ""
    for name, value in columns.items():
        marked = placeholders.fill({name: value}, _mark_parameters, keep_escapes=True)
        if any(_CHOSEN in host for host in _hosts(marked)):
            return name
    return ""


def _mark_parameters(said: str) -> str:
    return _CHOSEN if said.startswith("param:") else "x"


def _hosts(columns: Mapping[str, Any]) -> Iterator[str]:
    for name, value in columns.items():
        if name not in _CONTENT:
            yield from _told(value, telling=name in _ADDRESSES)
    yield from _readers(columns.get("metadata"))


def _readers(options: Any) -> Iterator[str]:
    """Whom a mail goes to; a report only where its own texts hold a secret: its database's is not mailed."""
    if isinstance(options, Mapping):
        names = ("to", "cc", "bcc", *(["recipients"] if masking.values(options) else []))
        yield from (str(each) for name in names for each in options.get(name) or ())


def _told(value: Any, telling: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _told(inner, telling or bool(_TELLING.fullmatch(str(name))))
    elif isinstance(value, list):
        for inner in value:
            yield from _told(inner, telling)
    elif isinstance(value, str):
        found = _AUTHORITY.findall(value) or ([value] if telling else [])
        yield from map(_without_password, found)
    elif telling:
        yield str(value)


def _without_password(address: str) -> str:
    scheme, there, rest = address.rpartition("://")
    return f"{scheme}{there}{rest.rpartition('@')[2]}"
