"""HTTP calls to servers that mean no good, and behind TLS."""

import gzip
import resource
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager

import pytest
import trustme

from jobs.executors.base import Cancelled, DeadlineExceeded
from tests.jobs.executors.http_peers import Handler, call, context, refusal, saying, serving

OK = b"HTTP/1.1 200 OK\r\n"
# The product silences it once; pytest turns warnings on again for each test.
unverified = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(autouse=True)
def _this_machine(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    Handler.seen.clear()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def for_ever(part, pause=0.0):
    def go_on(connection):
        while True:
            connection.sendall(part)
            time.sleep(pause)

    return go_on


@pytest.mark.parametrize(
    ("said", "error_class", "sentence"),
    [
        (b"", "CONNECTION_ERROR", "127.0.0.1 ended the connection without an answer."),
        (OK + b"Content-Length: 9\r\n\r\nabc", "CONNECTION_ERROR", "before its answer was complete."),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
            "CONNECTION_ERROR",
            "before its answer was complete.",
        ),
        (
            b"SSH-2.0-OpenSSH_9\r\n",
            "CONNECTION_ERROR",
            "does not speak HTTP as it should: SSH-2.0-OpenSSH_9.",
        ),
        (OK + b"X: 1\r\n" * 1000, "CONNECTION_ERROR", "got more than 100 headers."),
        (OK + b"X: " + b"1" * 100_000, "CONNECTION_ERROR", "when reading header line."),
        (b"HTTP/1.1 99999 OK\r\n\r\n", "CONNECTION_ERROR", "does not speak HTTP as it should"),
        (OK + b"Content-Encoding: gzip\r\n\r\nno gzip", "UNEXPECTED_BODY", "cannot be unpacked."),
    ],
)
def test_an_answer_that_is_none_is_told_in_a_sentence(said, error_class, sentence):
    with saying(said) as url:
        failure = refusal(url)
    assert failure.error_class == error_class
    assert failure.message.endswith(sentence) or sentence in failure.message


def test_a_connection_that_is_reset_is_a_failure():
    with saying(OK + b"Content-Length: 9\r\n\r\nabc", then=reset) as url:
        assert refusal(url).error_class == "CONNECTION_ERROR"


@pytest.mark.parametrize(
    ("target", "error_class"),
    [
        ("http://169.254.169.254/latest/meta-data/", "FORBIDDEN_ADDRESS"),
        ("http://[::ffff:169.254.169.254]/", "FORBIDDEN_ADDRESS"),
        ("http://10.0.0.1:6379/", "FORBIDDEN_ADDRESS"),
        ("file:///etc/passwd", "INVALID_URL"),
        ("gopher://127.0.0.1/", "INVALID_URL"),
        ("//127.0.0.1:99999/", "INVALID_URL"),
        ("http://[", "INVALID_URL"),
        ("http://a..b/", "DNS_ERROR"),
        ("/", "TOO_MANY_REDIRECTS"),
    ],
)
def test_a_redirect_to_where_no_call_may_go_is_not_followed(target, error_class):
    with saying(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        assert refusal(url).error_class == error_class


def test_a_body_that_unpacks_without_end_is_cut():
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with saying(OK + b"Content-Encoding: gzip\r\n\r\n", bomb) as url:
        assert call(url).summary.endswith("over 1,000,000 bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("head", [b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_body_without_end_is_cut(head):
    part = b"3e8\r\n" + b"x" * 1000 + b"\r\n" if b"chunked" in head else b"x" * 1000
    with saying(OK + head, then=for_ever(part)) as url:
        assert call(url).summary.endswith("over 1,000,000 bytes")


SLOW = {
    "a body by the drop": (OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "headers by the drop": (OK + b"X: ", b"x"),
    "news that it will go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a status by the drop": (b"HTTP/1.1 200 ", b"O"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_server_that_never_ends_is_left_at_the_deadline(kind):
    head, drop = SLOW[kind]
    within = context(seconds=0.5)
    # What the engine does when the time of a run is up.
    threading.Timer(0.5, within.interrupt).start()
    started = time.monotonic()
    with saying(head, then=for_ever(drop, 0.02)) as url, pytest.raises(DeadlineExceeded):
        call(url, within=within)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("kind", SLOW)
def test_a_server_that_never_ends_is_left_when_the_run_is_cancelled(kind):
    head, drop = SLOW[kind]
    within = context()
    threading.Timer(0.2, within.cancel).start()
    started = time.monotonic()
    with saying(head, then=for_ever(drop, 0.02)) as url, pytest.raises(Cancelled):
        call(url, within=within)
    assert time.monotonic() - started < 5


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def pem(blob):
    return blob.bytes().decode()


@contextmanager
def secured(authority, name="127.0.0.1", host="127.0.0.1", wanted=None, **options):
    """A server behind TLS that, if asked to, wants certificates of an authority."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    for option, value in options.items():
        setattr(tls, option, value)
    if wanted:
        wanted.configure_trust(tls)
        tls.verify_mode = ssl.CERT_REQUIRED
    with serving(host, tls) as port:
        yield f"https://{host}:{port}"


def test_an_authority_of_ones_own_is_trusted(authority):
    with secured(authority) as url:
        options = {"ca_certificate": pem(authority.cert_pem)}
        assert call(f"{url}/status/200", metadata=options).data["status"] == 200
        assert refusal(f"{url}/status/200").error_class == "TLS_ERROR"


def test_an_authority_vouches_for_no_other_name(authority):
    with secured(authority, name="other.example") as url:
        failure = refusal(f"{url}/status/200", metadata={"ca_certificate": pem(authority.cert_pem)})
    assert failure.error_class == "TLS_ERROR"
    assert "The certificate of 127.0.0.1 is not accepted" in failure.message


def certificate(authority):
    made = authority.issue_cert("chronos.example")
    return pem(made.cert_chain_pems[0]) + pem(made.private_key_pem)


def test_a_client_certificate_is_shown(authority):
    options = {"ca_certificate": pem(authority.cert_pem)}
    with secured(authority, wanted=authority) as url:
        shown = {**options, "client_certificate": certificate(authority)}
        assert call(f"{url}/status/200", metadata=shown).data["status"] == 200
        assert refusal(f"{url}/status/200", metadata=options).error_class in ("TLS_ERROR", "CONNECTION_ERROR")


def test_a_client_certificate_is_shown_to_no_other_host(authority):
    options = {"ca_certificate": pem(authority.cert_pem), "client_certificate": certificate(authority)}
    with (
        secured(authority, wanted=authority) as url,
        secured(authority, "127.0.0.2", "127.0.0.2", wanted=authority) as other,
    ):
        target = other.removeprefix("https://").replace(":", "/")
        failure = refusal(f"{url}/elsewhere/{target}/tls", metadata=options)
    assert failure.error_class in ("TLS_ERROR", "CONNECTION_ERROR")
    assert len(Handler.seen) == 1


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("ca_certificate", "The certificate of the authority cannot be read."),
        ("client_certificate", "The client certificate cannot be read, or the private key is not its own."),
    ],
)
def test_a_certificate_that_is_none_after_all_is_told(authority, option, sentence):
    with secured(authority) as url:
        failure = refusal(f"{url}/status/200", metadata={option: "-----BEGIN CERTIFICATE-----\nAAAA\n"})
    assert (failure.error_class, failure.message) == ("TLS_ERROR", sentence)


def test_an_old_version_of_tls_can_be_refused(authority):
    options = {"ca_certificate": pem(authority.cert_pem)}
    with secured(authority, maximum_version=ssl.TLSVersion.TLSv1_2) as url:
        assert call(f"{url}/status/200", metadata=options).data["status"] == 200
        failure = refusal(f"{url}/status/200", metadata={**options, "minimum_tls": "1.3"})
    assert failure.error_class == "TLS_ERROR"


@unverified
def test_a_certificate_that_nobody_verifies_may_be_for_any_name(authority):
    with secured(authority, name="other.example") as url:
        assert call(f"{url}/status/200", metadata={"verify_tls": False}).data["status"] == 200


def test_what_one_job_leaves_unverified_the_next_verifies(authority):
    with secured(authority) as url:
        with pytest.warns(match="Unverified HTTPS request"):
            call(f"{url}/status/200", metadata={"verify_tls": False})
        assert refusal(f"{url}/status/200").error_class == "TLS_ERROR"
