"""The columns that people choose."""

import pytest
from django.urls import reverse

from dashboard import columns
from tests.factories import alice, bob, job

pytestmark = pytest.mark.django_db

ADDRESS = "/jobs/columns/"


@pytest.fixture
def operator(client):
    him = bob()
    job(him)
    client.force_login(him)
    return him


def shown(client):
    return client.get(reverse("job_list")).context["columns"]


def test_the_usual_columns_are_shown_at_first_and_again_when_asked(client, operator):
    assert shown(client) == columns.USUAL
    client.post(ADDRESS, {"column": ["type"]})
    client.post(ADDRESS, {"usual": "1", "column": ["type"]})
    assert shown(client) == columns.USUAL


@pytest.mark.parametrize("ticked", [[], ["priority", "last", "updated"], list(columns.COLUMNS)])
def test_the_browser_remembers_what_was_ticked(client, operator, ticked):
    response = client.post(ADDRESS, {"column": ticked, "next": "/jobs/?sort=next"})
    assert response["Location"] == "/jobs/?sort=next"
    assert shown(client) == set(ticked)


def test_what_is_no_column_is_forgotten_and_no_other_site_is_gone_to(client, operator):
    response = client.post(ADDRESS, {"column": ["password", "type"], "next": "https://example.com/"})
    assert response["Location"] == "/jobs/"
    assert shown(client) == {"type"}


def test_an_odd_cookie_breaks_nothing(client, operator):
    client.cookies[columns.COOKIE] = "x..password"
    assert shown(client) == set()


def test_who_sees_only_their_own_jobs_has_no_column_of_owners(client):
    her = alice()
    job(her)
    client.force_login(her)
    assert "owner" not in shown(client)


def test_columns_are_chosen_by_post_alone(client, operator):
    assert client.get(ADDRESS).status_code == 405
