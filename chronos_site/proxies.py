"""Where people are behind the proxies in front of us."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

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
        if not _is_address(told):
            break
        client = told
    return client


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_proxy(text: str) -> bool:
    if not (settings.PROXIES and _is_address(text)):
        return False
    return any(ip_address(text) in ip_network(each, strict=False) for each in settings.PROXIES)
