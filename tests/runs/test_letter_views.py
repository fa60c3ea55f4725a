"""What people do with dead letters from a page: happy, forbidden, illegal."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from runs.models import DeadLetter, Run
from tests.factories import NOON, alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db

ALL = ["letter_replay", "letter_resolve", "letter_ignore"]


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def event(owner):
    return DeadLetter.objects.create(run=run(job(owner), "FAILURE"), job=owner.jobs.get(), failure_reason="x")


def post(client, user, name, event, **data):
    client.force_login(user)
    return client.post(reverse(name, args=[event.pk]), {"notes": "Sent by hand", **data})


def text(client, address):
    return client.get(address).content.decode()


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_a_replay_is_started_and_leads_back(client, owner, event, who):
    user = owner if who == "owner" else bob()
    response = post(client, user, "letter_replay", event, next=f"/runs/{event.run_id}/")
    assert response["Location"] == f"/runs/{event.run_id}/"
    assert Run.objects.get(trigger="REPLAY").replay_of_id == event.run_id
    assert "Its replay is on its way" in str(*get_messages(response.wsgi_request))


@pytest.mark.parametrize(("name", "status"), [("letter_resolve", "RESOLVED"), ("letter_ignore", "IGNORED")])
def test_an_event_is_closed_with_its_note(client, owner, event, name, status):
    response = post(client, owner, name, event, notes=" Sent\0 by hand ")
    event.refresh_from_db()
    assert (event.status, event.resolution_notes) == (status, "Sent by hand")
    assert response["Location"] == reverse("dead_letter_detail", args=[event.pk])


@pytest.mark.parametrize("name", ALL)
def test_others_do_nothing_with_an_event(client, event, name):
    assert post(client, charlie(), name, event).status_code == 404
    event.refresh_from_db()
    assert event.status == "PENDING"
    assert not Run.objects.filter(trigger="REPLAY").exists()


@pytest.mark.parametrize("name", ALL)
def test_a_closed_event_is_refused_with_a_sentence(client, owner, event, name):
    DeadLetter.objects.update(status="IGNORED")
    response = post(client, owner, name, event)
    assert response.status_code == 409
    assert "The dead letter is ignored already." in response.content.decode()


def test_a_second_click_is_refused_while_the_replay_is_in_progress(client, owner, event):
    post(client, owner, "letter_replay", event)
    response = post(client, owner, "letter_replay", event)
    assert response.status_code == 409
    assert "A replay of the dead letter is in progress since" in response.content.decode()


@pytest.mark.parametrize("name", ["letter_resolve", "letter_ignore"])
def test_no_event_is_closed_without_a_note(client, owner, event, name):
    response = post(client, owner, name, event, notes=" \0")
    assert response.status_code == 409
    assert "Say in a note" in response.content.decode()


@pytest.mark.parametrize("name", ALL)
def test_they_take_nothing_but_a_protected_post(owner, event, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    url = reverse(name, args=[event.pk])
    assert (client.get(url).status_code, client.post(url).status_code) == (405, 403)
    assert Client().post(url)["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("page", ["run", "job"])
def test_both_pages_offer_what_can_be_done_and_tell_how_the_replay_goes(client, owner, event, page):
    client.force_login(owner)
    address = reverse(f"{page}_detail", args=[event.run_id if page == "run" else event.job_id])
    urls = [reverse(name, args=[event.pk]) for name in ALL]
    assert [url in text(client, address) for url in urls] == [True, True, True]
    post(client, owner, "letter_replay", event)
    assert "is in progress" in text(client, address)
    assert urls[0] not in text(client, address)
    Run.objects.filter(trigger="REPLAY").update(outcome="FAILURE", end_time=NOON)
    DeadLetter.objects.update(replay_failed_at=NOON)
    assert "failed too" in text(client, address)
    assert urls[0] in text(client, address)


def test_a_closed_event_tells_how_on_the_page_of_its_run(client, owner, event):
    post(client, owner, "letter_resolve", event)
    shown = text(client, reverse("run_detail", args=[event.run_id]))
    assert "Sent by hand" in shown
    assert reverse("letter_resolve", args=[event.pk]) not in shown


def test_a_replay_shows_the_tick_that_it_works_for(client, owner, event):
    post(client, owner, "letter_replay", event)
    replay = Run.objects.get(trigger="REPLAY")
    page = client.get(reverse("run_detail", args=[replay.pk])).context["page"]
    assert page.intended == ("Mon 2 Mar 2026 12:00:00 UTC", "")
