"""Where people are behind the proxies in front of us."""

from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def client_address(get_response: Answer) -> Answer:
    """Let each request come from where the named proxies say, and from its connection's own address else."""

    def answer(request: HttpRequest) -> HttpResponse:
        own = request.META.get("REMOTE_ADDR", "")
        request.META["REMOTE_ADDR"] = _client(own, request.headers.get("X-Forwarded-For", ""))
        return get_response(request)

    return answer


def _client(own: str, passed_on: str) -> str:
    """The last address that no proxy of ours has: each proxy adds whom it heard from at the end."""
    client, before = own, passed_on.split(",")
    while before and _is_proxy(client):
        told = before.pop().strip()
        if _address(told) is None:
            break
        client = told
    return client


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_proxy(text: str) -> bool:
    address = _address(text)
    return address is not None and any(address in _network(each) for each in settings.PROXIES)


# Read at each request.
@cache
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)
