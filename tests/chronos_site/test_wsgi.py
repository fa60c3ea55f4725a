import pytest
from django.test import RequestFactory

from chronos_site.wsgi import application

pytestmark = pytest.mark.django_db


def status(content_type):
    told = []
    environ = RequestFactory()._base_environ(QUERY_STRING="next=%5Cud800", CONTENT_TYPE=content_type)
    application(environ | {"PATH_INFO": "/sign-in/"}, lambda line, headers: told.append(line))
    return told[0]


@pytest.mark.parametrize(
    "charset",
    ["=unicode_escape", "=utf-16", "=utf-7", "=base64", "=idna", '="base64"', "*=base64''%41", "*=x''y"],
)
def test_a_request_in_another_encoding_is_refused_before_it_is_read(charset):
    assert status(f"text/plain; charset{charset}") == "400 Bad Request"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/plain; charset=UTF-8", "multipart/form-data; boundary=x", ";;="]
)
def test_a_request_that_is_utf_8_is_read(content_type):
    assert status(content_type) == "200 OK"
