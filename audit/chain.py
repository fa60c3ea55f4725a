"""The hashes of the chain: SHA-256 over what anyone can write down again from an export.

An event's hash is that of its columns as JSON, keys sorted, without those that are NULL: a column added later
changes no hash. A block's content is the hash of its events' hashes in the order of their ids; a block's hash
is that of its number, the hash before it, its count and its content.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

COLUMNS = (
    "id",
    "entity_type",
    "entity_id",
    "action",
    "user_email",
    "timestamp",
    "details",
    "address",
    "via",
)
GENESIS = "0" * 64
# One encoder for all: `json.dumps` makes one for each event where its settings are not the usual ones.
_WRITE = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def plain(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's columns as JSON knows them, without those that are NULL."""
    told = {name: event[name] for name in COLUMNS if event.get(name) is not None}
    at = told.get("timestamp")
    if isinstance(at, datetime):
        told["timestamp"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    return told


def event_hash(event: Mapping[str, Any]) -> str:
    return _hash(_WRITE(plain(event)))


def content(hashes: Iterable[str]) -> str:
    return _hash("\n".join(hashes))


def block_hash(number: int, previous: str, events: int, content: str) -> str:
    return _hash(f"{number}\n{previous}\n{events}\n{content}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
