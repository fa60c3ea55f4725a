"""What the eyes of people get to see of a definition."""

import pytest

from jobs import masking
from jobs.masking import DOTS
from tests.computing import at_most


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://app:s3cret@db/app", f"postgresql://app:{DOTS}@db/app"),
        (
            "jdbc:postgresql://db/app?user=app&password=s3cret",
            f"jdbc:postgresql://db/app?user=app&password={DOTS}",
        ),
        ("mysql://db/app;user=x;pwd=s3cret", f"mysql://db/app;user=x;pwd={DOTS}"),
        ("https://example.com/?api_key=s3cret&day=1", f"https://example.com/?api_key={DOTS}&day=1"),
        ("redis://:s3cret@cache:6379/0", f"redis://:{DOTS}@cache:6379/0"),
        ("https://user:p%40ss:s3cret@example.com/", f"https://user:{DOTS}@example.com/"),
        ('{"user": "a", "password": "s3cret word"}', f'{{"user": "a", "password": {DOTS}}}'),
        ("export DB_PASSWORD='s3cret word'\nrun", f"export DB_PASSWORD={DOTS}\nrun"),
        ("curl -H 'Authorization: Bearer s3cret123'", f"curl -H 'Authorization: {DOTS}'"),
        ("token = bearer s3cret123; go", f"token = {DOTS}; go"),
        ("use bearer s3cret123 here", f"use bearer {DOTS} here"),
        ("postgresql://app:s3@cret@db/app", f"postgresql://app:{DOTS}@db/app"),
        ("client_secret: s3cret", f"client_secret: {DOTS}"),
        ("Set-Cookie: session=s3cret; Path=/", f"Set-Cookie: {DOTS}; Path=/"),
        ("export DB_PASS=s3cret", f"export DB_PASS={DOTS}"),
        ("jdbc:oracle:thin:scott/s3cret@db:1521:XE", f"jdbc:oracle:thin:scott/{DOTS}@db:1521:XE"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----",
            f"-----BEGIN RSA PRIVATE KEY-----{DOTS}-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_text_loses_its_secrets(given, shown):
    assert masking.text(given) == shown


@pytest.mark.parametrize(
    "harmless",
    [
        "https://example.com/path?page=2",
        "SELECT token_count, key FROM stats WHERE author = 'a'",
        "postgresql://app@db/app",
        "jdbc:oracle:thin:@//db:1521/orders",
        "routing_key=orders, compass=north",
        "Authorization: Bearer {{ secret:api }}",
        "postgresql://app:{{ secret:db }}@db/app",
        "https://example.com/?token={{ secret:api }}",
        "12:30:00 https://example.com:8080/a@b",
    ],
)
def test_other_text_stays(harmless):
    assert masking.text(harmless) == harmless


def test_headers_keep_their_names_and_the_values_that_cannot_hurt():
    shown = masking.payload(
        {"http_headers": {"Authorization": "Basic s3cret", "X-Anything": "s3cret", "Accept": "text/html"}}
    )
    assert shown["http_headers"] == {"Authorization": DOTS, "X-Anything": DOTS, "Accept": "text/html"}


def test_json_is_masked_by_name_at_any_depth():
    smtp = {"password": "s3cret", "smtp_pass": "s3cret", "port": 25, "auth": {"user": "a"}}
    assert masking.anything({"smtp": [smtp], "access_key": None}) == {
        "smtp": [{"password": DOTS, "smtp_pass": DOTS, "port": 25, "auth": DOTS}],
        "access_key": None,
    }


def test_a_placeholder_names_a_secret_and_is_none():
    headers = {"Authorization": "Bearer {{ secret:api }}", "X-Key": "{{secret:key}} s3cret"}
    assert masking.headers(headers) == {"Authorization": "Bearer {{ secret:api }}", "X-Key": DOTS}


def test_a_version_shows_all_but_the_secrets_of_its_payload():
    shown = masking.definition({"name": "x", "payload": {"database_url": "postgresql://a:s3cret@b/c"}})
    assert shown == {"name": "x", "payload": {"database_url": f"postgresql://a:{DOTS}@b/c"}}


@pytest.mark.parametrize(
    "piece",
    ["a-", "token", "?key", "password ", "a://", "{{ secret:", "bearer ", "_pass", "jdbc:oracle:x:a/"],
)
def test_no_text_makes_it_slow(piece):
    with at_most(2):
        masking.text(piece * 50_000)


def test_a_value_too_short_to_be_a_secret_is_not_looked_for_in_every_word():
    assert masking.ByValue(["a", "abc"]).text("an abc") == "an abc"


LONG = "tok_0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("cut", "shown"),
    [
        (f"'{LONG[:30]}' is no topic name", f"'{DOTS}' is no topic name"),
        (f"token {LONG[:16]}", f"token {DOTS}"),
        (f"{LONG} and {LONG[:20]}… (9,000 characters)", f"{DOTS} and {DOTS}… (9,000 characters)"),
        (f"{LONG[:15]} is too little to tell", f"{LONG[:15]} is too little to tell"),
    ],
)
def test_of_a_long_secret_the_beginning_is_hidden_too(cut, shown):
    assert masking.ByValue([LONG]).text(cut) == shown


def test_a_secret_that_begins_within_another_is_hidden_to_its_end():
    assert masking.ByValue([LONG, f"{LONG[20:]} and more"]).text(f"({LONG} and more)") == f"({DOTS})"


def test_no_secret_makes_the_search_slow():
    with at_most(2):
        masking.ByValue(["a" * 10_000]).text(("a" * 9_999 + "b") * 10)
