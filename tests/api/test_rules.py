"""Rules by the API: what the form of the page takes, and nothing that it would not."""

import pytest

from audit.models import AuditEvent
from notifications.rules import Rule
from tests import factories
from tests.api.calling import Caller, errors
from tests.notifications import alerting
from tests.together import meeting

pytestmark = pytest.mark.django_db
PATH = "/notifications/rules"


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def call(alice):
    return Caller(alice)


@pytest.fixture
def told(alice):
    """What a rule of alice's says at least."""
    return {"name": "nightly", "events": ["FAILURE"], "contacts": [alerting.contact(alice).pk]}


def test_a_rule_is_made_with_what_the_page_would_offer(call, alice, told):
    answer = call.post(PATH, {**told, "quiet_from": "22:00", "quiet_until": "06:30"})
    assert answer.status_code == 201, answer.content
    rule = Rule.objects.get()
    assert (rule.owner, rule.group_seconds, f"{rule.quiet_until:%H:%M}") == (alice, 30, "06:30")
    assert answer.json()["contacts"] == told["contacts"]
    assert call.get(answer.headers["Location"].removeprefix("/api")).json() == answer.json()


def test_a_rule_is_about_a_job_by_its_name(call, alice, told):
    job = factories.job(alice, name="greet")
    answer = call.post(PATH, {**told, "scope": "JOB", "job": "greet"})
    assert answer.json()["job"] == job.pk


def test_each_field_that_is_wrong_is_named_as_the_body_names_it(call, told):
    answer = call.post(PATH, {**told, "name": "", "scope": "JOB", "job": "nowhere", "events": ["NO"]})
    assert answer.status_code == 422
    assert set(errors(answer)) == {"name", "job", "events"}


def test_a_key_that_means_nothing_is_told(call, told):
    assert "colour" in errors(call.post(PATH, {**told, "colour": "red"}))


def test_others_contact_points_and_jobs_are_not_told(call, told):
    charlie = factories.charlie()
    theirs, job = alerting.contact(charlie), factories.job(charlie)
    answer = call.post(PATH, {**told, "contacts": [theirs.pk], "scope": "JOB", "job": job.pk})
    assert set(errors(answer)) == {"contacts", "job"}


def test_rules_about_other_people_are_for_operators(call, told, alice):
    assert "jobs_of" in errors(call.post(PATH, {**told, "scope": "OWNER", "jobs_of": alice.email}))
    bob = factories.bob()
    asked = {**told, "contacts": [alerting.contact(bob).pk], "scope": "OWNER", "jobs_of": alice.email}
    assert Caller(bob).post(PATH, asked).json()["jobs_of"] == alice.email


def test_a_change_leaves_what_it_does_not_name_as_it_is(call, told):
    made = call.post(PATH, {**told, "quiet_from": "22:00", "quiet_until": "06:00"}).json()
    changed = call("PATCH", f"{PATH}/{made['id']}", {"enabled": False, "remind_seconds": 3600})
    assert changed.json() == {**made, "enabled": False, "remind_seconds": 3600}
    assert AuditEvent.objects.get(action="RULE_CHANGED").via == "API"


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_a_change_takes_nothing_back_that_somebody_else_says_in_that_moment(call, told):
    made = call.post(PATH, told).json()
    meeting(
        lambda: Rule.objects.update(name="by somebody else"),
        lambda: call("PATCH", f"{PATH}/{made['id']}", {"enabled": False}),
    )
    rule = Rule.objects.get()
    assert (rule.name, rule.enabled) == ("by somebody else", False)


def test_null_takes_quiet_hours_away(call, told):
    made = call.post(PATH, {**told, "quiet_from": "22:00", "quiet_until": "06:00"}).json()
    changed = call("PATCH", f"{PATH}/{made['id']}", {"quiet_from": None, "quiet_until": None})
    assert (changed.json()["quiet_from"], changed.json()["quiet_until"]) == (None, None)


def test_a_rule_is_muted_for_a_while_and_speaks_again(call, told):
    path = f"{PATH}/{call.post(PATH, told).json()['id']}"
    assert "until" in errors(call.post(f"{path}:mute", {"until": "2020-01-01T00:00:00Z"}))
    until = "2099-01-01T00:00:00Z"
    assert call.post(f"{path}:mute", {"until": until}).json()["muted_until"] == until
    assert call.post(f"{path}:unmute").json()["muted_until"] is None


def test_a_mute_ends_within_the_calendar_of_every_zone(call, told):
    path = f"{PATH}/{call.post(PATH, told).json()['id']}"
    assert "until" in errors(call.post(f"{path}:mute", {"until": "9999-12-31T23:59:59-12:00"}))
    assert Rule.objects.get().muted_until is None


def test_a_rule_is_deleted(call, told):
    path = f"{PATH}/{call.post(PATH, told).json()['id']}"
    assert call("DELETE", path).status_code == 204
    assert not Rule.objects.exists()
