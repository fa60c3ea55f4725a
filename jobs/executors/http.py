"""HTTP: call a URL and judge the answer by its status."""

import re
import time
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit

import requests
from django import forms
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning, NameResolutionError

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError, JobType, Payload, PayloadForm, Result
from jobs.executors.fields import (
    FlagField,
    HeadersField,
    JsonField,
    NumberField,
    NumbersField,
    TextField,
    WordField,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# Who leaves a certificate unverified has said so in the job, and its log repeats it.
disable_warnings(InsecureRequestWarning)

BODY_LIMIT = 1_000_000
EXCERPT = 2_000
REDIRECTS = 5
CHUNK = 64 * 1024
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")


class HttpForm(PayloadForm):
    options: ClassVar[tuple[str, ...]] = ("expected_statuses", "follow_redirects", "verify_tls")

    http_method = WordField(label="Method", choices=dict(zip(METHODS, METHODS, strict=True)), initial="GET")
    timeout_seconds = NumberField(
        label="Timeout",
        required=False,
        least=1,
        most=86_400,
        help_text="Seconds for the whole run; 30 if empty.",
    )
    http_url = TextField(
        label="URL",
        max_length=2048,
        mono=True,
        sample="https://{}",
        help_text="For example https://billing.example.com/v2/invoices/export",
    )
    http_headers = HeadersField(
        label="Headers",
        required=False,
        help_text="One a line, such as Accept: application/json, or a JSON object.",
    )
    http_body = TextField(label="Body", required=False, strip=False, lines=6, mono=True)
    expected_statuses = NumbersField(
        label="Count as success",
        required=False,
        least=100,
        most=599,
        help_text="Statuses such as 200, 201, 204; every 2xx if empty.",
    )
    follow_redirects = FlagField(
        label="Follow redirects", default=True, help_text=f"Up to {REDIRECTS}, each checked anew."
    )
    verify_tls = FlagField(
        label="Verify the certificate",
        default=True,
        help_text="Refuses servers that cannot prove their name.",
    )
    metadata = JsonField(label="Other options", required=False, shape=dict)

    def clean_http_url(self) -> str:
        url: str = self.cleaned_data["http_url"]
        if _CONTROL.search(url):
            raise forms.ValidationError("The URL holds a blank, a backslash or a control character.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise forms.ValidationError(f"The URL cannot be read: {error}.") from error
        if parts.scheme not in ("http", "https"):
            raise forms.ValidationError("The URL must start with http:// or https://.")
        if parts.username is not None or parts.password is not None:
            raise forms.ValidationError(
                "Leave user and password out of the URL: use an Authorization header."
            )
        if not parts.hostname or port == 0:
            raise forms.ValidationError("The URL names no host.")
        return url


def execute(payload: Payload, context: Context) -> Result:
    """Make the call and judge its answer by status.

    Raises ExecutionError with HTTP_<status>, UNEXPECTED_STATUS, DNS_ERROR, TLS_ERROR, CONNECTION_ERROR,
    TOO_MANY_REDIRECTS, FORBIDDEN_ADDRESS or INVALID_URL.
    """
    with guard.session() as (session, shut_down), context.closing(shut_down):
        try:
            return _call(session, payload, context)
        except (requests.RequestException, guard.Forbidden, ValueError) as error:
            # A socket closed under our hands is the deadline or a cancellation, not the network.
            context.check()
            raise ExecutionError(_error_class(error), _sentence(error)) from error


def _call(session: requests.Session, payload: Payload, context: Context) -> Result:
    method = payload.http_method or "GET"
    context.log("INFO", masking.text(f"{method} {payload.http_url}"))
    verify = payload.options.get("verify_tls", True)
    if not verify:
        context.log("WARN", "The server's certificate is not verified.")
    session.max_redirects = REDIRECTS
    session.hooks["response"].append(_leave_body_of_redirect)
    started = time.monotonic()
    answer = session.request(
        method,
        payload.http_url,
        headers=payload.http_headers or {},
        data=(payload.http_body or "").encode() or None,
        timeout=context.remaining,
        allow_redirects=payload.options.get("follow_redirects", True),
        verify=verify,
        stream=True,
    )
    for hop in answer.history:
        context.log("INFO", masking.text(f"{hop.status_code} redirects to {hop.headers.get('Location')}"))
    body, cut = _read(answer, context)
    took = round((time.monotonic() - started) * 1000)
    return _judge(answer, body, cut, took, payload, context)


def _leave_body_of_redirect(answer: requests.Response, **_: object) -> None:
    # The session would read it to its end, however long it is, before it goes on.
    if answer.is_redirect:
        answer.close()


def _read(answer: requests.Response, context: Context) -> tuple[bytes, bool]:
    """The body up to the limit, and whether there was more."""
    body = bytearray()
    for chunk in answer.iter_content(CHUNK):
        context.check()
        body += chunk
        if len(body) > BODY_LIMIT:
            return bytes(body[:BODY_LIMIT]), True
    return bytes(body), False


def _judge(
    answer: requests.Response, body: bytes, cut: bool, took: int, payload: Payload, context: Context
) -> Result:
    status = answer.status_code
    size = f"{'over ' if cut else ''}{len(body):,} bytes"
    summary = f"{status} {answer.reason} in {took:,} ms, {size}"
    good = _expected(status, payload.options.get("expected_statuses"))
    excerpt = body[:EXCERPT].decode(answer.encoding or "utf-8", "replace")
    headers = masking.anything(dict(list(answer.headers.items())[:50]))
    context.log("INFO" if good else "WARN", summary, headers=headers)
    if excerpt:
        context.log("DEBUG", masking.text(excerpt))
    data = {"status": status, "bytes": len(body), "elapsed_ms": took, "url": masking.text(answer.url)}
    if good:
        return Result(summary, data)
    error_class = f"HTTP_{status}" if status >= 400 else "UNEXPECTED_STATUS"
    raise ExecutionError(
        error_class, f"{status} {answer.reason} from {urlsplit(answer.url).hostname}", result=data
    )


def _expected(status: int, wanted: list[int] | None) -> bool:
    return status in wanted if wanted else 200 <= status < 300


def _error_class(error: Exception) -> str:
    if any(isinstance(each, NameResolutionError) for each in _causes(error)):
        return "DNS_ERROR"
    for kind, name in _CLASSES:
        if isinstance(error, kind):
            return name
    return "CONNECTION_ERROR"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, also where urllib3 keeps it as `reason`."""
    while error is not None:
        yield error
        inner = error.args[0] if error.args else None
        reason = getattr(inner, "reason", None)
        if isinstance(reason, BaseException):
            yield reason
        error = error.__cause__ or error.__context__


def _sentence(error: Exception) -> str:
    if isinstance(error, guard.Forbidden):
        return str(error)
    return masking.text(f"{type(error).__name__}: {error}")[:500]


_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (guard.Forbidden, "FORBIDDEN_ADDRESS"),
    (requests.TooManyRedirects, "TOO_MANY_REDIRECTS"),
    (requests.exceptions.SSLError, "TLS_ERROR"),
    (requests.exceptions.InvalidURL, "INVALID_URL"),
    (requests.exceptions.InvalidSchema, "INVALID_URL"),
    (requests.Timeout, "TIMEOUT"),
    (ValueError, "INVALID_URL"),
)

TYPE = JobType(
    code="HTTP",
    label="HTTP",
    hint="Call a URL, check the answer",
    icon="ty-http",
    form=HttpForm,
    aliases={
        "httpUrl": "http_url",
        "url": "http_url",
        "httpMethod": "http_method",
        "method": "http_method",
        "httpHeaders": "http_headers",
        "headers": "http_headers",
        "httpBody": "http_body",
        "body": "http_body",
        "timeoutSeconds": "timeout_seconds",
        "expectedStatuses": "expected_statuses",
        "followRedirects": "follow_redirects",
        "verifyTls": "verify_tls",
        "metadata": "metadata",
    },
    execute=execute,
    limit=30,
    repeatable=lambda payload: payload.http_method in ("GET", "HEAD"),
    error_classes=(
        "4XX",
        "5XX",
        "HTTP_ERROR",
        "UNEXPECTED_STATUS",
        "NETWORK_ERROR",
        "CONNECTION_ERROR",
        "DNS_ERROR",
        "TLS_ERROR",
        "TIMEOUT",
        "TOO_MANY_REDIRECTS",
        "FORBIDDEN_ADDRESS",
        "INVALID_URL",
    ),
)
