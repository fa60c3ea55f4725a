"""Views of the lists of jobs and runs that people keep."""

import pytest

from audit.models import AuditEvent
from dashboard.models import SavedView
from tests.factories import ada, alice, bob, charlie, job

pytestmark = pytest.mark.django_db

NEW = "/jobs/views/new/"


@pytest.fixture
def owner(client):
    her = alice()
    job(her)
    client.force_login(her)
    return her


def kept(owner, name="Paused ones", query="status=PAUSED", **fields):
    return SavedView.objects.create(owner=owner, page="job_list", name=name, query=query, **fields)


def offered(client, user, page="/jobs/"):
    client.force_login(user)
    return [view.words for view in client.get(page).context["offered"].views]


def test_a_view_keeps_what_the_list_understands_and_leads_there(client, owner):
    query = "status=PAUSED&status=ROT&after=x&sort=next&q="
    response = client.post(NEW, {"name": "Paused ones", "query": query})
    assert response["Location"] == "/jobs/?status=PAUSED&sort=next"
    assert "Paused ones" in offered(client, owner)
    assert AuditEvent.objects.filter(action="VIEW_SAVED", user_email=owner.email).count() == 1


def test_a_list_with_conditions_can_be_saved_and_one_that_is_a_view_already_cannot(client, owner):
    view = kept(owner)
    assert "Save this view" in client.get("/jobs/?status=FAILED").content.decode()
    page = client.get("/jobs/?status=PAUSED").content.decode()
    assert "Save this view" not in page
    assert f"/jobs/views/{view.pk}/" in page


def test_views_stay_with_their_owner_unless_they_are_shared(client, owner):
    kept(owner, "hers")
    kept(bob(), "for all", shared=True)
    assert offered(client, owner)[-2:] == ["hers", "for all"]
    assert offered(client, charlie())[-1:] == ["for all"]


def test_only_operators_share(client, owner):
    client.post(NEW, {"name": "mine", "query": "", "shared": "on"})
    assert SavedView.objects.filter(owner=owner, shared=True).count() == 0
    operator = bob()
    client.force_login(operator)
    client.post(NEW, {"name": "ours", "query": "", "shared": "on"})
    assert SavedView.objects.get(owner=operator).shared


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\0b"])
def test_a_bad_name_is_told_at_its_field_and_nothing_is_lost(client, owner, name):
    response = client.post(NEW, {"name": name, "query": "status=PAUSED"})
    assert response.status_code == 400
    assert response.context["form"].errors.keys() == {"name"}
    assert 'value="status=PAUSED"' in response.content.decode()


def test_a_name_is_taken_once_or_replaced_when_asked(client, owner):
    view = kept(owner)
    sent = {"name": "Paused ones", "query": "status=FAILED"}
    assert "Replace the earlier one" in client.post(NEW, sent).content.decode()
    client.post(NEW, {**sent, "replace": "1"})
    view.refresh_from_db()
    assert view.query == "status=FAILED"


def test_a_view_is_renamed_and_deleted_by_its_owner(client, owner):
    view = kept(owner)
    client.post(f"/jobs/views/{view.pk}/", {"name": "Asleep"})
    view.refresh_from_db()
    assert (view.name, view.query) == ("Asleep", "status=PAUSED")
    assert client.post(f"/jobs/views/{view.pk}/delete/")["Location"] == "/jobs/?status=PAUSED"
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))[-2:] == [
        "VIEW_CHANGED",
        "VIEW_DELETED",
    ]


@pytest.mark.parametrize("what", ["", "delete/"])
def test_others_views_are_not_there_to_be_changed(client, owner, what):
    view = kept(bob(), shared=True)
    assert client.post(f"/jobs/views/{view.pk}/{what}", {"name": "x"}).status_code == 404
    assert SavedView.objects.filter(name="Paused ones").exists()


def test_administrators_clear_away_what_others_share(client, owner):
    shared, private = kept(bob(), shared=True), kept(owner)
    client.force_login(ada())
    assert client.post(f"/jobs/views/{shared.pk}/delete/").status_code == 302
    assert client.post(f"/jobs/views/{private.pk}/delete/").status_code == 404


def test_views_are_deleted_by_post_alone_and_odd_numbers_are_not_there(client, owner):
    assert client.get(f"/jobs/views/{kept(owner).pk}/delete/").status_code == 405
    assert client.post(f"/jobs/views/{10**30}/delete/").status_code == 404


def test_a_hostile_name_is_text(client, owner):
    kept(owner, "<b>\u202ex", "status=FAILED")
    page = client.get("/jobs/?status=FAILED").content.decode()
    assert "&lt;b&gt;[U+202E]x" in page
    assert "<b>\u202e" not in page


def test_a_list_of_runs_is_kept_as_well_and_only_there(client, owner):
    query = "outcome=FAILURE&outcome=ROT&since=24h&after=x"
    response = client.post("/runs/views/new/", {"name": "Broken", "query": query})
    assert response["Location"] == "/runs/?outcome=FAILURE&since=24h"
    assert "Broken" in offered(client, owner, "/runs/")
    assert "Broken" not in offered(client, owner)


def test_a_view_of_runs_says_what_it_shows(client, owner):
    one = job(owner, name="nightly-export")
    page = client.get(f"/runs/views/new/?query=job%3D{one.pk}%26took%3D10m").content.decode()
    assert "The list of runs with these conditions, the newest first" in page
    assert "nightly-export" in page
    assert "at least 10 minutes" in page


def test_a_view_of_runs_is_changed_and_deleted_at_its_own_address(client, owner):
    view = SavedView.objects.create(owner=owner, page="run_list", name="Broken", query="outcome=FAILURE")
    assert f"/runs/views/{view.pk}/" in client.get("/runs/?outcome=FAILURE").content.decode()
    assert client.post(f"/jobs/views/{view.pk}/", {"name": "x"}).status_code == 404
    assert client.post(f"/runs/views/{view.pk}/", {"name": "x"})["Location"] == "/runs/?outcome=FAILURE"
    assert client.post(f"/runs/views/{view.pk}/delete/")["Location"] == "/runs/?outcome=FAILURE"
    assert not SavedView.objects.exists()


def test_others_views_of_runs_are_not_there_to_be_changed(client, owner):
    view = SavedView.objects.create(owner=bob(), page="run_list", name="x", shared=True)
    assert client.post(f"/runs/views/{view.pk}/delete/").status_code == 404


def test_one_name_is_free_in_each_list(client, owner):
    kept(owner, "Broken")
    assert client.post("/runs/views/new/", {"name": "Broken", "query": "state=LATE"}).status_code == 302


@pytest.mark.databases
def test_no_view_has_a_name_with_a_nul(client, owner):
    assert client.post(NEW, {"name": "a\0b", "query": "", "replace": "1"}).status_code == 400
