"""HTTP calls that reach allowed addresses only, and what their failures are called."""

import base64
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, InsecureRequestWarning, NameResolutionError, NewConnectionError

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError
from jobs.executors.calling.certificates import Unreadable, tls_context

REDIRECTS = 5
# Who leaves a certificate unverified has said so in the job, and its log repeats it.
disable_warnings(InsecureRequestWarning)

# What calls fail with besides the status of an answer.
_FAILURES = (requests.RequestException, HTTPError, Unreadable, OSError, ValueError)


class _Guarded:
    """The part of urllib3's connections that opens the socket, with the check in it."""

    def __init__(self, *args: Any, sockets: guard.Sockets, trusted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sockets = sockets
        self.trusted = trusted

    def _new_conn(self: Any) -> socket.socket:
        try:
            host = self._dns_host.strip("[]")
            return guard.connect(host, self.port, self.timeout, sockets=self.sockets, trusted=self.trusted)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error


class _Plain(_Guarded, HTTPConnection):
    pass


class _Secure(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Adapter(HTTPAdapter):
    """The part of a session that connects, to allowed addresses only."""

    def __init__(self, sockets: guard.Sockets, *, trusted: bool = False, **tls: Any) -> None:
        self._opening: dict[str, Any] = {"sockets": sockets, "trusted": trusted}
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: Any = self.poolmanager
        manager.pool_classes_by_scheme = {
            "http": partial(_Pool, **self._opening),
            "https": partial(_SecurePool, **self._opening),
        }

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        where, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if where["scheme"] == "https":
            options["ssl_context"] = tls_context(verify=bool(verify), **self._tls)
        return where, options

    def cert_verify(self, *args: Any) -> None:
        """Nothing: the context knows whom to trust, and loading its certificates is slow."""


class _Session(requests.Session):
    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Take along to another host only headers that hold no secret."""
        moved = self.should_strip_auth(  # type: ignore[no-untyped-call]
            response.request.url, prepared_request.url
        )
        if moved:
            for name in [*prepared_request.headers]:
                if name.lower() not in masking.HARMLESS_HEADERS:
                    del prepared_request.headers[name]


@contextmanager
def session(
    url: str, *, authorities: str = "", client: str = "", minimum: str = "", trusted: bool = False
) -> Iterator[tuple[requests.Session, Callable[[], None]]]:
    """A session for calling the URL: it connects to allowed addresses only, without proxies or retries.

    With it comes a function that ends its connections from any thread, so that whoever reads from
    them wakes up. `authorities` (PEM) are trusted in the place of the public ones, and `minimum` is the
    oldest version of TLS to speak. The `client` certificate (PEM, with its key) is shown to the URL's
    own server alone, wherever that redirects to. Where the administrator names the URL, it is `trusted`:
    no address is checked.
    """
    sockets = guard.Sockets()
    tls = {"authorities": authorities, "minimum": minimum}
    with _Session() as made:
        made.trust_env = False
        made.max_redirects = REDIRECTS
        made.headers["User-Agent"] = "Chronos"
        made.mount("http://", Adapter(sockets, trusted=trusted))
        made.mount("https://", Adapter(sockets, trusted=trusted, **tls))
        if client:
            made.mount(_home(url), Adapter(sockets, trusted=trusted, client=client, **tls))
        try:
            yield made, sockets.shut_down
        finally:
            sockets.close()


def _home(url: str) -> str:
    """What URLs of the same server begin with."""
    parts = urlsplit(requests.Request("GET", url).prepare().url or "")
    return f"{parts.scheme}://{parts.netloc}/"


def leave_body_of_redirect(answer: requests.Response, **_: object) -> None:
    """A hook for calls that follow redirects."""
    # The session would read it to its end, however long it is, before it goes on.
    if answer.is_redirect:
        answer.close()


class SignIn(requests.auth.AuthBase):
    """The Authorization header, and what of it nobody may see."""

    def __init__(self, way: str, credentials: str, *others: str) -> None:
        self.header = f"{way} {credentials}"
        self.secrets = [credentials, *others]

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self.header
        return request


def sign_in(options: Mapping[str, Any]) -> SignIn | None:
    """How a job with these options signs in, if it does."""
    if options.get("authentication") == "BEARER":
        return SignIn("Bearer", options.get("auth_token", ""))
    if options.get("authentication") == "BASIC":
        password = options.get("auth_password", "")
        pair = f"{options.get('auth_user', '')}:{password}"
        return SignIn("Basic", base64.b64encode(pair.encode()).decode(), password)
    return None


@contextmanager
def told(context: Context) -> Iterator[None]:
    """Tell what goes wrong with a call in the words of a run.

    Raises ExecutionError; and Cancelled or DeadlineExceeded where that is why the connection ended.
    """
    try:
        yield
    except _FAILURES as error:
        # A socket closed under our hands is the deadline or a cancellation, not the network.
        context.check()
        raise ExecutionError(_error_class(error), _sentence(error)) from error


def _error_class(error: Exception) -> str:
    if any(isinstance(each, NameResolutionError) for each in _causes(error)):
        return "DNS_ERROR"
    for kind, name in _CLASSES:
        if isinstance(error, kind):
            return name
    return "CONNECTION_ERROR"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, also where urllib3 keeps it as `reason` or an argument."""
    while error is not None:
        yield error
        for each in (*error.args, *(getattr(arg, "reason", None) for arg in error.args)):
            if isinstance(each, BaseException):
                yield from _causes(each)
        error = error.__cause__ or error.__context__


def _sentence(error: Exception) -> str:
    """What went wrong, for the person."""
    if isinstance(error, Unreadable):
        return str(error)
    host = urlsplit(getattr(getattr(error, "request", None), "url", None) or "").hostname or "The server"
    for cause in _causes(error):
        for kind, what in _SENTENCES:
            if isinstance(cause, kind):
                return masking.text(what.format(host=host, reason=_reason(cause)))[:500]
    return masking.text(f"{type(error).__name__}: {error}")[:500]


def _reason(cause: BaseException) -> str:
    for name in ("verify_message", "reason", "strerror"):
        if said := getattr(cause, name, None):
            return str(said).strip(" .\n")
    return str(cause).strip()


_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (requests.TooManyRedirects, f"It redirects more than {REDIRECTS} times."),
    (requests.exceptions.InvalidSchema, "{host} redirects to what is neither http nor https."),
    (requests.exceptions.ContentDecodingError, "{host} sent a body that cannot be unpacked."),
    (requests.exceptions.ChunkedEncodingError, "{host} ended the connection before its answer was complete."),
    (socket.gaierror, "The name server knows no host {host}: {reason}."),
    (ssl.SSLCertVerificationError, "The certificate of {host} is not accepted: {reason}."),
    (ssl.SSLError, "{host} and Chronos do not agree on TLS: {reason}."),
    (ConnectionRefusedError, "{host} refuses the connection."),
    (ConnectionError, "{host} ended the connection without an answer."),
    (http.client.HTTPException, "{host} does not speak HTTP as it should: {reason}."),
)
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (requests.TooManyRedirects, "TOO_MANY_REDIRECTS"),
    (requests.exceptions.SSLError, "TLS_ERROR"),
    (requests.exceptions.InvalidURL, "INVALID_URL"),
    (requests.exceptions.InvalidSchema, "INVALID_URL"),
    (requests.Timeout, "TIMEOUT"),
    (requests.exceptions.ContentDecodingError, "UNEXPECTED_BODY"),
    (Unreadable, "TLS_ERROR"),
    (requests.RequestException, "CONNECTION_ERROR"),
    (ValueError, "INVALID_URL"),
)
