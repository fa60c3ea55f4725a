"""One line a message, for people or as JSON, and never a password in it."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from chronos_site import hostile

# Addresses of databases, brokers and proxies hold a password between the colon and the at sign.
_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
_ORDINARY = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}

# What messages about a run carry beside their words.
_TOLD = ("run", "job", "attempt", "type", "worker", "outcome")
_LINE_LIMIT = 300


def masked(text: str) -> str:
    """The text with the passwords in addresses made unreadable."""
    return _PASSWORD.sub(r"\1:***@", text)


def first_line(text: str) -> str:
    """The beginning of what came from elsewhere, as it can stand in a line of ours."""
    line = next(iter(text.strip().splitlines()), "")[:_LINE_LIMIT]
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)


def one_line(text: str) -> str:
    """The message with its line ends written out, so that nobody's words look like another message."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


class Text(logging.Formatter):
    """For people: what wrote it, the level where it matters, and which run it is about."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.message)
        told = ((name, vars(record).get(name)) for name in _TOLD)
        fields = " ".join(f"{name}={value}" for name, value in told if value is not None)
        return super().formatMessage(record) + (f" [{fields}]" if fields else "")

    def format(self, record: logging.LogRecord) -> str:
        return masked(hostile.visible(super().format(record)))


class Json(logging.Formatter):
    """For log collectors: one object a line, with the message's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        told |= {name: value for name, value in vars(record).items() if name not in _ORDINARY}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return masked(hostile.visible(json.dumps(told, default=str, ensure_ascii=False)))
