"""HTTP jobs against real servers in this process."""

import base64
import ssl
import threading
import time
from dataclasses import replace
from urllib.parse import quote

import pytest
import trustme

from jobs.executors.base import Cancelled, DeadlineExceeded
from tests.jobs.executors.http_peers import Handler, call, context, refusal, serving

# The product silences it once; pytest turns warnings on again for each test.
unverified = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture
def server(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    Handler.seen.clear()
    with serving() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def secure_server(settings):
    """A server whose certificate nobody knows."""
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with serving(tls=context) as port:
        yield f"https://127.0.0.1:{port}"


@pytest.fixture
def logged():
    return []


def test_a_success_tells_status_size_and_time(server):
    result = call(f"{server}/status/200")
    assert result.data["status"] == 200
    assert result.summary.startswith("200 OK in ")
    assert result.summary.endswith("14 bytes")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_arrives_with_headers_and_body(server, method):
    call(f"{server}/status/200", method, http_headers={"X-Job": "nightly"}, http_body="héllo")
    (seen,) = Handler.seen
    assert (seen["method"], seen["headers"]["X-Job"], seen["body"]) == (method, "nightly", "héllo")


@pytest.mark.parametrize(
    ("status", "error_class"), [(404, "HTTP_404"), (503, "HTTP_503"), (304, "UNEXPECTED_STATUS")]
)
def test_another_status_is_a_failure_of_its_own_class(server, status, error_class):
    failure = refusal(f"{server}/status/{status}")
    assert failure.error_class == error_class
    assert failure.result["status"] == status


def test_the_job_says_which_statuses_are_good(server):
    options = {"expected_statuses": [404]}
    assert call(f"{server}/status/404", metadata=options).data["status"] == 404
    assert refusal(f"{server}/status/200", metadata=options).error_class == "UNEXPECTED_STATUS"


def test_redirects_are_followed_and_logged(server, logged):
    result = call(f"{server}/to/status/200", within=context(logged))
    assert result.data["url"] == f"{server}/status/200"
    assert ("INFO", "302 redirects to /status/200") in logged


def test_redirects_without_end_are_a_failure(server):
    endless = "/".join(["to"] * 9)
    assert refusal(f"{server}/{endless}/status/200").error_class == "TOO_MANY_REDIRECTS"


def test_each_hop_is_checked_anew(server):
    failure = refusal(f"{server}/away/{server.rpartition(':')[2]}")
    assert failure.error_class == "FORBIDDEN_ADDRESS"
    assert "127.0.0.2" in failure.message


def test_a_redirect_to_what_is_no_address_is_a_failure(server):
    assert refusal(f"{server}/lost").error_class == "INVALID_URL"


def test_the_body_of_a_redirect_is_not_read(server):
    assert call(f"{server}/flood").data["status"] == 200
    assert [each["method"] for each in Handler.seen] == ["GET", "GET"]


def test_a_large_body_is_cut(server):
    assert call(f"{server}/large/3000000").summary.endswith("over 1,000,000 bytes")


def test_a_refused_connection_says_so(server):
    assert refusal("http://127.0.0.1:1/").error_class == "CONNECTION_ERROR"


def test_an_unknown_host_says_so():
    assert refusal("http://nobody.invalid/").error_class == "DNS_ERROR"


def test_a_server_that_never_answers_runs_into_the_deadline(server):
    with pytest.raises(DeadlineExceeded):
        call(f"{server}/hang", within=context(seconds=0.5))


def cancelled_after_a_moment(url, **options):
    """Seconds that the call went on."""
    within = context()
    threading.Timer(0.2, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        call(url, within=within, **options)
    return time.monotonic() - started


def test_a_cancellation_wakes_a_call_that_waits(server):
    assert cancelled_after_a_moment(f"{server}/hang") < 5


@unverified
def test_a_cancellation_wakes_a_call_that_waits_behind_tls(secure_server):
    assert cancelled_after_a_moment(f"{secure_server}/hang", metadata={"verify_tls": False}) < 5


def test_an_unknown_certificate_is_a_failure(secure_server):
    assert refusal(f"{secure_server}/status/200").error_class == "TLS_ERROR"


@unverified
def test_the_job_may_leave_the_certificate_unverified(secure_server):
    assert call(f"{secure_server}/status/200", metadata={"verify_tls": False}).data["status"] == 200


def test_an_answer_is_logged_in_part(server, logged):
    call(f"{server}/status/200", within=context(logged))
    assert ("DEBUG", '{"answer": 42}') in logged


def test_no_secret_of_an_address_or_an_answer_is_logged(server):
    told = []
    within = replace(context(), log=lambda level, message, **fields: told.append((message, fields)))
    result = call(f"{server}/to/secrets?token=s3cret", within=within)
    assert "token=" in str(told)
    assert "s3cret" not in f"{told} {result}"


def test_no_secret_of_an_address_is_told_with_a_failure(server):
    assert "s3cret" not in refusal("http://127.0.0.1:1/?api_key=s3cret").message


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("JSON", "application/json"),
        ("FORM", "application/x-www-form-urlencoded"),
        ("TEXT", "text/plain; charset=utf-8"),
        ("XML", "application/xml; charset=utf-8"),
    ],
)
def test_the_content_type_is_sent_with_the_body(server, kind, sent):
    call(f"{server}/status/200", "POST", http_body="1", metadata={"content_type": kind})
    assert Handler.seen[0]["headers"]["Content-Type"] == sent


def test_a_content_type_among_the_headers_comes_first(server):
    headers = {"content-type": "application/problem+json"}
    call(
        f"{server}/status/200", "POST", http_body="1", http_headers=headers, metadata={"content_type": "JSON"}
    )
    sent = [text for name, text in Handler.seen[0]["headers"].items() if name.lower() == "content-type"]
    assert sent == ["application/problem+json"]


def test_without_a_body_there_is_no_content_type(server):
    call(f"{server}/status/200", metadata={"content_type": "JSON"})
    assert "Content-Type" not in Handler.seen[0]["headers"]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (
            {"authentication": "BASIC", "auth_user": "zoë", "auth_password": "pass:word"},
            "Basic em/DqzpwYXNzOndvcmQ=",
        ),
        ({"authentication": "BEARER", "auth_token": "abc.def"}, "Bearer abc.def"),
    ],
)
def test_a_job_signs_in(server, options, sent):
    call(f"{server}/status/200", metadata=options)
    assert Handler.seen[0]["headers"]["Authorization"] == sent


def test_signing_in_stays_with_the_host_through_redirects(server):
    call(f"{server}/to/status/200", metadata={"authentication": "BEARER", "auth_token": "abc"})
    assert [each["headers"].get("Authorization") for each in Handler.seen] == ["Bearer abc"] * 2


def test_another_host_gets_no_header_that_may_hold_a_secret(server, settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    port = server.rpartition(":")[2]
    headers = {"X-Api-Key": "s3cret", "Cookie": "s3cret", "Accept": "text/plain"}
    options = {"authentication": "BEARER", "auth_token": "s3cret"}
    with serving("127.0.0.2") as other:
        call(f"{server}/elsewhere/127.0.0.2/{other}", http_headers=headers, metadata=options)
    assert port != str(other)
    assert "s3cret" not in str(Handler.seen[1])
    assert Handler.seen[1]["headers"]["Accept"] == "text/plain"


def test_redirects_that_are_not_followed_are_answers_like_others(server):
    options = {"follow_redirects": False, "expected_statuses": [302]}
    assert call(f"{server}/to/status/200", metadata=options).data["status"] == 302


@pytest.mark.parametrize("said", ["done", "all is done and well"])
def test_an_answer_that_contains_the_text_is_good(server, said):
    assert call(f"{server}/said?{quote(said)}", metadata={"answer_contains": "done"}).data["status"] == 200


def test_an_answer_without_the_text_is_a_failure(server):
    failure = refusal(f"{server}/said?DONE", metadata={"answer_contains": "done"})
    assert (failure.error_class, failure.message) == (
        "UNEXPECTED_BODY",
        "The answer does not contain 'done'.",
    )
    assert failure.result["status"] == 200


def test_a_bad_status_comes_before_a_bad_body(server):
    assert refusal(f"{server}/status/503", metadata={"answer_contains": "x"}).error_class == "HTTP_503"


@pytest.mark.parametrize(
    ("said", "path", "wanted"),
    [
        ('{"state": "ok"}', "$.state", "ok"),
        ('{"state": "ok"}', "$.state", ""),
        ('{"state": null}', "$.state", ""),
        ('{"count": 42}', "$.count", "42"),
        ('{"count": 42.0}', "$.count", "42"),
        ('{"well": true}', "$.well", "true"),
        ('{"none": null}', "$.none", "null"),
        ('{"at": "42"}', "$.at", "42"),
        ('"ok"', "$", "ok"),
        ("7", "$", "7"),
        ('{"all": [{"s": 1}, {"s": 1}]}', "$.all[*].s", "1"),
        ('{"all": [{"n": "a", "s": 2}, {"n": "b", "s": 1}]}', "$.all[?@.n == 'b'].s", "1"),
        ('{"a": {"b": {"deep": [1, 2]}}}', "$..deep", "[1, 2]"),
    ],
)
def test_what_the_path_finds_is_as_expected(server, said, path, wanted):
    options = {"json_path": path, "json_equals": wanted}
    assert call(f"{server}/said?{quote(said)}", metadata=options).data["status"] == 200


@pytest.mark.parametrize(
    ("said", "path", "wanted", "sentence"),
    [
        ('{"state": "bad"}', "$.state", "ok", 'The answer has "bad" at $.state, not ok.'),
        ('{"state": true}', "$.state", "1", "The answer has true at $.state, not 1."),
        ('{"state": 1}', "$.state", "true", "The answer has 1 at $.state, not true."),
        ('{"all": [1, 2]}', "$.all[*]", "1", "The answer has 2 at $.all[*], not 1."),
        ("{}", "$.state", "ok", "The answer has nothing at $.state."),
        ("{}", "$.state", "", "The answer has nothing at $.state."),
        ("[]", "$.state", "", "The answer has nothing at $.state."),
        ('"[1]"', "$[0]", "1", "The answer has nothing at $[0]."),
        ('{"a": [{"s": "x"}]}', "$.a[?@.s > 3]", "", "The answer has nothing at $.a[?@.s > 3]."),
        ("<p>", "$.state", "", "The answer is no JSON that can be read."),
        ("", "$.state", "", "The answer is no JSON that can be read."),
        ("[" * 20_000, "$.state", "", "The answer is no JSON that can be read."),
        ('{"password": "hunter2"}', "$", "x", 'The answer has {"password": ••••••••} at $, not x.'),
    ],
)
def test_what_the_path_finds_is_not_as_expected(server, said, path, wanted, sentence):
    failure = refusal(f"{server}/said?{said}", metadata={"json_path": path, "json_equals": wanted})
    assert (failure.error_class, failure.message) == ("UNEXPECTED_BODY", sentence)


def test_json_that_is_cut_is_not_judged(server):
    failure = refusal(f"{server}/large/3000000", metadata={"json_path": "$.state"})
    assert "is longer than 1,000,000 bytes" in failure.message


@pytest.mark.parametrize(
    ("status", "when", "seconds"),
    [
        (503, "120", 120),
        (429, "0", 0),
        (503, "999999", 3600),
        (503, "Fri,%2001%20Jan%201999%2000:00:00%20GMT", 0),
        (503, "Wed,%2001%20Jan%202200%2000:00:00%20GMT", 3600),
        (503, "soon", None),
        (503, "-5", None),
        (500, "120", None),
    ],
)
def test_a_server_says_when_to_come_back(server, status, when, seconds):
    assert refusal(f"{server}/later/{status}/{when}").retry_after == seconds


@pytest.mark.parametrize("address", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]"])
def test_no_spelling_of_an_inner_address_is_called(server, settings, address):
    settings.ALLOWED_NETWORKS = []
    failure = refusal(f"http://{address}:{server.rpartition(':')[2]}/status/200")
    assert failure.error_class == "FORBIDDEN_ADDRESS"
    assert Handler.seen == []


@pytest.mark.parametrize(
    "options",
    [
        {"authentication": "BASIC", "auth_user": "zoe", "auth_password": "s3cret"},
        {"authentication": "BEARER", "auth_token": "s3cret"},
    ],
)
@pytest.mark.parametrize("expected", [{}, {"json_path": "$.got", "json_equals": "x"}])
def test_a_server_that_echoes_what_it_got_gives_no_secret_away(server, options, expected):
    told = []
    within = replace(context(), log=lambda level, message, **fields: told.append((message, fields)))
    if expected:
        told.append(refusal(f"{server}/echo", within=within, metadata={**options, **expected}).message)
    else:
        call(f"{server}/echo", within=within, metadata=options)
    assert "got" in str(told)
    assert "s3cret" not in str(told)
    assert base64.b64encode(b"zoe:s3cret").decode() not in str(told)
