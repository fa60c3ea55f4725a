"""What people do with dead letters from a page: happy, forbidden, illegal."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.acknowledgements import Acknowledgement
from runs.models import DeadLetter, Run
from tests.factories import NOON, alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db

ALL = ["letter_replay", "letter_resolve", "letter_ignore"]
EVERYTHING = [*ALL, "letter_assign"]


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


@pytest.mark.parametrize("name", EVERYTHING)
def test_others_do_nothing_with_an_event(client, event, name):
    assert post(client, charlie(), name, event).status_code == 404
    event.refresh_from_db()
    assert event.status == "PENDING"
    assert not Run.objects.filter(trigger="REPLAY").exists()


@pytest.mark.parametrize("name", EVERYTHING)
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


@pytest.mark.parametrize("name", EVERYTHING)
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


def test_owners_take_their_own_and_operators_give_to_anybody(client, owner, event):
    post(client, owner, "letter_assign", event, me="1")
    event.refresh_from_db()
    assert event.assignee == owner
    operator = bob()
    post(client, operator, "letter_assign", event, assignee=operator.email)
    event.refresh_from_db()
    assert event.assignee == operator


def test_owners_give_to_nobody_else(client, owner, event):
    other = bob()
    assert post(client, owner, "letter_assign", event, assignee=other.email).status_code == 403
    event.refresh_from_db()
    assert event.assignee is None


def test_owners_do_not_find_out_who_has_an_account(client, owner, event):
    answers = [
        post(client, owner, "letter_assign", event, assignee=who) for who in (bob().email, "no@example.com")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Only operators give" in answers[1].content.decode()


def test_who_may_not_see_it_is_not_given_it(client, event):
    response = post(client, bob(), "letter_assign", event, assignee=charlie().email)
    assert response.status_code == 409
    assert "may not see" in response.content.decode()


def test_somebody_unknown_is_told_of(client, event):
    response = post(client, bob(), "letter_assign", event, assignee="nobody@example.com")
    assert "Nobody signs in as nobody@example.com" in str(*get_messages(response.wsgi_request))


def acknowledge(client, user, event, **data):
    client.force_login(user)
    return client.post(reverse("job_acknowledge", args=[event.job_id]), data)


def test_an_owner_acknowledges_the_failures_of_a_job_for_a_while(client, owner, event):
    acknowledge(client, owner, event, span="4h", note="On it.")
    made = Acknowledgement.objects.get()
    assert (made.job, made.by, made.note) == (event.job, owner, "On it.")
    assert timedelta(hours=3) < made.until - timezone.now() < timedelta(hours=5)


def test_others_acknowledge_nothing(client, event):
    assert acknowledge(client, charlie(), event).status_code == 404
    assert not Acknowledgement.objects.exists()


@pytest.mark.parametrize(
    ("span", "until"),
    [("until", ""), ("until", "2001-01-01T10:00"), ("until", "soon"), ("", "2001-01-01T10:00")],
)
def test_a_time_must_be_one_that_is_to_come(client, owner, event, span, until):
    response = acknowledge(client, owner, event, span=span, until=until)
    assert "Nothing is acknowledged." in str(*get_messages(response.wsgi_request))
    assert not Acknowledgement.objects.exists()


def alike(event):
    DeadLetter.objects.update(signature="a" * 64)
    return reverse("signature_acknowledge", args=["a" * 64])


def test_operators_acknowledge_all_failures_alike(client, event):
    operator = bob()
    client.force_login(operator)
    client.post(alike(event), {"note": "The proxy."})
    assert Acknowledgement.objects.get().signature == "a" * 64


def test_owners_do_not_silence_the_failures_of_others(client, owner, event):
    client.force_login(owner)
    assert client.post(alike(event)).status_code == 403
    assert not Acknowledgement.objects.exists()


def test_what_nobody_has_seen_is_not_acknowledged(client, event):
    client.force_login(bob())
    assert client.post(reverse("signature_acknowledge", args=["b" * 64])).status_code == 404


def test_it_is_taken_back_once(client, owner, event):
    acknowledge(client, owner, event)
    address = reverse("acknowledgement_take_back", args=[Acknowledgement.objects.get().pk])
    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 409


def test_others_take_nothing_back(client, owner, event):
    acknowledge(client, owner, event)
    client.force_login(charlie())
    address = reverse("acknowledgement_take_back", args=[Acknowledgement.objects.get().pk])
    assert client.post(address).status_code == 404
    assert Acknowledgement.objects.open().exists()
