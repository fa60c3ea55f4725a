import pytest

from jobs.executors import TYPES
from tests.jobs.executors.payloads import errors, full, small


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://files.example.com/a", "The URL must start with http:// or https://."),
        ("https://", "The URL names no host."),
        ("https://example.com:0/", "The URL names no host."),
        ("https://example.com/a b", "The URL holds a blank, a backslash or a control character."),
        ("https://u:p@example.com/", "Leave user and password out of the URL: use an Authorization header."),
        ("https://[::1/", "The URL cannot be read: Invalid IPv6 URL."),
        ("https://example.com:99999/", "The URL cannot be read: Port out of range 0-65535."),
        (None, "This field is required."),
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url, sentence):
    assert errors(small("HTTP", httpUrl=url)) == {"http_url": sentence}


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Host": "example.com"}, "The header Host is set by Chronos itself."),
        ({"a b": "1"}, "'a b' is no header name."),
        ({"X": "a\nb"}, "The value of X holds characters that headers cannot carry."),
        ({"X": ["a"]}, "The value of X must be text."),
        ({"X": None}, "The value of X must be text."),
        ("X", "Line 1 has no colon: write Name: value."),
        ("X: 1\nX: 2", "The header 'X' stands twice."),
        (["X"], 'This must be JSON, an object such as {"name": "value"}.'),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers, sentence):
    assert errors(small("HTTP", httpHeaders=headers)) == {"http_headers": sentence}


def test_headers_may_be_lines():
    checked = small("HTTP", httpHeaders="Accept: text/plain\r\nX-Time: 12:30")
    assert checked.is_valid()
    assert checked.columns()["http_headers"] == {"Accept": "text/plain", "X-Time": "12:30"}


def test_the_method_is_one_of_seven_in_any_case():
    checked = small("HTTP", httpMethod="patch")
    assert checked.is_valid()
    assert checked.columns()["http_method"] == "PATCH"
    assert "http_method" in errors(small("HTTP", httpMethod="TRACE"))


@pytest.mark.parametrize("statuses", [[99], [600], ["ok"], [True], [200.5], "200-204"])
def test_statuses_are_numbers_of_http(statuses):
    assert (
        "is no whole number from 100 to 599."
        in errors(small("HTTP", expectedStatuses=statuses))["expected_statuses"]
    )


@pytest.mark.parametrize("seconds", [0, 86_401, 1.5, "soon", True])
def test_the_timeout_is_a_day_at_most(seconds):
    assert errors(full("HTTP", timeoutSeconds=seconds)) == {
        "timeout_seconds": "Give a whole number from 1 to 86,400."
    }


def test_options_that_say_the_default_are_not_kept():
    checked = small("HTTP", followRedirects=True, verifyTls=True, expectedStatuses=[])
    assert checked.is_valid()
    assert "metadata" not in checked.columns()


def test_the_short_keys_of_other_systems_are_understood():
    checked = TYPES["HTTP"].form(
        {
            TYPES["HTTP"].aliases[key]: value
            for key, value in {"url": "http://a.example", "method": "GET"}.items()
        }
    )
    assert checked.is_valid()
