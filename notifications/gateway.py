"""A process of its own that hands one text message to a provider, by the library that knows the providers.

The library is large and opens its connections where nobody can see them. So it works in a process that
has no secrets but the provider's, connects to allowed addresses only, follows no redirect, and can be ended
when its time is up. It reads one JSON object from its input and writes one to its output:

    {"url": "twilio://…", "number": "+44…", "text": "…", "settings": {…}}   without a text: is the URL good?
    {"sent": true, "status": "201 Created", "code": 201, "detail": "…"}
"""

import json
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import apprise
import requests
from django.conf import settings

from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError
from jobs.executors.calling import answers, calls

SECONDS = 15
MEMORY = 1_000_000_000
_EXCERPT = 500
_NOT_UNDERSTOOD = "The provider's address is not complete: its form is on https://appriseit.com/services/."
# Vonage answers 200 to everything; these of its codes may pass by themselves.
_VONAGE_PASSING = {"1", "5"}


class _Provider:
    """What the provider said last, or why nothing could be said to it."""

    def __init__(self, context: Context, authorities: str) -> None:
        self.context, self.authorities = context, authorities
        self.sockets = guard.Sockets()
        self.answer: requests.Response | None = None
        self.failure: ExecutionError | None = None

    def adapter(self) -> requests.adapters.HTTPAdapter:
        provider = self

        class Listening(calls.Adapter):
            def send(self, request: Any, **how: Any) -> Any:  # type: ignore[override]
                how |= {"proxies": None, "timeout": provider.context.remaining}
                try:
                    with calls.told(provider.context):
                        provider.answer = super().send(request, **how)
                except ExecutionError as error:
                    provider.failure = error
                    raise requests.ConnectionError(error.message) from error
                if provider.answer.is_redirect:
                    raise requests.TooManyRedirects("Messages follow no redirects.")
                return provider.answer

        return Listening(self.sockets, authorities=self.authorities)


@contextmanager
def _heard(provider: _Provider) -> Iterator[None]:
    """Have every session that the library opens connect by our adapter."""
    sessions: Any = requests.sessions
    usual, sessions.HTTPAdapter = sessions.HTTPAdapter, provider.adapter
    try:
        with provider.context.closing(provider.sockets.shut_down):
            yield
    finally:
        sessions.HTTPAdapter = usual
        provider.sockets.close()


def deliver(url: str, number: str, text: str, context: Context, *, authorities: str = "") -> dict[str, Any]:
    """Send the text to the number; what is told is said above."""
    plugin = _plugin(url, number)
    if plugin is None:
        return {"sent": False, "problem": _NOT_UNDERSTOOD}
    provider = _Provider(context, authorities)
    with _heard(provider):
        taken = bool(plugin.notify(body=text, title="", body_format=apprise.NotifyFormat.TEXT))
    told = _told(provider)
    return {**told, "sent": taken and told.get("sent", True)}


def _plugin(url: str, number: str) -> Any:
    """The library's object for this provider and this number alone; None when the URL is not in order."""
    with suppress(Exception):  # whatever a text that somebody typed makes of the library
        parts = apprise.plugins.url_to_dict(url, secure_logging=True)  # type: ignore[no-untyped-call]
        # What else a URL may say is not for people to choose: an unverified certificate, many receivers.
        parts |= {"targets": [number], "verify": True, "retry": 0}
        parts = {name: value for name, value in parts.items() if name not in ("cto", "rto", "tag", "qsd")}
        return apprise.Apprise.instantiate(parts)
    return None


def _told(provider: _Provider) -> dict[str, Any]:
    if provider.answer is None:
        if provider.failure is None:
            return {"problem": "Nothing was sent: the provider does not know this kind of number."}
        forbidden = provider.failure.error_class == "FORBIDDEN_ADDRESS"
        return {"detail": provider.failure.message, "forbidden": forbidden}
    answer = provider.answer
    said = answer.content.decode("utf-8", "replace")
    return {
        "status": f"{answer.status_code} {answer.reason or ''}".strip(),
        "code": answer.status_code,
        "detail": said[:_EXCERPT],
        "retry_after": answers.retry_after(answer, datetime.now(UTC)),
        **_verdict_of_vonage(answer, said),
    }


def _verdict_of_vonage(answer: requests.Response, said: str) -> dict[str, Any]:
    """What Vonage says in its body, which the library takes for success in any case."""
    if not answer.url.startswith("https://rest.nexmo.com/"):
        return {}
    try:
        [message] = json.loads(said)["messages"]
        status, reason = str(message["status"]), str(message.get("error-text") or "")
    except (ValueError, KeyError, TypeError):
        return {}
    if status == "0":
        return {}
    return {"sent": False, "code": 503 if status in _VONAGE_PASSING else 400, "detail": f"{status} {reason}"}


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    if "text" not in asked:
        return {} if _plugin(asked["url"], asked["number"]) else {"problem": _NOT_UNDERSTOOD}
    from notifications.channels.base import Unreachable, within  # the channels need settings first

    try:
        with within(SECONDS, "") as context:
            return deliver(asked["url"], asked["number"], asked["text"], context)
    except Unreachable as error:
        return {"sent": False, "detail": str(error)}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    settings.configure(**asked["settings"])
    json.dump(_answer(asked), sys.stdout)


if __name__ == "__main__":
    main()
