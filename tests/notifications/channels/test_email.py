"""Messages by mail, against a real mail server in this process."""

import time

import pytest

from notifications.channels.base import Refused, Unreachable
from notifications.channels.email import CHANNEL, Email
from tests.jobs.executors.test_email import Mailbox, secured, serving, talking, text, tls
from tests.notifications.channels.contacts import Contact, message, named

OPS = Contact("ops@example.com")


class Hurried(Email):
    seconds = 0.3


def test_a_message_has_the_same_in_text_and_html(mailbox):
    CHANNEL.send(message(), OPS)
    plain, html = mailbox.message().iter_parts()
    assert mailbox.message().get_content_type() == "multipart/alternative"
    assert "nightly-invoice-export failed on 2 Mar 2026" in text(plain)
    assert "<h1>Failed: nightly-invoice-export (HTTP_503), 3rd time in a row</h1>" in html.get_content()


def test_a_second_delivery_is_known_by_its_message_id(mailbox):
    CHANNEL.send(message(id="chronos-7-0"), OPS)
    CHANNEL.send(message(id="chronos-7-0"), OPS)
    ids = {envelope.content.split(b"Message-ID: ")[1].split(b"\r\n")[0] for envelope in mailbox.taken}
    assert ids == {b"<chronos-7-0@example.com>"}


def test_machines_see_what_the_message_is_about(mailbox):
    CHANNEL.send(message(), OPS)
    sent = mailbox.message()
    assert sent["Auto-Submitted"] == "auto-generated"
    assert (sent["X-Chronos-Event"], sent["X-Chronos-Job"]) == ("JOB_FAILURE", "01M8C494FZMK7XV1ZD2571RCVG")
    assert sent["X-Chronos-Run"] == "01M8C4BHB2V5T1Q3H6N8W7E9RX"


def test_it_leads_to_the_run(mailbox, settings):
    settings.BASE_URL = "https://chronos.example.com/"
    CHANNEL.send(message(), OPS)
    link = "https://chronos.example.com/runs/01M8C4BHB2V5T1Q3H6N8W7E9RX/"
    assert all(link in part.get_content() for part in mailbox.message().iter_parts())


def test_what_the_server_said_is_the_answer(mailbox):
    answer = CHANNEL.send(message(), OPS)
    assert (answer.status, answer.detail) == ("250", "2.0.0 Ok: queued as 42")


def test_a_name_of_several_lines_makes_no_header(mailbox):
    CHANNEL.send(message(job=named("a\r\nBcc: everybody@example.com\r\n\r\nb")), OPS)
    assert mailbox.message()["Bcc"] is None
    assert mailbox.message()["Subject"].startswith("Failed: a Bcc: everybody@example.com b")
    assert mailbox.taken[0].rcpt_tos == ["ops@example.com"]


def test_a_name_in_markup_is_text_in_the_html(mailbox):
    CHANNEL.send(message(job=named("<img src=x onerror=alert(1)>")), OPS)
    _, html = mailbox.message().iter_parts()
    assert "<img" not in html.get_content()
    assert "&lt;img src=x onerror=alert(1)&gt;" in html.get_content()


@pytest.mark.parametrize("place", ["ops@example.com", "chronos@example.com"])
def test_a_refusal_for_good_is_told_apart_from_one_for_now(mailbox, place):
    mailbox.refusing[place] = "550 5.1.1 No such user"
    with pytest.raises(Refused, match=r"550 5\.1\.1 No such user"):
        CHANNEL.send(message(), OPS)
    mailbox.refusing[place] = "451 4.7.1 Greylisted"
    with pytest.raises(Unreachable, match=r"451 4\.7\.1 Greylisted"):
        CHANNEL.send(message(), OPS)


@pytest.mark.parametrize(
    ("answer", "wanted"), [("554 5.7.1 Spam", Refused), ("452 4.3.1 Disk full", Unreachable)]
)
def test_so_is_a_message_that_is_refused_once_it_is_seen(mailbox, answer, wanted):
    mailbox.on_data = answer
    with pytest.raises(wanted):
        CHANNEL.send(message(), OPS)


def test_without_a_server_it_waits_for_one(settings):
    settings.EMAIL_HOST = ""
    with pytest.raises(Unreachable, match="CHRONOS_EMAIL_HOST"):
        CHANNEL.send(message(), OPS)


def test_a_server_that_says_nothing_is_left(settings):
    with (
        talking(settings, lambda peer, ended: ended.wait()),
        pytest.raises(Unreachable, match=r"No answer within 0\.3 seconds\."),
    ):
        Hurried().send(message(), OPS)


def test_a_server_that_says_a_letter_now_and_then_is_left_too(settings):
    def drip(peer, ended):
        while not ended.wait(0.05):
            try:
                peer.sendall(b"2")
            except OSError:
                return

    started = time.monotonic()
    with talking(settings, drip), pytest.raises(Unreachable, match="No answer within"):
        Hurried().send(message(), OPS)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "said", [b"\xff\xfe\x00garbage\r\n", b"220 " + b"x" * 100_000 + b"\r\n", b"999 no\r\n", b""]
)
def test_a_server_that_speaks_no_smtp_is_a_sentence(settings, said):
    with (
        talking(settings, lambda peer, ended: peer.sendall(said)),
        pytest.raises(Unreachable) as caught,
    ):
        CHANNEL.send(message(), OPS)
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_tls_is_spoken_where_the_settings_say_so(settings, authority):
    box = Mailbox()
    with serving(settings, box, tls_context=tls(authority), require_starttls=True):
        settings.EMAIL_USE_TLS = True
        CHANNEL.send(message(), OPS)
    assert len(box.taken) == 1


def test_a_server_that_cannot_prove_its_name_gets_no_message(settings, authority):
    box = Mailbox()
    with serving(settings, box, tls_context=tls(authority, "mail.example.com")):
        secured(settings)
        with pytest.raises(Unreachable):
            CHANNEL.send(message(), OPS)
    assert box.taken == []


@pytest.mark.parametrize(
    "address", ["", "ops", "a@b", "a@example.com, b@example.com", "a@example.com\nBcc: b"]
)
def test_an_address_is_one_mail_address(address):
    assert [*CHANNEL.check(address, {}, "")] == ["address"]
    assert CHANNEL.check("ops@example.com", {}, "") == {}
