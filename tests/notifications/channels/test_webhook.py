"""Messages by webhook, against real HTTP servers in this process."""

import hashlib
import hmac
import json
import ssl
import time

import pytest
import trustme

from notifications.channels.base import Refused, Unreachable
from notifications.channels.webhook import CHANNEL, Webhook, sign
from tests.jobs.executors.http_peers import Handler, saying, serving
from tests.notifications.channels.contacts import Contact, message, named
from tests.servers import free_port

KEY = "a key of enough characters"


@pytest.fixture
def server(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    Handler.seen.clear()
    with serving() as port:
        yield f"http://127.0.0.1:{port}"


def send(url, shape="JSON", channel=CHANNEL, said=None, **options):
    secret = KEY if shape in ("JSON", "GENERIC") else url
    contact = Contact(url, {"shape": shape, **options}, secret)
    return channel.send(said or message(channel="WEBHOOK"), contact)


def posted():
    [seen] = Handler.seen
    return json.loads(seen["body"])


def test_a_message_arrives_as_documented(server, settings):
    settings.BASE_URL = "https://chronos.example.com/"
    send(f"{server}/status/200")
    body = posted()
    assert (body["version"], body["id"], body["event"], body["count"]) == (
        1,
        "chronos-42-0",
        "JOB_FAILURE",
        1,
    )
    assert body["job"]["name"] == "nightly-invoice-export"
    assert body["run"]["url"] == "https://chronos.example.com/runs/01M8C4BHB2V5T1Q3H6N8W7E9RX/"
    assert body["subject"] == "Failed: nightly-invoice-export (HTTP_503), 3rd time in a row"


def test_it_is_signed_with_its_time(server):
    send(f"{server}/status/200")
    [seen] = Handler.seen
    at, signature = (part.partition("=")[2] for part in seen["headers"]["X-Chronos-Signature"].split(","))
    digest = hmac.new(KEY.encode(), f"{at}.{seen['body']}".encode(), hashlib.sha256).hexdigest()
    assert signature == digest
    assert abs(int(at) - time.time()) < 60


def test_the_signature_is_the_one_that_is_documented():
    assert sign(b'{"a":1}', "secret", 1_700_000_000) == (
        "t=1700000000,v1=" + hmac.new(b"secret", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    )


def test_a_second_delivery_is_known_by_its_key(server):
    for _ in range(2):
        send(f"{server}/status/200")
    assert {seen["headers"]["Idempotency-Key"] for seen in Handler.seen} == {"chronos-42-0"}


def test_what_the_peer_said_is_the_answer(server):
    answer = send(f"{server}/status/202")
    assert (answer.status, answer.detail) == ("202 Accepted", '{"answer": 42}')


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_mistake_of_ours_is_for_good(server, status):
    with pytest.raises(Refused, match=f"127.0.0.1 said {status}"):
        send(f"{server}/status/{status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(server, status):
    with pytest.raises(Unreachable, match=str(status)):
        send(f"{server}/status/{status}")


@pytest.mark.parametrize(("said", "wanted"), [("90", 90.0), ("999999", 3600.0), ("soon", None)])
def test_the_peer_may_say_when(server, said, wanted):
    with pytest.raises(Unreachable) as caught:
        send(f"{server}/later/429/{said}")
    assert caught.value.retry_after == wanted


def test_no_redirect_is_followed(server):
    with pytest.raises(Refused, match="redirects"):
        send(f"{server}/to/status/200")
    assert len(Handler.seen) == 1


class Hurried(Webhook):
    seconds = 0.4


def drip(connection):
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX-Long: "])
def test_a_peer_that_never_ends_its_headers_is_left(settings, begun):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    started = time.monotonic()
    with (
        saying(begun, then=drip) as url,
        pytest.raises(Unreachable, match=r"No answer within 0\.4 seconds"),
    ):
        send(url, channel=Hurried())
    assert time.monotonic() - started < 3


def test_a_peer_that_has_said_yes_need_not_end_its_body(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with saying(b"HTTP/1.1 200 OK\r\n\r\nok", then=drip) as url:
        assert send(url, channel=Hurried()).status == "200 OK"


def test_of_an_endless_body_only_the_beginning_is_read(settings):
    def pour(connection):
        while True:
            connection.sendall(b"x" * 65536)

    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with saying(b"HTTP/1.1 200 OK\r\n\r\n", then=pour) as url:
        assert send(url).detail == "x" * 200


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_a_peer_that_hangs_up_or_speaks_no_http_is_tried_again(settings, said):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with saying(said) as url, pytest.raises(Unreachable):
        send(url)


def test_a_port_that_nobody_listens_at_is_tried_again(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with pytest.raises(Unreachable, match="refuses the connection"):
        send(f"http://127.0.0.1:{free_port()}/")


def test_private_addresses_are_not_reached(server, settings):
    settings.ALLOWED_NETWORKS = []
    with pytest.raises(Refused, match="not a public address"):
        send(f"{server}/status/200")
    assert Handler.seen == []


def test_what_a_peer_says_is_shown_without_controls_and_secrets(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    said = b"HTTP/1.1 400 Bad\r\n\r\n\x1b[31mkey " + KEY.encode() + b" password=hunter2"
    with saying(said) as url, pytest.raises(Refused) as caught:
        send(url)
    assert "\x1b" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_address_of_a_chats_hook_is_not_told(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    said = b"HTTP/1.1 404 No\r\n\r\nno hook /T000/s3cr3tt0k3n"
    with saying(said) as url, pytest.raises(Refused, match="no hook") as caught:
        send(f"{url}/T000/s3cr3tt0k3n", "SLACK")
    assert "s3cr3tt0k3n" not in str(caught.value)


def test_without_the_key_of_its_secret_nothing_is_sent(server):
    with pytest.raises(Refused, match="enter the secret again"):
        CHANNEL.send(message(channel="WEBHOOK"), Contact(f"{server}/status/200", {}, None))
    assert Handler.seen == []


def test_a_test_message_needs_no_job(server):
    send(f"{server}/status/200", said=message("TEST", "WEBHOOK"))
    assert (posted()["event"], posted()["job"]) == ("TEST", None)


HOSTILE = "<!channel> @everyone @here <@U123> **x** [a](https://evil.example) `c` <b>"


def test_a_name_calls_nobody_in_slack(server):
    send(f"{server}/status/200", "SLACK", said=message(channel="WEBHOOK", job=named(HOSTILE)))
    body = posted()
    assert "<!channel>" not in body["text"]
    assert "&lt;!channel&gt;" in body["text"]
    assert {block["text"]["type"] for block in body["blocks"] if "text" in block} == {"plain_text"}


def test_a_name_calls_nobody_in_discord(server):
    send(f"{server}/status/200", "DISCORD", said=message(channel="WEBHOOK", job=named(HOSTILE)))
    body = posted()
    assert body["allowed_mentions"] == {"parse": []}
    assert r"\[a\]\(https\://evil.example\)" in body["embeds"][0]["title"]
    assert r"\@everyone" in body["embeds"][0]["title"]


def test_a_name_is_no_markdown_in_teams(server):
    send(f"{server}/status/200", "TEAMS", said=message(channel="WEBHOOK", job=named(HOSTILE)))
    card = posted()["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert "entities" not in json.dumps(card)


def test_a_peer_that_cannot_prove_its_name_gets_nothing(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    unknown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(unknown)
    Handler.seen.clear()
    with serving(tls=unknown) as port, pytest.raises(Unreachable, match="The certificate of"):
        send(f"https://127.0.0.1:{port}/status/200")
    assert Handler.seen == []


@pytest.mark.parametrize("shape", ["SLACK", "DISCORD", "TEAMS"])
def test_a_chats_message_leads_to_the_run(server, shape):
    send(f"{server}/status/200", shape)
    assert "/runs/01M8C4BHB2V5T1Q3H6N8W7E9RX/" in Handler.seen[0]["body"]
    assert "X-Chronos-Signature" not in Handler.seen[0]["headers"]


def test_the_longest_message_fits_into_a_chat(server):
    said = message(channel="WEBHOOK", job={**named("n" * 300), "runbook": "r" * 9000})
    for shape in ("SLACK", "DISCORD"):
        send(f"{server}/status/200", shape, said=said)
    slack, discord = (json.loads(seen["body"]) for seen in Handler.seen)
    assert max(len(block["text"]["text"]) for block in slack["blocks"] if "text" in block) <= 3000
    assert len(discord["embeds"][0]["title"]) <= 256


def test_a_body_of_ones_own_holds_values_as_json_texts(server):
    body = '{"title": "{{ subject }}", "who": "{{ job.name }}"}'
    send(
        f"{server}/status/200",
        "GENERIC",
        said=message(channel="WEBHOOK", job=named('"}, "admin": {"\\')),
        body=body,
    )
    assert posted()["who"] == '"}, "admin": {"\\'
    assert [*posted()] == ["title", "who"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "Write the JSON to send."),
        ('{"a": {{ job.secret }}}', "Line 1: there is no value called job.secret."),
        ('{"a": "{{ subject }}', "With an example filled in, this is no JSON"),
        ('{"a": {{ failures_in_a_row }}}', "With an example filled in, this is no JSON"),
        ("x" * 20_001, "This is longer than 20,000 characters."),
        (["x"], "Write the JSON to send."),
    ],
)
def test_a_body_that_cannot_be_sent_is_refused_when_it_is_written(body, sentence):
    errors = CHANNEL.check("https://example.com/", {"shape": "GENERIC", "body": body}, KEY)
    assert errors["body"][0].startswith(sentence)


@pytest.mark.parametrize(
    ("address", "settings", "secret", "wrong"),
    [
        ("https://example.com/hook", {}, KEY, []),
        ("https://example.com/hook", {}, "short", ["secret"]),
        ("ftp://example.com/", {}, KEY, ["address"]),
        ("https://user:password@example.com/", {}, KEY, ["address"]),
        ("http://127.0.0.1/", {}, KEY, ["address"]),
        ("http://[::1", {}, KEY, ["address"]),
        ("https://exa mple.com/", {}, KEY, ["address"]),
        ("https://example.com:99999/", {}, KEY, ["address"]),
        ("hooks.slack.com", {"shape": "SLACK"}, "https://hooks.slack.com/services/T/B/x", []),
        ("hooks.slack.com", {"shape": "SLACK"}, "hooks.slack.com", ["secret"]),
        ("https://example.com/", {"shape": "PIGEON"}, KEY, ["shape"]),
        ("https://example.com/", {"shape": ["JSON"]}, KEY, ["shape"]),
    ],
)
def test_a_contact_is_checked_when_it_is_written(address, settings, secret, wrong):
    assert [*CHANNEL.check(address, settings, secret)] == wrong
