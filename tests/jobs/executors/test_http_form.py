import re

import pytest
import trustme

from jobs import masking
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


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is a metadata or link-local address"),
        ("http://127.1", "127.0.0.1 is not a public address; CHRONOS_ALLOWED_NETWORKS can allow it."),
        ("http://2130706433", "127.0.0.1 is not a public address"),
        ("http://0x7f000001", "127.0.0.1 is not a public address"),
        ("http://0177.0.0.1", "127.0.0.1 is not a public address"),
        ("http://0/", "0.0.0.0 is not a public address"),
        ("http://[::1]", "::1 is not a public address"),
        ("http://[::ffff:7f00:1]", "127.0.0.1 is not a public address"),
        ("http://①②⑦.⓪.⓪.①/", "127.0.0.1 is not a public address"),
        ("http://１２７.0.0.1/", "127.0.0.1 is not a public address"),  # noqa: RUF001
        ("http://[64:ff9b::a9fe:a9fe]/", "169.254.169.254 is a metadata or link-local address"),
        ("http://[2002:7f00:1::]/", "127.0.0.1 is not a public address"),
        ("http://192.0.0.192/", "192.0.0.192 is a metadata or link-local address"),
        ("http://224.0.0.1/", "224.0.0.1 is not a public address"),
        ("http://127.0.0.1\\@example.com/", "a blank, a backslash or a control character"),
        ("http://example.com@127.0.0.1/", "Leave user and password out"),
        ("http://a@b@c/", "Leave user and password out"),
        ("http://@example.com/", "Leave user and password out"),
        ("file:///etc/passwd", "must start with http:// or https://"),
        ("gopher://example.com/", "must start with http:// or https://"),
        ("javascript:alert(1)", "must start with http:// or https://"),
        ("//example.com/", "must start with http:// or https://"),
        ("http://localhost:6379/%0d%0aFLUSHALL", "127.0.0.1 is not a public address"),
        ("http://example.com/\r\nFLUSHALL", "control character"),
        ("http:///path", "The URL names no host."),
    ],
)
def test_a_url_that_leads_inside_is_refused_already_when_saved(settings, url, sentence):
    settings.ALLOWED_NETWORKS = []
    assert sentence in errors(small("HTTP", httpUrl=url))["http_url"]


def test_a_url_that_the_administrator_allows_is_taken(settings):
    settings.ALLOWED_NETWORKS = ["10.0.0.0/8"]
    assert errors(small("HTTP", httpUrl="http://10.1.2.3:8080/export")) == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://{{ param:host }}/",
        "http://{{ param:host }}:8080/{{ fire.date }}",
        "https://example.com/?at={{ fire.time }}",
        "{{ param:url }}",
    ],
)
def test_a_url_may_hold_placeholders_anywhere(url):
    assert errors(small("HTTP", httpUrl=url)) == {}


@pytest.mark.parametrize("header", ["Content-Length: 5", "Transfer-Encoding: chunked", "Host: evil.example"])
def test_headers_that_frame_the_message_are_refused(header):
    assert "is set by Chronos itself" in errors(small("HTTP", httpHeaders=header))["http_headers"]


def test_no_header_smuggles_in_another():
    assert "http_headers" in errors(small("HTTP", httpHeaders={"X": "a\r\nHost: evil.example"}))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"a":1,"a":2}', "The key 'a' stands twice."),
        ('{"a": NaN}', "NaN is no JSON value."),
        ("[" * 10_000, "This is nested deeper than 20 levels."),
        ("[" * 30 + "]" * 30, "This is nested deeper than 20 levels."),
        ('{"day": yesterday}', "This is no JSON: expecting value in line 1, column 9."),
        ("x" * 50_000_000, "Ensure this value has at most 200000 characters (it has 50000000)."),
    ],
    ids=lambda value: value[:12],
)
@pytest.mark.parametrize(
    "said", [{"contentType": "json"}, {"httpHeaders": {"content-type": "application/json"}}]
)
def test_a_body_that_is_sent_as_json_is_json(said, body, sentence):
    assert errors(small("HTTP", httpBody=body, **said)) == {"http_body": sentence}


@pytest.mark.parametrize(
    "said",
    [
        {"contentType": "TEXT"},
        {},
        {"contentType": "JSON", "httpHeaders": "Content-Type: text/csv"},
    ],
)
def test_a_body_that_is_sent_as_something_else_may_be_anything(said):
    assert errors(small("HTTP", httpBody="{a;b", **said)) == {}


@pytest.mark.parametrize(
    "body", ['{"day": "{{ fire.date }}", "count": {{ param:count }}}', "{{ param:body }}"]
)
def test_a_body_of_json_may_hold_placeholders(body):
    checked = small("HTTP", httpBody=body, contentType="JSON")
    assert errors(checked) == {}
    assert checked.columns()["http_body"] == body


BASIC = {"authentication": "basic", "authUser": "billing", "authPassword": "{{ secret:billing }}"}
NO_USER = "Give the user's name, which holds no colon."
NO_TOKEN = "Give the token, which holds neither blanks nor accents."
NOT_USED = "This is not used by the way of signing in that is chosen."
BEARER = {"authentication": "BEARER", "authToken": "{{ secret:billing }}"}


@pytest.mark.parametrize("said", [BASIC, BEARER, {**BASIC, "authPassword": None}])
def test_a_job_may_sign_in(said):
    assert errors(small("HTTP", **said)) == {}


@pytest.mark.parametrize(
    ("said", "name", "sentence"),
    [
        ({**BASIC, "authUser": None}, "auth_user", "Give the user's name, which holds no colon."),
        ({**BASIC, "authUser": "a:b"}, "auth_user", "Give the user's name, which holds no colon."),
        (
            {**BEARER, "authToken": None},
            "auth_token",
            "Give the token, which holds neither blanks nor accents.",
        ),
        (
            {**BEARER, "authToken": "a b"},
            "auth_token",
            "Give the token, which holds neither blanks nor accents.",
        ),
        (
            {**BASIC, "authToken": "abc"},
            "auth_token",
            "This is not used by the way of signing in that is chosen.",
        ),
        (
            {"authPassword": "abc"},
            "auth_password",
            "This is not used by the way of signing in that is chosen.",
        ),
        (
            {**BEARER, "httpHeaders": {"authorization": "Bearer abc"}},
            "authentication",
            "The headers hold an Authorization already: leave out one.",
        ),
        ({"authentication": "DIGEST"}, "authentication", "'DIGEST' is none of BASIC, BEARER."),
    ],
)
def test_signing_in_is_said_in_full_and_once(said, name, sentence):
    assert errors(small("HTTP", **said)) == {name: sentence}


@pytest.mark.parametrize(
    "path",
    [
        "$",
        "$.a",
        "$['a b']",
        "$.a[0]",
        "$.a[-1:]",
        "$.a[*].b",
        "$..b",
        "$.a[?@.n == 'x' && @.m > 1].b",
        "$[?@.a]",
    ],
)
def test_a_json_path_is_one_of_rfc_9535(path):
    assert errors(small("HTTP", jsonPath=path)) == {}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("a.b", "This is no JSON path: "),
        ("$.", "This is no JSON path: "),
        ("$[", "This is no JSON path: "),
        ("$[?@.a =~ /(a+)+$/]", "This is no JSON path: "),
        ("$.a | $.b", "This is no JSON path: "),
        ("$[?search(@.a, '(a+)+$')]", "Chronos follows simpler paths"),
        ("$[?length(@.a) > 1]", "Chronos follows simpler paths"),
        ("$[0,0][0,0][0,0]", "Chronos follows simpler paths"),
        ("$..*..*..*", "Chronos follows simpler paths"),
        ("$" + ".a" * 13, "Chronos follows simpler paths"),
        ("$[?@.a || @.b || @.c || @.d]", "Chronos follows simpler paths"),
        ("$[?@..a]", "Chronos follows simpler paths"),
        ("$[?@[?@.a]]", "Chronos follows simpler paths"),
        ("$[?!(@.a || $..a)]", "Chronos follows simpler paths"),
        ("$" + "[?@" * 80, "This is no JSON path: "),
    ],
)
def test_a_path_that_is_none_or_could_take_for_ever_is_refused(path, sentence):
    assert errors(small("HTTP", jsonPath=path))["json_path"].startswith(sentence)


def test_a_value_to_expect_needs_a_path():
    assert errors(small("HTTP", jsonEquals="ok")) == {
        "json_path": "Say by a JSON path which value is meant, such as $.status."
    }


@pytest.mark.parametrize(("key", "name"), [("answerContains", "answer_contains"), ("jsonPath", "json_path")])
def test_an_answer_without_a_body_is_not_looked_at(key, name):
    found = errors(small("HTTP", httpMethod="HEAD", **{key: "$"}))
    assert found == {name: "An answer to HEAD has no body to look at."}


@pytest.fixture(scope="module")
def made():
    return trustme.CA().issue_cert("chronos.example")


def test_certificates_are_taken_in_pem(made):
    certificate, key = (each.bytes().decode() for each in (made.cert_chain_pems[0], made.private_key_pem))
    checked = small("HTTP", caCertificate=certificate, clientCertificate=certificate + key)
    assert errors(checked) == {}
    assert checked.columns()["metadata"]["client_certificate"] == (certificate + key).strip()


@pytest.mark.parametrize(
    "text",
    ["{{ secret:certificate }}", "{{ secret:certificate }}\n{{ secret:key }}", "# ours\n{{ secret:both }}"],
)
def test_certificates_may_be_secrets(text):
    checked = small("HTTP", clientCertificate=text)
    assert errors(checked) == {}
    assert checked.columns()["metadata"]["client_certificate"] == text


def test_certificates_are_no_other_text(made):
    certificate, key = (each.bytes().decode() for each in (made.cert_chain_pems[0], made.private_key_pem))
    locked = re.sub(r"[A-Z]+ PRIVATE KEY|PRIVATE KEY", "ENCRYPTED PRIVATE KEY", key)
    for option, name, wrong, sentence in (
        ("caCertificate", "ca_certificate", "abc", "holds no certificate in PEM"),
        ("caCertificate", "ca_certificate", certificate + key, "Leave out the private key"),
        (
            "clientCertificate",
            "client_certificate",
            certificate,
            "Give the certificate's private key with it",
        ),
        ("clientCertificate", "client_certificate", key, "holds no certificate in PEM"),
        ("clientCertificate", "client_certificate", certificate + locked, "is locked by a passphrase"),
    ):
        assert sentence in errors(small("HTTP", **{option: wrong}))[name]


def test_an_authority_is_of_no_use_where_nothing_is_verified(made):
    certificate = made.cert_chain_pems[0].bytes().decode()
    found = errors(small("HTTP", caCertificate=certificate, verifyTls=False))
    assert found == {
        "ca_certificate": "Nobody looks at this while the certificate is not verified: leave out one."
    }


@pytest.mark.parametrize("version", ["1.1", "1.2", 1.3])
def test_the_oldest_tls_is_said_only_where_it_is_not_the_usual(version):
    assert "minimum_tls" in errors(small("HTTP", minimumTls=version))


def test_nobody_is_shown_how_a_job_signs_in(made):
    key = made.private_key_pem.bytes().decode()
    said = {
        **BASIC,
        "authPassword": "s3cr3t",
        "clientCertificate": made.cert_chain_pems[0].bytes().decode() + key,
    }
    checked = small("HTTP", **said)
    assert checked.is_valid()
    shown = masking.payload(checked.columns())["metadata"]
    assert shown["auth_password"] == masking.DOTS
    assert key.splitlines()[1] not in shown["client_certificate"]
    assert (shown["authentication"], shown["auth_user"]) == ("BASIC", "billing")
