"""Which addresses a job may connect to, checked on the address really connected to."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager

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


class Forbidden(Exception):
    """The address is not one that jobs may reach; `str()` is the sentence for the person."""


def check(text: str) -> None:
    """Let a public address pass, and a private one that the administrator allows.

    Raises Forbidden for the rest: loopback, private, link-local, reserved and metadata addresses,
    also in their IPv4-in-IPv6 forms.
    """
    address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    if any(address in network for network in _METADATA):
        raise Forbidden(f"{address} is a metadata or link-local address: jobs may never reach it.")
    allowed = (ipaddress.ip_network(each, strict=False) for each in settings.ALLOWED_NETWORKS)
    if not _is_public(address) and not any(address in network for network in allowed):
        raise Forbidden(f"{address} is not a public address; CHRONOS_ALLOWED_NETWORKS can allow it.")


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


def addresses(host: str, port: int) -> list[str]:
    """The host's addresses, each checked: for drivers that open their sockets themselves.

    Raises Forbidden when any of them is not allowed, and OSError when the host is not known.
    """
    return list(dict.fromkeys(str(place[0]) for *_, place in _resolved(host, port)))


def _resolved(host: str, port: int) -> list[Any]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        check(str(place[0]))
    return found


def connect(host: str, port: int, timeout: float | None) -> socket.socket:
    """A connection to the first of the host's addresses that answers, each checked before it is tried.

    Raises Forbidden when any of them is not allowed, and OSError when none answers.
    """
    found = _resolved(host, port)
    failure: OSError = OSError("no address found")
    for family, kind, protocol, _, place in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout)
            sock.connect(place)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _Guarded:
    """The part of urllib3's connections that opens the socket, with the check in it."""

    opened: "list[socket.socket]"

    def _new_conn(self: Any) -> socket.socket:
        try:
            sock = connect(self._dns_host.strip("[]"), self.port, self.timeout)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        # TLS takes the socket over and leaves this object empty: a duplicate still reaches the connection.
        self.opened.append(sock.dup())
        return sock


@contextmanager
def session() -> Iterator[tuple[requests.Session, Callable[[], None]]]:
    """A session that connects to allowed addresses only, without proxies or retries.

    With it comes a function that ends its connections from any thread, so that whoever reads from
    them wakes up.
    """
    opened: list[socket.socket] = []

    class Plain(_Guarded, HTTPConnection):
        pass

    class Secure(_Guarded, HTTPSConnection):
        pass

    Plain.opened = Secure.opened = opened

    class Pool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            manager: PoolManager = self.poolmanager
            manager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}

    with requests.Session() as made, ExitStack() as stack:
        made.trust_env = False
        made.mount("http://", Adapter())
        made.mount("https://", Adapter())
        stack.callback(_close, opened)
        yield made, lambda: _shut_down(opened)


def _close(opened: list[socket.socket]) -> None:
    for sock in opened:
        sock.close()


def _shut_down(opened: list[socket.socket]) -> None:
    for sock in list(opened):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
