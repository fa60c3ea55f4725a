"""Calls to SQS: whose queues are meant, how a call is signed, and what a refusal is called."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests_aws4auth import AWS4Auth

from jobs import masking
from jobs.executors.base import Context, ExecutionError
from jobs.executors.brokers.config import SQS_KEYS
from jobs.executors.brokers.places import CONNECT_SECONDS
from jobs.executors.calling import calls

# Longer than a call waits for messages.
ANSWER_SECONDS = 10.0
# More than one portion of messages is, with the escapes of JSON.
ANSWER_BYTES = 20_000_000
THROTTLED_SECONDS = 5.0
PURGE_SECONDS = 60.0

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_HOST = re.compile(rf"sqs(?:-fips)?\.({_REGION.pattern})\.amazonaws\.com(?:\.cn)?")
_SHELL = re.compile(r"\$\{?[A-Za-z_]\w*\}?")
_MISSING = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
_REFUSED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidSignatureException",
    "KmsAccessDenied",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_WAITS = {
    "KmsThrottled": THROTTLED_SECONDS,
    "PurgeQueueInProgress": PURGE_SECONDS,
    "AWS.SimpleQueueService.PurgeQueueInProgress": PURGE_SECONDS,
    "RequestThrottled": THROTTLED_SECONDS,
    "ServiceUnavailable": THROTTLED_SECONDS,
    "Throttling": THROTTLED_SECONDS,
    "ThrottlingException": THROTTLED_SECONDS,
    "TooManyRequestsException": THROTTLED_SECONDS,
}


@dataclass(frozen=True)
class Account:
    """Where queues are, and who asks for them.

    The administrator's is `trusted`; one that a job names is checked. `queues` is what the URLs of its
    queues begin with; where it is empty, SQS is asked for them.
    """

    endpoint: str
    region: str
    access_key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    trusted: bool
    queues: str = ""


def account(url: str, config: Mapping[str, Any]) -> Account:
    """The account at the URL of the settings, or the one that the job's config names.

    Raises ExecutionError with BROKER_ERROR or AWS_ERROR where it cannot be used.
    """
    return _of_settings(url) if url else _of_job(config)


def _of_settings(url: str) -> Account:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ExecutionError("BROKER_ERROR", "The broker's URL cannot be read.") from error
    said = dict(parse_qsl(parts.query))
    region = said.pop("region", "") or _region_of(host)
    plain = said.pop("tls", "true").lower() == "false"
    if said or parts.path.strip("/"):
        raise ExecutionError("BROKER_ERROR", "An address of SQS takes region and tls, and nothing else.")
    if not parts.username or not parts.password:
        raise ExecutionError("BROKER_ERROR", "The broker's URL holds no access key with its secret.")
    where = f"{host}:{port}" if port else host or _host(region)
    scheme = "http" if plain else "https"
    return Account(
        f"{scheme}://{where}/", _checked(region), unquote(parts.username), unquote(parts.password), "", True
    )


def _of_job(config: Mapping[str, Any]) -> Account:
    for name in SQS_KEYS:
        if _SHELL.fullmatch(config.get(name) or ""):
            raise ExecutionError(
                "AWS_ERROR",
                f"{name} is a word of a shell, which nobody replaces here: write {{{{ secret:name }}}}.",
            )
    url = config.get("queueUrl") or ""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.count("/") < 2):
        raise ExecutionError("BROKER_ERROR", "The queueUrl is no address of a queue.")
    region = _checked(config.get("region") or _region_of(parts.hostname or ""))
    return Account(
        f"{parts.scheme}://{parts.netloc}/" if url else f"https://{_host(region)}/",
        region,
        config["accessKeyId"],
        config["secretAccessKey"],
        config.get("sessionToken") or "",
        False,
        url.rpartition("/")[0] + "/" if url else "",
    )


def _region_of(host: str) -> str:
    found = _HOST.fullmatch(host)
    return found[1] if found else ""


def _checked(region: str) -> str:
    if not _REGION.fullmatch(region):
        said = f"{region[:40]!r} is no region of AWS" if region else "The region is missing"
        raise ExecutionError("BROKER_ERROR", f"{said}: give one such as eu-west-1.")
    return region


def _host(region: str) -> str:
    return f"sqs.{_checked(region)}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


class Calls:
    """Signed calls to one account, each answered by JSON."""

    def __init__(self, account: Account, session: requests.Session, context: Context) -> None:
        self._account = account
        self._session = session
        self._context = context
        self._signature = AWS4Auth(
            account.access_key,
            account.secret,
            account.region,
            "sqs",
            session_token=account.token or None,
        )

    def __call__(self, action: str, **asked: Any) -> dict[str, Any]:
        """What SQS answers; options that are None are left out.

        Raises ExecutionError where SQS refuses or is not there, and Cancelled or DeadlineExceeded.
        """
        said = {name: value for name, value in asked.items() if value is not None}
        with calls.told(self._context):
            try:
                status, content = self._answer(action, json.dumps(said).encode())
            except requests.Timeout as error:
                self._context.check()
                raise ExecutionError(
                    "CONNECTION_ERROR", f"SQS at {self._account.endpoint} does not answer in time."
                ) from error
        answer = _object(content)
        if status != requests.codes.ok or answer is None:
            raise refusal(status, answer or {})
        return answer

    def _answer(self, action: str, body: bytes) -> tuple[int, bytes]:
        remaining = max(0.01, self._context.remaining)
        headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"}
        with self._session.post(
            self._account.endpoint,
            data=body,
            headers=headers,
            auth=self._signature,
            timeout=(min(CONNECT_SECONDS, remaining), min(ANSWER_SECONDS, remaining)),
            allow_redirects=False,
            stream=True,
        ) as answer:
            found = bytearray()
            for some in answer.iter_content(65_536):
                self._context.check()
                found += some
                if len(found) > ANSWER_BYTES:
                    raise ExecutionError("AWS_ERROR", "SQS answers with more than fits with a run.")
            return answer.status_code, bytes(found)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def refusal(status: int, answer: Mapping[str, Any]) -> ExecutionError:
    """The failure that an answer of SQS tells of."""
    code = str(answer.get("__type") or answer.get("code") or "").rpartition("#")[2]
    said = str(answer.get("message") or answer.get("Message") or "").strip()
    if not code and not said:
        said = f"SQS answered with status {status} and nothing that could be read."
    sentence = masking.text(f"{code}: {said}" if code else said)[:500]
    if code in _MISSING:
        return ExecutionError("QUEUE_MISSING", sentence)
    if code in _REFUSED or status in (requests.codes.unauthorized, requests.codes.forbidden):
        return ExecutionError("BROKER_REFUSED", sentence)
    usual = THROTTLED_SECONDS if status in (requests.codes.too_many, requests.codes.unavailable) else None
    return ExecutionError("AWS_ERROR", sentence, retry_after=_WAITS.get(code, usual))


@contextmanager
def opened(account: Account, context: Context) -> Iterator[Calls]:
    """Calls that the end of the run ends."""
    with (
        calls.session(account.endpoint, trusted=account.trusted) as (session, shut_down),
        context.closing(shut_down),
    ):
        yield Calls(account, session, context)
