"""WEBHOOK: one POST, signed where it is our own JSON, to an address that may be reached."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError
from jobs.executors.calling import answers, calls
from notifications.channels import shapes
from notifications.channels.base import (
    FOR_NOW,
    Answer,
    Contact,
    Errors,
    Message,
    Refused,
    Unreachable,
    secret_of,
    short,
    within,
)

_FOR_GOOD = {"FORBIDDEN_ADDRESS", "INVALID_URL"}
SHORTEST_KEY = 16
_READ = 4_000


def sign(body: bytes, key: str, at: int) -> str:
    """The header X-Chronos-Signature: when it was signed (seconds since 1970), and HMAC-SHA256 of `at.body`.

    The scheme is the one that Stripe documents, so that libraries and examples for it fit.
    """
    digest = hmac.new(key.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhook:
    code = "WEBHOOK"
    label = "Webhook"
    seconds = 10.0

    def check(self, address: str, settings: Mapping[str, Any], secret: str) -> Errors:
        """A chat's secret is the whole URL of its hook; the others' is the key that signs."""
        shape = shapes.SHAPES.get(str(settings.get("shape", shapes.JSON)))
        if shape is None:
            return {"shape": [f"Choose one of {', '.join(shapes.SHAPES)}."]}
        errors: Errors = {}
        where = "secret" if shape.url_is_secret else "address"
        if problem := _problem(secret if shape.url_is_secret else address):
            errors[where] = [problem]
        if not shape.url_is_secret and len(secret) < SHORTEST_KEY:
            errors["secret"] = [f"The key that signs needs at least {SHORTEST_KEY} characters."]
        if problems := shape.check(settings):
            errors["body"] = problems
        return errors

    def send(self, message: Message, contact: Contact) -> Answer:
        """Any status of 2xx is good; where the peer redirects to, nothing is sent."""
        shape = shapes.SHAPES[contact.settings.get("shape", shapes.JSON)]
        secret = secret_of(contact)
        url = secret if shape.url_is_secret else contact.address
        body = shape.write(message, contact.settings)
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
        if not shape.url_is_secret:
            headers["X-Chronos-Event"] = str(message.facts.get("event", ""))
            headers["X-Chronos-Signature"] = sign(body, secret, int(time.time()))
        hidden = masking.ByValue([secret, urlsplit(url).path if shape.url_is_secret else ""])
        with within(self.seconds, message.id) as context:
            try:
                return _post(url, body, headers, hidden, context)
            except ExecutionError as error:
                reason = hidden.text(error.message)
                if error.error_class in _FOR_GOOD:
                    raise Refused(reason) from error
                raise Unreachable(reason) from error


def _problem(url: str) -> str:
    """What is wrong with the URL of a hook, if anything."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "This is no web address."
    if parts.scheme not in ("http", "https") or not parts.hostname or any(map(str.isspace, url)):
        return "Give the whole web address, with https:// or http://."
    if parts.username or parts.password:
        return "Leave the name and password out of the address: the signature tells who is calling."
    try:
        guard.check_name(parts.hostname, port)
    except guard.Forbidden as error:
        return error.message
    return ""


def _post(
    url: str, body: bytes, headers: Mapping[str, str], hidden: masking.ByValue, context: Context
) -> Answer:
    with (
        calls.told(context),
        calls.session(url) as (session, shut_down),
        context.closing(shut_down),
        session.post(
            url,
            data=body,
            headers=dict(headers),
            timeout=context.remaining,
            allow_redirects=False,
            stream=True,
        ) as answer,
    ):
        # Headers that we cut off ourselves, because time was up, look as if they were complete.
        context.check()
        return _judged(answer, _beginning(answer), hidden)


def _beginning(answer: requests.Response) -> str:
    """As much of the body as says what the peer thinks; the status counts, whatever becomes of the rest."""
    content = b""
    with suppress(requests.RequestException, HTTPError, OSError):
        content = next(answer.iter_content(_READ), b"")
    return content.decode("utf-8", "replace")


def _judged(answer: requests.Response, said: str, hidden: masking.ByValue) -> Answer:
    status = short(f"{answer.status_code} {answer.reason or ''}")
    detail = short(hidden.text(said))
    if 200 <= answer.status_code < 300:
        return Answer(status, detail)
    host = urlsplit(answer.url).hostname
    if 300 <= answer.status_code < 400:
        raise Refused(f"{host} redirects ({status}), and messages follow no redirects.")
    reason = f"{host} said {status}" + (f": {detail}" if detail else "")
    if answer.status_code >= 500 or answer.status_code in FOR_NOW:
        raise Unreachable(reason, answers.retry_after(answer, datetime.now(UTC)))
    raise Refused(reason)


CHANNEL = Webhook()
