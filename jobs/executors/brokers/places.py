"""Where the broker of a job is: in the settings, or where the job says."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from jobs.executors import guard
from jobs.executors.base import ExecutionError
from jobs.executors.brokers.config import KINDS, SCHEMES, WHERE, kind_of

PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}
# A broker that is there answers sooner.
CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Place:
    """Where one broker is. The administrator's is trusted; one that a job names is checked."""

    kind: str
    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    path: str
    tls: bool
    trusted: bool

    def __str__(self) -> str:
        return f"{KINDS[self.kind]} at {self.host}:{self.port}"

    def connect(self, seconds: float, sockets: guard.Sockets) -> socket.socket:
        """A connection that `sockets` can end.

        Raises OSError, and guard.Forbidden where jobs may not go there.
        """
        return guard.connect(self.host, self.port, seconds, sockets=sockets, trusted=self.trusted)


def named(config: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and URL of the broker of the settings that the job means; no URL where the job says all itself.

    Raises ExecutionError with BROKER_ERROR where there is none, or more than one.
    """
    kind, name = kind_of(config), config.get("broker") or config.get("connection")
    if name:
        return _of_settings(name, kind)
    if {"url", "host", "bootstrapServers", "brokers", "queueUrl", "region"} & set(config):
        if not kind:
            raise ExecutionError("BROKER_ERROR", "The url is none of a broker.")
        return kind, ""
    known = {name: url for name, url in settings.BROKERS.items() if kind in ("", _kind(url))}
    if len(known) != 1:
        raise ExecutionError(
            "BROKER_ERROR",
            f"The job names no broker, and CHRONOS_BROKERS has {len(known) or 'none'} that it could mean"
            f"{': ' if known else ''}{', '.join(sorted(known))}.",
        )
    if said := WHERE & set(config):
        raise ExecutionError("BROKER_ERROR", f"The job says no host: leave out {min(said)}, or say it all.")
    url = next(iter(known.values()))
    return _kind(url), url


def _of_settings(name: str, kind: str) -> tuple[str, str]:
    url = settings.BROKERS.get(name)
    if url is None:
        known = ", ".join(sorted(settings.BROKERS)) or "none"
        raise ExecutionError(
            "BROKER_ERROR", f"There is no broker {name[:60]} in CHRONOS_BROKERS; it has {known}."
        )
    if kind not in ("", _kind(url)):
        raise ExecutionError("BROKER_ERROR", f"The broker {name[:60]} is no {KINDS[kind]}.")
    return _kind(url), url


def _kind(url: str) -> str:
    return SCHEMES[url.partition(":")[0].lower()]


def place(kind: str, url: str, config: Mapping[str, Any]) -> Place:
    """Where a RabbitMQ or a Redis is: at the URL of the settings, or where the job's config says."""
    trusted = bool(url)
    url = url or config.get("url") or ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or config.get("host") or "", parts.port
    except ValueError as error:
        raise ExecutionError("BROKER_ERROR", "The broker's URL cannot be read.") from error
    scheme = parts.scheme.lower() or {"RABBITMQ": "amqp", "REDIS": "redis"}[kind]
    if not host or SCHEMES.get(scheme) != kind:
        raise ExecutionError("BROKER_ERROR", f"The job does not say where its {KINDS[kind]} is.")
    username, password = _signed(parts.username), _signed(parts.password)
    said = config.get("vhost") or config.get("virtualHost") or config.get("db")
    tls = scheme in ("amqps", "rediss") or bool(config.get("ssl"))
    usual = PORTS["amqps" if tls and kind == "RABBITMQ" else scheme]
    return Place(
        kind,
        host,
        port or config.get("port") or usual,
        username or config.get("username"),
        password or config.get("password"),
        unquote(parts.path[1:]) or str(said or ""),
        tls,
        trusted,
    )


def _signed(part: str | None) -> str | None:
    return unquote(part) if part is not None else None
