"""Secrets leave as stars, and stars do not come back as secrets."""

import pytest

from jobs.masking import DOTS
from jobs.transfer.requests import read
from jobs.transfer.stars import masked, starred
from tests.jobs.transfer.requests import http


def test_secrets_are_masked_with_stars_and_the_rest_is_kept():
    payload = {
        "database_url": "jdbc:mysql://db/shop?user=reader&password=s3cret",
        "http_headers": {"Authorization": "Bearer s3cret", "Accept": "*/*"},
        "queue_config": {"brokers": [{"host": "a", "password": "s3cret"}]},
        "query": "SELECT 1",
        "max_rows": 5,
    }
    assert masked({"name": "a", "payload": payload})["payload"] == {
        "database_url": "jdbc:mysql://db/shop?user=reader&password=***",
        "http_headers": {"Authorization": "***", "Accept": "*/*"},
        "queue_config": {"brokers": [{"host": "a", "password": "***"}]},
        "query": "SELECT 1",
        "max_rows": 5,
    }


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({"database_url": "postgresql://app:***@db/shop"}, [("database_url", "")]),
        ({"database_url": "jdbc:sqlserver://db;user=sa;password=***"}, [("database_url", "")]),
        ({"http_headers": {"Authorization": "***"}}, [("http_headers", ".Authorization")]),
        ({"queue_config": {"brokers": [{"password": "***"}]}}, [("queue_config", ".brokers[0].password")]),
        ({"queue_config": {"credentials": "***"}}, [("queue_config", ".credentials")]),
        ({"queue_config": {"credentials": {"user": "***"}}}, [("queue_config", ".credentials")]),
        ({"http_body": '{"password": ***}'}, [("http_body", "")]),
        ({"http_body": f"token={DOTS}"}, [("http_body", "")]),
    ],
)
def test_stars_in_the_place_of_a_secret_are_found(payload, where):
    assert list(starred(payload)) == where


@pytest.mark.parametrize(
    "payload",
    [
        {"http_body": "***"},
        {"message_body": "rated *** by guests"},
        {"http_headers": {"Accept": "***"}},
        {"query": "SELECT '***'", "max_rows": 3},
        {"queue_config": {"password": "s3cret", "note": "***", "list": ["***", 5, None]}},
    ],
)
def test_other_stars_are_just_stars(payload):
    assert list(starred(payload)) == []


def test_a_masked_request_is_refused_where_the_secret_is_missing():
    [problem] = read(http(headers={"Authorization": "***"})).problems
    assert problem.field == "payload.httpHeaders.Authorization"
    assert problem.reason == "A secret is masked here as ***: write it out, or export with --with-secrets."
