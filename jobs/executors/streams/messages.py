"""The messages that a stream sends: made of rows, as the job says."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.executors.base import Context, ExecutionError, Payload
from jobs.executors.databases.gathering import plain

# What a dead letter holds of its row, at most.
EXCERPT = 100_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def place_of(name: str, columns: Sequence[str], what: str) -> int:
    """Where the column is; in any case of letters when no other is meant."""
    for spelling in (str, str.lower):
        found = [number for number, column in enumerate(columns) if spelling(column) == spelling(name)]
        if found:
            return found[0]
    raise ExecutionError("PARAMETER_ERROR", f"The query gives no column {name} {what}.")


class Messages:
    """Makes messages of rows: columns renamed or left out, with a key and their origin."""

    def __init__(self, payload: Payload, context: Context, columns: list[str]) -> None:
        names: Mapping[str, str] = payload.field_mappings or {}
        gone = set(payload.excluded_fields or [])
        renamed = [names.get(column, column) for column in columns]
        self._kept = [
            (number, new)
            for number, (old, new) in enumerate(zip(columns, renamed, strict=True))
            if old not in gone and new not in gone
        ]
        self._key = self._key_of(payload.kafka_key_field, columns, renamed)
        self._origin = {"job_id": context.job_id, "job_name": context.job_name, "run_id": context.run_id}
        self._stamped: dict[str, Any] = {}
        self._told = bool(payload.include_metadata)
        self._topic = payload.kafka_topic
        self.headers = [
            (name, value if isinstance(value, str) else json.dumps(value))
            for name, value in (payload.options.get("kafka_headers") or {}).items()
        ]

    @staticmethod
    def _key_of(name: str | None, columns: list[str], renamed: list[str]) -> int | None:
        if not name:
            return None
        return renamed.index(name) if name in renamed else place_of(name, columns, "for the key")

    def stamp(self) -> None:
        """Give the messages to come this moment as the one of their making."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._stamped = {"_metadata": {**self._origin, "processed_at": moment}} if self._told else {}

    def made(self, row: Sequence[Any]) -> tuple[bytes | None, bytes]:
        """Key and value of the row's message.

        Raises ValueError or RecursionError for a row that no message can hold.
        """
        record = {name: plain(row[number]) for number, name in self._kept}
        record |= self._stamped
        return self._key_bytes(row), _encode(record).encode()

    def _key_bytes(self, row: Sequence[Any]) -> bytes | None:
        if self._key is None or row[self._key] is None:
            return None
        key = plain(row[self._key])
        return (str(key) if isinstance(key, str | int) else _encode(key)).encode()

    def dead_letter(self, row: Sequence[Any], reason: str) -> tuple[bytes | None, bytes]:
        """Key and value for a row that could not be sent: as much of it as fits, and why."""
        told = {**self._origin, "topic": self._topic, "error": reason}
        told["failed_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        record = repr([plain(row[number]) for number, _ in self._kept])
        try:
            key, value = self.made(row)
        except (ValueError, RecursionError):
            key, value = None, b""
        if 0 < len(value) <= EXCERPT:
            return key, _encode({**told, "row": json.loads(value)}).encode()
        return key, _encode({**told, "row_excerpt": record[:EXCERPT]}).encode("utf-8", "backslashreplace")
