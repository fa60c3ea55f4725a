"""What makes two failures the same."""

import pytest

from runs.signature import normal, signature
from tests.computing import at_most


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Run 01K0000000000000000000TOKE is gone", "Run <id> is gone"),
        ("order 3f2b8c1e-9d4a-4b6f-8a2e-1c5d7e9f0a3b", "order <id>"),
        ("GET https://a.example/x?y=1 took 1.5 s", "GET <url> took <n> s"),
        ("took 1,200 ms of 800", "took <n> ms of <n>"),
        ("bounced by ops+x1@mail.example.com", "bounced by <address>"),
        ("connect to 10.0.0.7:5432 refused", "connect to <ip>:<n> refused"),
        ("connect to fe80::1ff:fe23:4567:890a refused", "connect to <ip> refused"),
        ("since 2026-03-02T12:00:00.250+01:00, at 12:00:01", "since <time>, at <time>"),
        ("since 2026-03-02 12:00:00Z", "since <time>"),
        ("object at 0xdeadbeef", "object at <hex>"),
        ("commit 1f3870be2", "commit <hex>"),
        ("token abcDEF0123456789ghijkl refused", "token <id> refused"),
        ("/data/in/orders_b.csv is missing", "<path> is missing"),
        (r"C:\in\orders.csv is missing", "<path> is missing"),
        ("  two\n\n lines ", "two lines"),
    ],
)
def test_what_changes_from_run_to_run_is_marked(message, told):
    assert normal(message) == told


@pytest.mark.parametrize(
    "message",
    [
        'column "total" does not exist',
        "read/write is off",
        "Service unavailable",
        "a decade of feedback",
        "std::bad_alloc",
    ],
)
def test_what_tells_failures_apart_stays(message):
    assert normal(message) == message


def test_failures_of_two_classes_are_never_the_same():
    assert signature("TIMEOUT", "after 3 s") == signature("TIMEOUT", "after 30 s")
    assert signature("TIMEOUT", "after 3 s") != signature("DEADLOCK", "after 3 s")


@pytest.mark.parametrize(
    "hostile", ["a" * 2000, "/" * 2000, "0:" * 1000, "1." * 1000, "a.@" * 700, "/a" * 1000]
)
def test_no_message_takes_long(hostile):
    with at_most(0.5):
        signature("X", hostile)
