"""Which addresses a job may connect to, checked on the address really connected to."""

import ipaddress
import socket
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from jobs.executors.base import ExecutionError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services give out credentials to whoever asks: no allow-list opens them. Those outside the
# link-local networks are Alibaba's, Azure's, Oracle's, Amazon's and Google's.
_METADATA = tuple(
    ipaddress.ip_network(each)
    for each in (
        "169.254.0.0/16",
        "fe80::/10",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS = {"postgresql": 5432, "mysql": 3306}
_REDIS_PORT = 6379


class Forbidden(ExecutionError):
    """The address is not one that jobs may reach; `str()` is the sentence for the person."""

    def __init__(self, message: str) -> None:
        super().__init__("FORBIDDEN_ADDRESS", message)


def check(text: str, port: int | None = None, *, own_database: bool = False) -> None:
    """Let a public address pass, and a private one that the administrator allows.

    Raises Forbidden for the rest: loopback, private, link-local, reserved and metadata addresses,
    also in their IPv4-in-IPv6 forms; and, where the port is told, for the servers that hold Chronos's
    own data. `own_database` lets the server of its database pass, for it may hold other databases.
    """
    address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    if any(address in network for network in _METADATA):
        raise Forbidden(f"{address} is a metadata or link-local address: jobs may never reach it.")
    allowed = (ipaddress.ip_network(each, strict=False) for each in settings.ALLOWED_NETWORKS)
    if not _is_public(address) and not any(address in network for network in allowed):
        raise Forbidden(f"{address} is not a public address; CHRONOS_ALLOWED_NETWORKS can allow it.")
    stores = [*_own_redis(), *([] if own_database else _own_database())]
    if any(_is_at(address, port, *store) for store in stores):
        raise Forbidden(f"{address} port {port} holds Chronos's own data: jobs may never reach it.")


def check_name(host: str, port: int) -> None:
    """Refuse at once a host that is an address in any spelling, or this machine; others show when connecting.

    Raises Forbidden.
    """
    name = host.rstrip(".").lower()
    local = name == "localhost" or name.endswith(".localhost")
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo("127.0.0.1" if local else host, None, flags=socket.AI_NUMERICHOST)
        for *_, place in found:
            check(str(place[0]), port)


def is_own_database(host: str, port: int, name: str) -> bool:
    """Whether this is the database that Chronos itself lives in, by whatever name its server is called."""
    if name != str(settings.DATABASES["default"].get("NAME")):
        return False
    found = [_plain(ipaddress.ip_address(each)) for each in _addresses_of(host)]
    return any(_is_at(address, port, *store) for address in found for store in _own_database())


def _own_database() -> list[tuple[str, int]]:
    database = settings.DATABASES["default"]
    usual = _PORTS.get(database["ENGINE"].rpartition(".")[2])
    if usual is None:
        return []
    host = database.get("HOST") or ""
    # A server that we reach by its socket may listen beside it.
    return [("localhost" if not host or host.startswith("/") else host, int(database.get("PORT") or usual))]


def _own_redis() -> list[tuple[str, int]]:
    parts = urlsplit(settings.REDIS_URL)
    return [] if parts.scheme == "unix" else [(parts.hostname or "localhost", parts.port or _REDIS_PORT)]


def _is_at(address: Address, port: int | None, host: str, own_port: int) -> bool:
    if port != own_port:
        return False
    own = {_plain(ipaddress.ip_address(each)) for each in _addresses_of(host)}
    return address in own or (_is_here(address) and any(map(_is_here, own)))


def _addresses_of(host: str) -> set[str]:
    with suppress(OSError, ValueError):
        return {str(place[0]).partition("%")[0] for *_, place in socket.getaddrinfo(host, None)}
    return set()


def _is_here(address: Address) -> bool:
    """Whether it is one of this machine's own addresses."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((str(address), 0))
        return True
    return False


def _is_public(address: Address) -> bool:
    # For Python, groups of receivers and the forms of IPv4 that IPv6 has given up are global too.
    local = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not local


def _plain(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4 or NAT64 one, else the address itself."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class Sockets:
    """What one piece of work looks up and connects to, all of which another thread can end."""

    def __init__(self) -> None:
        self._opened: list[socket.socket] = []
        self._asking: list[SimpleQueue[Any]] = []
        self._ended = Event()

    def add(self, sock: socket.socket) -> None:
        """Take a socket in before it connects.

        Raises OSError when all is ended already.
        """
        # TLS takes the socket over and leaves this object empty: a duplicate still reaches the connection.
        self._opened.append(sock.dup())
        self._refuse_when_ended()

    def _refuse_when_ended(self) -> None:
        if self._ended.is_set():
            raise OSError("stopped")

    def look_up(self, host: str, port: int, timeout: float | None) -> list[Any]:
        """What `getaddrinfo` says, which alone nobody could interrupt.

        Raises OSError when the host is not known, time is up or all is ended.
        """
        with suppress(OSError, ValueError):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        answer: SimpleQueue[Any] = SimpleQueue()
        self._asking.append(answer)
        self._refuse_when_ended()
        Thread(target=_ask, args=(host, port, answer), daemon=True).start()
        try:
            found = answer.get(timeout=timeout)
        except Empty:
            found = socket.gaierror(socket.EAI_AGAIN, "The name server does not answer in time")
        if isinstance(found, OSError):
            raise found
        return list(found)

    def shut_down(self) -> None:
        """End all of it, from any thread, so that whoever waits for it wakes up."""
        self._ended.set()
        for answer in list(self._asking):
            answer.put(OSError("stopped"))
        for sock in list(self._opened):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for sock in self._opened:
            sock.close()


def _ask(host: str, port: int, answer: SimpleQueue[Any]) -> None:
    try:
        answer.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        answer.put(error)
    except ValueError:
        answer.put(socket.gaierror(socket.EAI_NONAME, "This is no name of a host"))


def addresses(
    host: str,
    port: int,
    *,
    timeout: float | None = None,
    sockets: "Sockets | None" = None,
    own_database: bool = False,
) -> list[str]:
    """The host's addresses, each checked: for drivers that open their sockets themselves.

    Raises Forbidden when any of them is not allowed, and OSError when the host is not known.
    """
    found = _resolved(host, port, timeout, sockets or Sockets(), own_database)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _resolved(host: str, port: int, timeout: float | None, sockets: Sockets, own_database: bool) -> list[Any]:
    found = sockets.look_up(host, port, timeout)
    for *_, place in found:
        check(str(place[0]), port, own_database=own_database)
    return found


def connect(
    host: str,
    port: int,
    timeout: float | None,
    *,
    sockets: Sockets | None = None,
    own_database: bool = False,
    trusted: bool = False,
) -> socket.socket:
    """A connection to the first of the host's addresses that answers, each checked before it is tried.

    A host that the administrator has named is `trusted`: it is not checked. `timeout` is for all of it
    together. Raises Forbidden when any address is not allowed, and OSError when none answers or
    `sockets` are ended.
    """
    ends_at = None if timeout is None else time.monotonic() + timeout
    known = sockets or Sockets()
    found = (
        known.look_up(host, port, timeout) if trusted else _resolved(host, port, timeout, known, own_database)
    )
    failure: OSError = OSError("no address found")
    for tried, (family, kind, protocol, _, place) in enumerate(found):
        # One address that stays silent must leave time for the others.
        share = None if ends_at is None else max(0.01, (ends_at - time.monotonic()) / (len(found) - tried))
        sock = socket.socket(family, kind, protocol)
        try:
            if sockets:
                sockets.add(sock)
            sock.settimeout(share)
            sock.connect(place)
        except OSError as error:
            sock.close()
            failure = error
        else:
            sock.settimeout(timeout)
            return sock
    raise failure
