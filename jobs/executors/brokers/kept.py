"""What a run keeps of the messages that it has taken."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.executors.base import Artefact, ExecutionError, artefact_limit
from jobs.executors.brokers import Message

# What a result shows of messages, at most.
SHOWN_BYTES = 50_000


class Kept:
    """The messages that a run has taken: the first in its result, all in a file when those are not all."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_full = False
        self._lines: list[bytes] = []
        self._size = 0
        self._shown: list[dict[str, Any]] = []

    @property
    def count(self) -> int:
        return len(self.messages)

    def add(self, queue: str, messages: Sequence[Message]) -> None:
        """Keep those that fit with one run; with the first that does not, it is full."""
        for message in messages:
            told = _told(queue, message)
            line = json.dumps(told, ensure_ascii=False).encode() + b"\n"
            self.is_full = self.is_full or self._size + len(line) > artefact_limit()
            if self.is_full:
                break
            self.messages.append(message)
            self._lines.append(line)
            self._size += len(line)
            if self._size <= SHOWN_BYTES:
                self._shown.append(told)
        if not self.messages:
            raise ExecutionError("PROCESSING_ERROR", "The next message is larger than what a run may keep.")

    def told(self) -> dict[str, Any]:
        return {"count": self.count, "messages": self._shown, "not_shown": self.count - len(self._shown)}

    def files(self) -> Sequence[Artefact]:
        if len(self._shown) == self.count:
            return ()
        return [Artefact("messages.jsonl", b"".join(self._lines), "application/x-ndjson")]


def _told(queue: str, message: Message) -> dict[str, Any]:
    told = {"queue": queue, "id": message.id, "headers": _plain(message.headers)}
    told = {name: value for name, value in told.items() if value}
    if message.key is not None:
        told["key"] = message.key.decode("utf-8", "replace")
    try:
        return {**told, "body": message.body.decode()}
    except UnicodeDecodeError:
        return {**told, "body_base64": base64.b64encode(message.body).decode()}


def _plain(headers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(headers, default=str))
    return found
