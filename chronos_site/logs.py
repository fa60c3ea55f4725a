"""One line a message, for people or as JSON, and never a password in it."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

# Addresses of databases, brokers and proxies hold a password between the colon and the at sign.
_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
_ORDINARY = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def masked(text: str) -> str:
    """The text with the passwords in addresses made unreadable."""
    return _PASSWORD.sub(r"\1:***@", text)


class Text(logging.Formatter):
    """For people: what wrote it, and the level where it matters."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


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
        return masked(json.dumps(told, default=str, ensure_ascii=False))
