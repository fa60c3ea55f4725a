"""From the inbox to a decision about many: previewed, counted, and then the deed."""

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.messages import get_messages

from runs import bulk
from runs.bulk import BulkOperation
from runs.models import DeadLetter, Run, Trigger
from tests import factories
from tests.dashboard.test_dead_letters import letter

pytestmark = pytest.mark.django_db

BULK = "/dead-letters/bulk/"


@pytest.fixture
def bob(client):
    bob = factories.bob()
    client.force_login(bob)
    return bob


@pytest.fixture
def events():
    job = factories.job()
    return [letter(job, "a" if n else "b", ago=timedelta(minutes=n)) for n in range(3)]


def told(response):
    return unescape(response.content.decode())


def picked(*events, **data):
    return {"id": [event.pk for event in events], **data}


def test_nothing_is_done_before_it_was_looked_at(client, bob, events):
    shown = told(client.post(BULK, picked(*events, do="REPLAY")))
    assert "Replay: 3 dead letters" in shown
    assert "of 1 job" in shown
    assert not Run.objects.filter(trigger=Trigger.REPLAY).exists()


def test_what_will_be_left_is_told_beforehand(client, bob, events):
    DeadLetter.objects.filter(pk=events[0].pk).update(status="IGNORED")
    shown = told(client.post(BULK, picked(*events, do="RESOLVE")))
    assert "1 will be left as it is" in shown
    assert "It is ignored already." in shown


def test_a_decision_needs_its_note(client, bob, events):
    response = client.post(BULK, picked(*events, do="RESOLVE", given="1", confirmed="3"))
    assert "This field is required." in told(response)
    assert not BulkOperation.objects.exists()


def test_the_confirmed_ones_are_closed_and_the_person_is_told(client, bob, events):
    data = picked(*events, do="IGNORE", given="1", note="No matter.", confirmed="3")
    response = client.post(BULK, data)
    assert response["Location"] == "/dead-letters/"
    assert "3 dead letters are ignored." in str(*get_messages(response.wsgi_request))
    assert not DeadLetter.objects.pending().exists()


def test_all_that_match_are_those_of_the_open_group(client, bob, events):
    data = {"all": "1", "matching": f"?signature={'a' * 64}", "do": "RESOLVE"}
    assert "Resolve: 2 dead letters" in told(client.post(BULK, data))
    client.post(BULK, {**data, "given": "1", "note": "Mended.", "confirmed": "2"})
    assert list(DeadLetter.objects.pending()) == [events[0]]
    assert BulkOperation.objects.get().conditions == [["signature", "a" * 64]]


def test_what_changed_meanwhile_is_shown_once_more(client, bob, events):
    data = {"all": "1", "matching": "?", "do": "RESOLVE", "given": "1", "note": "x", "confirmed": "2"}
    assert "By now 3 match" in told(client.post(BULK, data))
    assert DeadLetter.objects.pending().count() == 3


def test_conditions_that_the_inbox_does_not_know_stop_it(client, bob, events):
    response = client.post(BULK, {"all": "1", "matching": "?since=never", "do": "RESOLVE"})
    assert "choose again" in str(*get_messages(response.wsgi_request))


@pytest.mark.parametrize("everything", [{}, {"all": "1", "matching": "?"}])
def test_others_events_are_not_touched(client, events, everything):
    client.force_login(factories.charlie())
    response = client.post(BULK, picked(*events, do="RESOLVE", **everything))
    assert "No dead letter is selected" in str(*get_messages(response.wsgi_request))


def test_owners_do_not_find_out_by_a_preview_who_has_an_account(client, events):
    client.force_login(events[0].job.owner)
    for who in (factories.charlie().email, "nobody@example.com"):
        asked = picked(events[0], do="ASSIGN", given="1", assignee=who)
        assert client.post(BULK, asked).status_code == 403


def test_only_operators_force_a_replay(client, events):
    client.force_login(events[0].job.owner)
    data = picked(*events, do="REPLAY", given="1", note="x", force="on", confirmed="3")
    assert client.post(BULK, data).status_code == 403
    assert not BulkOperation.objects.exists()


def test_a_deed_of_jobs_is_none_of_the_inbox(client, bob, events):
    assert client.post(BULK, picked(*events, do="PAUSE")).status_code == 404


def test_a_careful_replay_leads_to_its_progress(client, bob, events):
    data = picked(*events, do="REPLAY", given="1", canary="on", confirmed="3")
    response = client.post(BULK, data)
    operation = BulkOperation.objects.get()
    assert response["Location"] == f"/bulk/{operation.pk}/"
    shown = told(client.get(response["Location"]))
    assert "1 of 3 done." in shown
    assert "The next step begins" in shown


def test_a_note_for_the_group_goes_on_to_the_preview(client, bob, events):
    data = {"do": "RESOLVE", "scope": "group", "notes": "The proxy.", "all": "1"}
    address = f"/dead-letters/{events[1].pk}/decide/"
    shown = told(client.post(address, {**data, "matching": f"?signature={'a' * 64}"}))
    assert "Resolve: 2 dead letters" in shown
    assert "The proxy.</textarea>" in shown


@pytest.mark.parametrize(("do", "status"), [("RESOLVE", "RESOLVED"), ("IGNORE", "IGNORED")])
def test_one_event_is_decided_at_once(client, bob, events, do, status):
    address = f"/dead-letters/{events[0].pk}/decide/"
    client.post(address, {"do": do, "scope": "one", "notes": "x"})
    events[0].refresh_from_db()
    assert (events[0].status, events[0].closed_by) == (status, bob)


def test_nobody_decides_about_others_events(client, events):
    client.force_login(factories.charlie())
    for scope in ("one", "group"):
        data = {"do": "RESOLVE", "scope": scope, "notes": "x"}
        assert client.post(f"/dead-letters/{events[0].pk}/decide/", data).status_code == 404


def test_the_progress_tells_how_they_were_found(client, bob, events, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    data = {"all": "1", "matching": "?error=TIMEOUT", "do": "RESOLVE", "given": "1", "note": "x"}
    response = client.post(BULK, {**data, "confirmed": "3"})
    assert "All dead letters that matched error class" in told(client.get(response["Location"]))
