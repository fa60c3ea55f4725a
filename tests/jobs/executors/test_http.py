"""HTTP jobs against a real server in this process."""

import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import trustme

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.http import execute
from tests.factories import NOON

# The product silences it once; pytest turns warnings on again for each test.
unverified = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict]] = []

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.seen.append({"method": self.command, "headers": dict(self.headers), "body": body})
        route = self.path.partition("?")[0].strip("/").split("/")
        getattr(self, f"answer_{route[0]}")(*route[1:])

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def answer_status(self, code):
        self.reply(int(code), b'{"answer": 42}')

    def answer_large(self, size):
        self.reply(200, b"x" * int(size))

    def answer_to(self, *target):
        self.send_response(302)
        self.send_header("Location", self.path.removeprefix("/to"))
        self.end_headers()

    def answer_away(self, port):
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.2:{port}/status/200")
        self.end_headers()

    def answer_lost(self):
        self.send_response(302)
        self.send_header("Location", "http://[")
        self.end_headers()

    def answer_flood(self):
        """A redirect with a body that nobody needs."""
        self.send_response(302)
        self.send_header("Location", "/status/200")
        self.end_headers()
        with suppress(OSError):
            for _ in range(1000):
                self.wfile.write(b"x" * 65536)
            self.seen.append({"method": "read to its end"})

    def answer_secrets(self):
        self.send_response(200)
        self.send_header("Set-Cookie", "session=s3cret")
        self.send_header("X-Auth-Token", "s3cret")
        self.end_headers()
        self.wfile.write(b'{"access_token": "s3cret", "day": 1}')

    def answer_hang(self):
        time.sleep(30)

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serving(tls=None):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        if tls:
            running.socket = tls.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running.server_port
        running.shutdown()


@pytest.fixture
def server(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    Handler.seen.clear()
    with serving() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def secure_server(settings):
    """A server whose certificate nobody knows."""
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with serving(context) as port:
        yield f"https://127.0.0.1:{port}"


@pytest.fixture
def logged():
    return []


def context(logged=(), seconds=10):
    def log(level, message, **fields):
        if isinstance(logged, list):
            logged.append((level, message))

    return Context("r", "j", "job", NOON, 1, time.monotonic() + seconds, log=log)


def call(url, method="GET", *, within=None, metadata=None, **columns):
    payload = Payload({"http_url": url, "http_method": method, "metadata": metadata or {}, **columns})
    return execute(payload, within or context())


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        call(*args, **kwargs)
    return caught.value


def test_a_success_tells_status_size_and_time(server):
    result = call(f"{server}/status/200")
    assert result.data["status"] == 200
    assert result.summary.startswith("200 OK in ")
    assert result.summary.endswith("14 bytes")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_arrives_with_headers_and_body(server, method):
    call(f"{server}/status/200", method, http_headers={"X-Job": "nightly"}, http_body="héllo")
    (seen,) = Handler.seen
    assert (seen["method"], seen["headers"]["X-Job"], seen["body"]) == (method, "nightly", "héllo")


@pytest.mark.parametrize(
    ("status", "error_class"), [(404, "HTTP_404"), (503, "HTTP_503"), (304, "UNEXPECTED_STATUS")]
)
def test_another_status_is_a_failure_of_its_own_class(server, status, error_class):
    failure = refusal(f"{server}/status/{status}")
    assert failure.error_class == error_class
    assert failure.result["status"] == status


def test_the_job_says_which_statuses_are_good(server):
    options = {"expected_statuses": [404]}
    assert call(f"{server}/status/404", metadata=options).data["status"] == 404
    assert refusal(f"{server}/status/200", metadata=options).error_class == "UNEXPECTED_STATUS"


def test_redirects_are_followed_and_logged(server, logged):
    result = call(f"{server}/to/status/200", within=context(logged))
    assert result.data["url"] == f"{server}/status/200"
    assert ("INFO", "302 redirects to /status/200") in logged


def test_redirects_without_end_are_a_failure(server):
    endless = "/".join(["to"] * 9)
    assert refusal(f"{server}/{endless}/status/200").error_class == "TOO_MANY_REDIRECTS"


def test_each_hop_is_checked_anew(server):
    failure = refusal(f"{server}/away/{server.rpartition(':')[2]}")
    assert failure.error_class == "FORBIDDEN_ADDRESS"
    assert "127.0.0.2" in failure.message


def test_a_redirect_to_what_is_no_address_is_a_failure(server):
    assert refusal(f"{server}/lost").error_class == "INVALID_URL"


def test_the_body_of_a_redirect_is_not_read(server):
    assert call(f"{server}/flood").data["status"] == 200
    assert [each["method"] for each in Handler.seen] == ["GET", "GET"]


def test_a_large_body_is_cut(server):
    assert call(f"{server}/large/3000000").summary.endswith("over 1,000,000 bytes")


def test_a_refused_connection_says_so(server):
    assert refusal("http://127.0.0.1:1/").error_class == "CONNECTION_ERROR"


def test_an_unknown_host_says_so():
    assert refusal("http://nobody.invalid/").error_class == "DNS_ERROR"


def test_a_server_that_never_answers_runs_into_the_deadline(server):
    with pytest.raises(DeadlineExceeded):
        call(f"{server}/hang", within=context(seconds=0.5))


def cancelled_after_a_moment(url, **options):
    """Seconds that the call went on."""
    within = context()
    threading.Timer(0.2, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        call(url, within=within, **options)
    return time.monotonic() - started


def test_a_cancellation_wakes_a_call_that_waits(server):
    assert cancelled_after_a_moment(f"{server}/hang") < 5


@unverified
def test_a_cancellation_wakes_a_call_that_waits_behind_tls(secure_server):
    assert cancelled_after_a_moment(f"{secure_server}/hang", metadata={"verify_tls": False}) < 5


def test_an_unknown_certificate_is_a_failure(secure_server):
    assert refusal(f"{secure_server}/status/200").error_class == "TLS_ERROR"


@unverified
def test_the_job_may_leave_the_certificate_unverified(secure_server):
    assert call(f"{secure_server}/status/200", metadata={"verify_tls": False}).data["status"] == 200


def test_an_answer_is_logged_in_part(server, logged):
    call(f"{server}/status/200", within=context(logged))
    assert ("DEBUG", '{"answer": 42}') in logged


def test_no_secret_of_an_address_or_an_answer_is_logged(server):
    told = []
    within = replace(context(), log=lambda level, message, **fields: told.append((message, fields)))
    result = call(f"{server}/to/secrets?token=s3cret", within=within)
    assert "token=" in str(told)
    assert "s3cret" not in f"{told} {result}"


def test_no_secret_of_an_address_is_told_with_a_failure(server):
    assert "s3cret" not in refusal("http://127.0.0.1:1/?api_key=s3cret").message
