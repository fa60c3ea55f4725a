import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from chronos_site.proxies import client_address


def seen(own, passed_on=None):
    """The address that the rest of the product sees."""
    headers = {} if passed_on is None else {"X-Forwarded-For": passed_on}
    request = RequestFactory(REMOTE_ADDR=own).get("/", headers=headers)
    answer = client_address(lambda request: HttpResponse(request.META["REMOTE_ADDR"]))
    return answer(request).content.decode()


def test_without_proxies_nobodys_word_is_taken():
    assert seen("127.0.0.1", "10.0.0.7") == "127.0.0.1"


@pytest.mark.parametrize(
    ("own", "passed_on", "client"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9, 10.1.0.3", "203.0.113.9"),
        ("127.0.0.1", "10.1.0.4,10.1.0.3", "10.1.0.4"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "1.2.3.4, <script>", "127.0.0.1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("", "1.2.3.4", ""),
    ],
)
def test_the_last_address_that_is_no_proxys_counts(own, passed_on, client, settings):
    settings.PROXIES = ["127.0.0.1", "10.1.0.0/16"]
    assert seen(own, passed_on) == client
