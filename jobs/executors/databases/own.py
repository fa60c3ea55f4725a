"""Chronos's own database, which no job may open: its rows decide what workers run."""

import socket
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs.executors.base import ExecutionError
from jobs.executors.databases.urls import Place

_PORTS = {"postgresql": 5432, "mysql": 3306}


def refuse(place: Place) -> None:
    """Raises ExecutionError when the place is the database that Chronos itself works with."""
    if is_the_same(place, settings.DATABASES["default"]):
        raise ExecutionError("FORBIDDEN_ADDRESS", "This is Chronos's own database: jobs may not open it.")


def is_the_same(place: Place, ours: dict[str, Any]) -> bool:
    """Whether the place is the database of these settings, by whatever name its server is called."""
    engine = ours["ENGINE"].rpartition(".")[2].replace("sqlite3", "sqlite")
    if place.engine != engine:
        return False
    return _is_same_file(place, ours) if engine == "sqlite" else _is_same_server(place, ours)


def _is_same_file(place: Place, ours: dict[str, Any]) -> bool:
    with suppress(OSError):
        return Path(place.database).samefile(ours["NAME"])
    return False


def _is_same_server(place: Place, ours: dict[str, Any]) -> bool:
    if (place.database or place.user).lower() != ours["NAME"].lower():
        return False
    if place.port != int(ours.get("PORT") or _PORTS[place.engine]):
        return False
    host = ours.get("HOST") or "localhost"
    theirs = _addresses(place.host)
    own = _addresses("localhost" if host.startswith("/") else host)
    return bool(theirs & own)


def _addresses(host: str) -> set[str]:
    """The host's addresses, those of this machine all being one."""
    try:
        found = {str(each[4][0]).partition("%")[0] for each in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return set()
    return {"here" if _is_here(each) else each for each in found}


def _is_here(address: str) -> bool:
    """Whether it is an address of this machine: only on those can one listen."""
    parsed = ip_address(address)
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((str(parsed), 0))
        return True
    return False
