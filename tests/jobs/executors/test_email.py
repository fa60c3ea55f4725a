"""E-mail jobs against a real mail server in this process."""

import email
import email.policy
import os
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from jobs.executors import guard
from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.email import execute
from jobs.executors.error_classes import chain
from jobs.executors.mailing.plain_text import plain_text
from tests.factories import NOON
from tests.servers import free_port


def text(part):
    return part.get_content().replace("\r\n", "\n")


class Mailbox:
    """What the server took, and what it says to some of it."""

    def __init__(self):
        self.taken, self.refusing, self.on_data = [], {}, "250 2.0.0 Ok: queued as 42"

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.refusing.get(address, "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refusing:
            return self.refusing[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.on_data.startswith("250"):
            self.taken.append(envelope)
        return self.on_data

    def message(self):
        [envelope] = self.taken
        return email.message_from_bytes(envelope.content, policy=email.policy.default)


@contextmanager
def serving(settings, handler, **options):
    """A mail server that the settings name."""
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.DEFAULT_FROM_EMAIL = "Chronos <chronos@example.com>"
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    with serving(settings, box):
        yield box


def context(seconds=10, logged=None, **over):
    def log(level, message, **fields):
        if logged is not None:
            logged.append((level, message))

    given = {"attempt": 1, "run_id": "01M8C494FZMK7XV1ZD2571RCVG", **over}
    return Context(
        job_id="j", job_name="job", scheduled_time=NOON, deadline=time.monotonic() + seconds, log=log, **given
    )


MESSAGE = {"to": ["ops@example.com"], "subject": "Orders", "text": "Here they are.\n"}


def send(within=None, **over):
    return execute(Payload({"metadata": {**MESSAGE, **over}}), within or context())


def failure(within=None, **over):
    with pytest.raises(ExecutionError) as caught:
        send(within, **over)
    return caught.value


def test_a_message_arrives_as_it_was_written(mailbox):
    result = send()
    message = mailbox.message()
    assert result.summary.startswith("Sent to ops@example.com, ")
    assert (message["From"], message["To"]) == ("Chronos <chronos@example.com>", "ops@example.com")
    assert (message["Subject"], text(message)) == ("Orders", "Here they are.\n")
    assert result.data["answer"] == "2.0.0 Ok: queued as 42"


def test_everybody_gets_it_and_nobody_sees_the_hidden_ones(mailbox):
    send(
        to=["a@example.com", "b@example.com"],
        cc=["c@example.com"],
        bcc=["d@example.com"],
        reply_to=["e@example.com"],
    )
    [envelope] = mailbox.taken
    assert envelope.rcpt_tos == ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]
    assert (mailbox.message()["Cc"], mailbox.message()["Reply-To"]) == ("c@example.com", "e@example.com")
    assert b"d@example.com" not in envelope.content


def test_a_message_is_known_by_its_run_and_dated(mailbox):
    send()
    message = mailbox.message()
    assert message["Message-ID"] == "<01M8C494FZMK7XV1ZD2571RCVG@example.com>"
    assert abs(message["Date"].datetime.timestamp() - time.time()) < 60
    assert message["Auto-Submitted"] == "auto-generated"


def test_other_letters_arrive(mailbox):
    send(
        subject="Bestellungen für Zoë ✓ " + "x" * 200, text="Grüße\n" + "é" * 2000, to=["zoë@bücher.example"]
    )
    assert mailbox.message()["Subject"] == "Bestellungen für Zoë ✓ " + "x" * 200
    assert text(mailbox.message()) == "Grüße\n" + "é" * 2000 + "\n"
    assert mailbox.taken[0].rcpt_tos == ["zoë@xn--bcher-kva.example"]


def test_html_comes_with_a_text_made_from_it(mailbox):
    send(text="", html="<h1>Orders</h1><p>See <a href='https://example.com/o'>them</a>.</p>")
    plain, html = mailbox.message().iter_parts()
    assert mailbox.message().get_content_type() == "multipart/alternative"
    assert text(plain) == "Orders\n\nSee them (https://example.com/o).\n"
    assert "<h1>Orders</h1>" in html.get_content()


def test_a_text_of_its_own_is_kept_beside_the_html(mailbox):
    send(text="By hand", html="<p>Made</p>")
    assert text(next(mailbox.message().iter_parts())) == "By hand\n"


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<style>p {}</style><p>a\n b</p><p>c</p>", "a b\n\nc"),
        ("<ul><li>a<li>b</ul>", "* a\n* b"),
        ("a<br>b &lt;c&gt; &amp; &nbsp;d", "a\nb <c> & d"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("<a href='https://x.example'>https://x.example</a>", "https://x.example"),
        ("<script>alert(1)</script>", ""),
        ("</style></p>a", "a"),
    ],
)
def test_html_is_read_as_people_read_it(html, wanted):
    assert plain_text(html) == wanted


@pytest.fixture
def root(settings, tmp_path):
    settings.FILE_ROOTS = [tmp_path / "files"]
    (tmp_path / "files" / "deep").mkdir(parents=True)
    return tmp_path / "files"


def test_attachments_arrive_with_name_kind_and_content(mailbox, root):
    (root / "deep" / "orders, old é.csv").write_bytes(b"a,b\r\n\x00\xff")
    send(attachments=[f"{root}/deep/orders, old é.csv"])
    [attachment] = mailbox.message().iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type()) == ("orders, old é.csv", "text/csv")
    assert attachment.get_payload(decode=True) == b"a,b\r\n\x00\xff"


def test_only_plain_files_inside_the_folders_are_attached(mailbox, root, tmp_path):
    (tmp_path / "secret").write_text("s3cret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    hostile = [
        tmp_path / "secret",
        root / "link",
        root / "out" / "secret",
        root / "pipe",
        root / "deep",
        root,
        root / "no",
    ]
    for each in [*hostile, "/etc/passwd", "/proc/self/environ"]:
        assert failure(attachments=[str(each)]).error_class == "FILE_ERROR"
    assert mailbox.taken == []


def test_attachments_have_a_limit_together(mailbox, root):
    for name in ("a", "b"):
        with (root / name).open("wb") as file:
            file.truncate(13 * 1024 * 1024)
    assert "are over 25 MB" in failure(attachments=[f"{root}/a", f"{root}/b"]).message


@pytest.mark.parametrize(
    "over",
    [
        {"subject": "Hello\nBcc: all@example.com"},
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"to": ["a@example.com\r\nBcc: all@example.com"]},
        {"cc": ["a@example.com\nRCPT TO:<all@example.com>"]},
        {"bcc": ["a@exam ple.com>\r\nDATA"]},
        {"reply_to": ["a@example.com\nX: y"]},
    ],
)
def test_no_value_becomes_a_header_or_a_command(mailbox, over):
    assert failure(**over).error_class == "MESSAGE_REFUSED"
    assert mailbox.taken == []


def test_a_line_with_a_dot_does_not_end_the_message(mailbox):
    send(text="a\n.\nQUIT\n")
    assert text(mailbox.message()) == "a\n.\nQUIT\n"


def test_without_a_mail_server_it_says_who_names_one(settings):
    settings.EMAIL_HOST = ""
    error = failure()
    assert (error.error_class, "CHRONOS_EMAIL_HOST" in error.message) == ("EMAIL_NOT_CONFIGURED", True)


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [("450 4.2.1 Try later", "TEMPORARY_FAILURE"), ("550 5.1.1 No such user", "RECIPIENT_REFUSED")],
)
def test_a_refused_recipient_is_for_good_or_for_now(mailbox, answer, error_class):
    mailbox.refusing["ops@example.com"] = answer
    error = failure()
    assert error.error_class == error_class
    assert error.message == f"Nobody got it; ops@example.com: {answer}"


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        ("451 4.7.1 Greylisted", "TEMPORARY_FAILURE"),
        ("553 5.7.1 Not you", "SENDER_REFUSED"),
        ("552 5.3.4 Too big", "MESSAGE_REFUSED"),
    ],
)
def test_a_refused_sender_is_for_good_or_for_now(mailbox, answer, error_class):
    mailbox.refusing["chronos@example.com"] = answer
    error = failure()
    assert (error.error_class, error.message) == (error_class, f"The mail server said {answer}")


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [("452 4.3.1 Disk full", "TEMPORARY_FAILURE"), ("554 5.7.1 Spam", "MESSAGE_REFUSED")],
)
def test_a_refused_message_is_for_good_or_for_now(mailbox, answer, error_class):
    mailbox.on_data = answer
    assert failure().error_class == error_class


def test_every_refusal_is_an_email_error():
    refusals = (
        "TEMPORARY_FAILURE",
        "RECIPIENT_REFUSED",
        "SENDER_REFUSED",
        "MESSAGE_REFUSED",
        "PARTIALLY_DELIVERED",
    )
    assert all("EMAIL_ERROR" in chain(name) for name in refusals)


def test_who_got_it_and_who_did_not_is_told_by_name(mailbox):
    mailbox.refusing["b@example.com"] = "450 4.2.1 Later"
    error = failure(to=["a@example.com", "b@example.com"])
    assert error.error_class == "PARTIALLY_DELIVERED"
    assert error.message == "Delivered to 1 of 2; b@example.com: 450 4.2.1 Later"
    assert error.result == {"delivered": ["a@example.com"], "refused": {"b@example.com": "450 4.2.1 Later"}}


def partly_delivered(mailbox):
    """What is remembered when a got the message and b did not."""
    mailbox.refusing["b@example.com"] = "450 4.2.1 Later"
    first = context()
    failure(first, to=["a@example.com", "b@example.com"])
    mailbox.refusing.clear()
    return first.remembered


def test_a_retry_goes_to_those_who_have_not_got_it(mailbox):
    again = context(attempt=2, state=partly_delivered(mailbox))
    send(again, to=["a@example.com", "b@example.com"])
    assert [envelope.rcpt_tos for envelope in mailbox.taken] == [["a@example.com"], ["b@example.com"]]
    assert again.remembered == {"delivered": {}}


def test_a_later_occurrence_that_fails_too_has_nobody_of_the_first_one_written_to_twice(mailbox):
    state = partly_delivered(mailbox)
    tomorrow = replace(context(state=state), scheduled_time=NOON + timedelta(days=1))
    mailbox.refusing["b@example.com"] = "450 4.2.1 Later"
    failure(tomorrow, to=["a@example.com", "b@example.com"])
    mailbox.refusing.clear()
    again = context(attempt=2, state=tomorrow.remembered)
    send(again, to=["a@example.com", "b@example.com"])
    assert mailbox.taken[-1].rcpt_tos == ["b@example.com"]
    assert [*again.remembered["delivered"]] == [tomorrow.scheduled_time.isoformat()]


def test_the_next_occurrence_goes_to_everybody(mailbox):
    tomorrow = replace(context(state=partly_delivered(mailbox)), scheduled_time=NOON + timedelta(days=1))
    send(tomorrow, to=["a@example.com", "b@example.com"])
    assert mailbox.taken[1].rcpt_tos == ["a@example.com", "b@example.com"]


def test_nothing_is_sent_when_everybody_has_it(mailbox):
    send(context(state=partly_delivered(mailbox)), to=["a@example.com"])
    assert len(mailbox.taken) == 1


def test_a_message_larger_than_the_server_takes_is_not_even_begun(settings):
    box = Mailbox()
    with serving(settings, box, data_size_limit=10_000):
        assert "takes 10,000 at most" in failure(text="x" * 20_000).message


def test_a_server_without_other_letters_refuses_such_a_name(settings):
    with serving(settings, Mailbox(), enable_SMTPUTF8=False):
        assert failure(to=["zoë@example.com"]).error_class == "RECIPIENT_REFUSED"


@pytest.fixture
def authority(monkeypatch, tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def tls(authority, name="127.0.0.1"):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


class Accounts:
    """Lets ada in, and nobody else."""

    def __call__(self, server, session, envelope, mechanism, data):
        return AuthResult(handled=False, success=data.login == b"ada" and data.password == b"s3cret")


def secured(settings, **over):
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ada", over.get("password", "s3cret")


def test_a_server_with_tls_and_accounts_is_signed_in_to(settings, authority):
    box = Mailbox()
    options = {"require_starttls": True, "auth_required": True, "authenticator": Accounts()}
    with serving(settings, box, tls_context=tls(authority), **options):
        secured(settings)
        send()
        assert len(box.taken) == 1
        secured(settings, password="wrong")
        assert failure().error_class == "AUTHENTICATION_FAILED"


def test_tls_from_the_first_byte_is_spoken(settings, authority):
    box = Mailbox()
    with serving(settings, box, ssl_context=tls(authority)):
        settings.EMAIL_USE_SSL = True
        send()
        assert len(box.taken) == 1


def test_a_server_that_cannot_prove_its_name_gets_nothing(settings, authority):
    box = Mailbox()
    with serving(settings, box, tls_context=tls(authority, "mail.example.com")):
        secured(settings)
        assert failure().error_class == "TLS_ERROR"
        assert box.taken == []


def test_no_password_goes_over_an_open_line_where_tls_was_asked_for(settings):
    with serving(settings, Mailbox()):
        secured(settings)
        assert failure().message == "The mail server offers no encryption (STARTTLS)."


@contextmanager
def talking(settings, talk):
    """A server in a thread that does what `talk` does with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        ended = threading.Event()

        def serve():
            peer, _ = listener.accept()
            with peer:
                talk(peer, ended)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def hang(peer, ended):
    ended.wait(20)


def trickle(peer, ended):
    while not ended.wait(0.05):
        try:
            peer.send(b"2")
        except OSError:
            return


def drop(peer, ended):
    peer.send(b"220 here\r\n")
    peer.recv(100)


def turn_away(peer, ended):
    peer.send(b"421 4.3.2 Too busy\r\n")


@pytest.mark.parametrize(
    ("talk", "error_class"), [(drop, "CONNECTION_ERROR"), (turn_away, "TEMPORARY_FAILURE")]
)
def test_a_server_that_hangs_up_is_told_from_one_that_is_busy(settings, talk, error_class):
    with talking(settings, talk):
        assert failure().error_class == error_class


def take_and(then):
    """Take a message whole, and then do that instead of saying so."""

    def talk(peer, ended):
        peer.send(b"220 here\r\n")
        for line in iter(peer.makefile("rb").readline, b".\r\n"):
            if line.lower().startswith((b"ehlo", b"mail", b"rcpt")):
                peer.send(b"250 fine\r\n")
            elif line.lower() == b"data\r\n":
                peer.send(b"354 go on\r\n")
        then(peer, ended)

    return talk


@pytest.mark.parametrize("then", [hang, lambda peer, ended: None])
def test_a_server_that_falls_silent_after_the_message_may_have_taken_it(settings, then):
    with talking(settings, take_and(then)):
        error = failure(context(2))
    assert error.error_class == "DELIVERY_UNKNOWN"
    assert "CONNECTION_ERROR" not in chain(error.error_class)


def test_a_server_that_answers_no_farewell_holds_no_run_up(settings):
    def say_that_it_is_taken(peer, ended):
        peer.send(b"250 taken\r\n")
        ended.wait(20)

    with talking(settings, take_and(say_that_it_is_taken)):
        began = time.monotonic()
        assert send(context(30)).data["answer"] == "taken"
    assert time.monotonic() - began < 5


def test_nobody_listening_is_a_connection_error(settings):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert failure().error_class == "CONNECTION_ERROR"


def test_an_unknown_host_is_a_dns_error(settings):
    settings.EMAIL_HOST = "mail.invalid"
    assert failure().error_class == "DNS_ERROR"


@pytest.mark.parametrize("talk", [hang, trickle])
def test_a_cancel_ends_the_wait_for_a_server(settings, talk):
    within = context()
    with talking(settings, talk):
        threading.Timer(0.3, within.cancel).start()
        with pytest.raises(Cancelled):
            send(within)
    assert within.remaining > 8


def test_time_that_is_up_ends_the_wait_for_a_server(settings):
    began = time.monotonic()
    with talking(settings, hang), pytest.raises(DeadlineExceeded):
        send(context(0.5))
    assert time.monotonic() - began < 2


def test_a_cancel_ends_a_connection_that_nobody_accepts(settings):
    within = context()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        threading.Timer(0.3, within.cancel).start()
        with pytest.raises(Cancelled):
            send(within)
        for each in waiting:
            each.close()
    assert within.remaining > 8


def test_a_cancel_ends_the_wait_for_a_name_server(settings, monkeypatch):
    released, within = threading.Event(), context()
    monkeypatch.setattr(guard, "_ask", lambda *_: released.wait(30))
    settings.EMAIL_HOST = "mail.example.com"
    threading.Timer(0.3, within.cancel).start()
    with pytest.raises(Cancelled):
        send(within)
    released.set()
    assert within.remaining > 8


@pytest.mark.parametrize("piece", ["<a ", "<a b='", "<!--", "<![if>", "<?", "</", "&#", "<script>", "<a/"])
def test_no_html_makes_its_text_slow(piece):
    started = time.monotonic()
    plain_text(piece * (200_000 // len(piece)))
    assert time.monotonic() - started < 5


def test_what_only_looks_like_html_is_text():
    html = "<!DOCTYPE html><p>a < b<!-- x <b>y</b> --> and c <3</p><!--[if mso]><i>no</i><![endif]-->"
    assert plain_text(html) == "a < b and c <3"
