"""Text messages: through the library's own process to a gateway, and by Twilio's and Vonage's protocols."""

import inspect
import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import requests
import trustme
from apprise.manager_plugins import NotificationManager

from notifications import gateway
from notifications.channels.base import Refused, Unreachable, within
from notifications.channels.sms import CHANNEL, PROVIDERS, Sms, fitting
from tests.jobs.executors.http_peers import saying
from tests.notifications.channels.contacts import Contact, message

NUMBER = "+442079460199"


@contextmanager
def gateway_serving(status=200, body=b'{"result": {"message_id": 1, "status": "ok"}}', tls=None, headers=()):
    """A server that keeps what it is asked and answers so; gives its port and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked.append({"path": self.path, "headers": dict(self.headers), "content": content})
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


@pytest.fixture
def reachable(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]


def send(port, channel=CHANNEL, **settings):
    contact = Contact(NUMBER, settings, f"smseagle://t0kent0ken@127.0.0.1:{port}")
    return channel.send(message(channel="SMS"), contact)


def test_a_text_reaches_a_gateway(reachable):
    with gateway_serving() as (port, asked):
        answer = send(port)
    assert answer.status == "200 OK"
    assert NUMBER.removeprefix("+") in asked[0]["content"]
    assert "Failed: nightly-invoice-export (HTTP_503), 3rd time in a row." in asked[0]["content"]


@pytest.mark.parametrize(("status", "wanted"), [(401, Refused), (503, Unreachable)])
def test_a_refusal_for_good_is_told_apart_from_one_for_now(reachable, status, wanted):
    with (
        gateway_serving(status, b'{"error": "t0kent0ken is wrong"}') as (port, _),
        pytest.raises(wanted) as caught,
    ):
        send(port)
    assert "is wrong" in str(caught.value)
    assert "t0kent0ken" not in str(caught.value)


def test_no_redirect_is_followed(reachable):
    with (
        gateway_serving() as (elsewhere, asked),
        gateway_serving(302, headers=[("Location", f"http://127.0.0.1:{elsewhere}/")]) as (port, _),
        pytest.raises(Refused),
    ):
        send(port)
    assert asked == []


def test_private_addresses_are_not_reached(settings):
    settings.ALLOWED_NETWORKS = []
    with gateway_serving() as (port, asked), pytest.raises(Refused, match="not a public address"):
        send(port)
    assert asked == []


def test_a_gateway_that_never_ends_is_left(reachable):
    class Hurried(Sms):
        seconds = 4.0

    def drip(connection):
        with suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)

    with (
        saying(b"HTTP/1.1 200 OK\r\nX-Long: ", then=drip) as url,
        pytest.raises(Unreachable, match="No answer"),
    ):
        send(url.rpartition(":")[2], Hurried())


@contextmanager
def provider(monkeypatch, host, **answer):
    """A provider's own host, which leads here in this process, and whose certificate is of `authority`."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    look_up = socket.getaddrinfo
    with gateway_serving(tls=context, **answer) as (port, asked):

        def here(name, *args, **kwargs):
            if name == host:
                if kwargs.get("flags"):
                    raise socket.gaierror
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
            return look_up(name, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", here)
        yield authority.cert_pem.bytes().decode(), asked


TWILIO = f"twilio://AC{'0' * 32}:{'1' * 32}@+15550100000"
VONAGE = "vonage://12345678:abcdefghijklmnop@+15550100000"


def deliver(url, authorities):
    with within(10, "") as context:
        return gateway.deliver(url, NUMBER, "It failed.", context, authorities=authorities)


def test_twilio_is_spoken_as_twilio_documents_it(reachable, monkeypatch):
    created = {"status": 201, "body": b'{"sid": "SM123", "status": "queued"}'}
    with provider(monkeypatch, "api.twilio.com", **created) as (authorities, asked):
        told = deliver(TWILIO, authorities)
    assert told["sent"] is True
    assert asked[0]["path"] == f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    assert parse_qs(asked[0]["content"]) == {
        "From": ["+15550100000"], "To": [NUMBER], "Body": ["It failed."]
    }  # fmt: skip


def test_a_number_that_twilio_does_not_know_is_told(reachable, monkeypatch):
    body = b'{"code": 21211, "message": "The To number is not a valid phone number."}'
    with provider(monkeypatch, "api.twilio.com", status=400, body=body) as (authorities, _):
        told = deliver(TWILIO, authorities)
    assert (told["sent"], told["code"]) == (False, 400)
    assert "not a valid phone number" in told["detail"]


def test_a_host_that_cannot_prove_its_name_gets_no_text(reachable, monkeypatch):
    with provider(monkeypatch, "api.twilio.com") as (_, asked):
        told = deliver(f"{TWILIO}?verify=no", trustme.CA().cert_pem.bytes().decode())
    assert (told["sent"], asked) == (False, [])
    assert "certificate" in told["detail"]


@pytest.mark.parametrize(("status", "sent", "code"), [("0", True, 200), ("4", False, 400), ("1", False, 503)])
def test_vonage_says_no_with_the_status_of_a_yes(reachable, monkeypatch, status, sent, code):
    body = json.dumps({"messages": [{"status": status, "error-text": "Bad Credentials"}]}).encode()
    with provider(monkeypatch, "rest.nexmo.com", body=body) as (authorities, _):
        told = deliver(VONAGE, authorities)
    assert (told["sent"], told["code"]) == (sent, code)


def test_a_library_is_left_as_it_was(reachable, monkeypatch):
    usual = requests.sessions.HTTPAdapter
    with provider(monkeypatch, "api.twilio.com", status=201) as (authorities, _):
        deliver(TWILIO, authorities)
    assert requests.sessions.HTTPAdapter is usual


@pytest.mark.parametrize(
    ("address", "settings", "secret", "wrong"),
    [
        (NUMBER, {}, TWILIO, []),
        (NUMBER, {"parts": 1}, f"{TWILIO}/+15550100001", []),
        (NUMBER, {"parts": 2}, TWILIO, ["parts"]),
        ("020 7946 0199", {}, TWILIO, ["address"]),
        (NUMBER, {}, "twilio://nothing", ["secret"]),
        (NUMBER, {}, "file:///etc/passwd", ["secret"]),
        (NUMBER, {}, "syslog://", ["secret"]),
        (NUMBER, {}, "json://127.0.0.1/", ["secret"]),
        (NUMBER, {}, "mailto://user:password@example.com", ["secret"]),
        (NUMBER, {}, "", ["secret"]),
    ],
)
def test_a_contact_is_checked_when_it_is_written(address, settings, secret, wrong):
    assert [*CHANNEL.check(address, settings, secret)] == wrong


def test_every_provider_takes_the_number_that_we_give_it():
    """Else a text would go to whom the address of the provider names."""
    plugins = NotificationManager()
    assert [
        name for name in PROVIDERS if "targets" not in inspect.signature(plugins[name].__init__).parameters
    ] == []


LINK = "https://chronos.example.com/runs/01M8C4BHB2V5T1Q3H6N8W7E9RX/"


@pytest.mark.parametrize(("parts", "most"), [(1, 160), (3, 459)])
def test_a_long_text_is_cut_at_a_word_and_keeps_its_link(parts, most):
    text = fitting(f"{'failed again ' * 80}. {LINK}", parts)
    assert len(text) <= most
    assert len(text) > most - 15
    assert text.endswith(f"again... {LINK}") or text.endswith(f"failed... {LINK}")


@pytest.mark.parametrize(("parts", "most"), [(1, 70), (3, 201)])
def test_letters_outside_of_the_basic_ones_leave_less_room(parts, most):
    assert most - 10 < len(fitting("ошибка " * 80, parts)) <= most


def test_a_text_that_fits_stays_as_it_is():
    assert fitting(f"Failed: nightly. {LINK}", 1) == f"Failed: nightly. {LINK}"


def test_typographers_quotes_do_not_halve_the_room():
    assert fitting("“It’s late” – really…", 1) == '"It\'s late" - really...'  # noqa: RUF001


def test_one_endless_word_is_cut_anywhere():
    assert len(fitting("x" * 1000, 1)) == 160
    assert fitting(f"{'€' * 1000} {LINK}", 1).endswith(LINK)
