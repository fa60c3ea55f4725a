"""Jobs as code by the API: the files of `manage.py apply`, in one request."""

import pytest

from accounts.models import User
from audit.models import AuditEvent
from jobs.models import Job
from tests import factories
from tests.api.calling import Caller, errors

pytestmark = pytest.mark.django_db

GREET = {
    "name": "greet",
    "type": "DUMMY",
    "schedule": {"scheduleType": "INTERVAL", "intervalSeconds": 300},
    "payload": {"type": "DUMMY"},
}
SECRET = {
    **GREET,
    "name": "call",
    "type": "HTTP",
    "payload": {
        "httpUrl": "https://example.com/",
        "httpMethod": "GET",
        "httpHeaders": {"Authorization": "Bearer s3cr3t-one"},
    },
}
SCRIPT = {**GREET, "type": "SCRIPT", "payload": {"type": "SCRIPT", "scriptContent": "#!/bin/sh\ntrue"}}
YAML = b"""
- name: greet
  type: DUMMY
  schedule: {scheduleType: INTERVAL, intervalSeconds: 300}
  payload: {type: DUMMY}
"""


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def call(alice):
    return Caller(alice)


def deeds(answer):
    return {step["name"]: step["deed"] for step in answer.json()["steps"]}


def test_jobs_are_made_and_the_second_time_nothing_is_done(call, alice):
    assert deeds(call.post("/apply", [GREET])) == {"greet": "created"}
    job = Job.objects.get()
    assert (job.owner, [tag.name for tag in job.tags.all()]) == (alice, ["applied"])
    assert deeds(call.post("/apply", [GREET])) == {"greet": "unchanged"}


def test_a_dry_run_tells_what_differs_and_does_nothing(call):
    call.post("/apply", [GREET])
    answer = call.post("/apply?dry_run=true", [{**GREET, "priority": "HIGH"}])
    [step] = answer.json()["steps"]
    assert step["differences"] == [{"field": "priority", "before": "MEDIUM", "after": "HIGH"}]
    assert Job.objects.get().priority == "MEDIUM"


def test_differences_tell_no_secret(call):
    call.post("/apply", [SECRET])
    other = {**SECRET["payload"], "httpHeaders": {"Authorization": "Bearer s3cr3t-two"}}
    answer = call.post("/apply", [{**SECRET, "payload": other}])
    assert deeds(answer) == {"call": "changed"}
    assert b"s3cr3t" not in answer.content


def test_one_refusal_refuses_all_and_names_the_request_and_its_field(call):
    answer = call.post("/apply", [GREET, {**GREET, "name": "other", "priority": "URGENT"}])
    assert (answer.status_code, set(errors(answer))) == (422, {"#2 priority"})
    assert not Job.objects.exists()


def test_a_dry_run_tells_refusals_in_the_steps(call):
    answer = call.post("/apply?dry_run=true", [{**GREET, "priority": "URGENT"}])
    assert (answer.status_code, answer.json()["refused"]) == (200, True)
    assert answer.json()["steps"][0]["errors"][0]["field"] == "priority"


def test_what_nothing_names_any_more_is_left_or_removed(call):
    call.post("/apply?set=shop", [GREET, SECRET])
    assert call.post("/apply?set=shop", [GREET]).json()["left"] == ["call"]
    assert deeds(call.post("/apply?set=shop&prune=true", [GREET]))["call"] == "removed"
    assert Job.objects.get().name == "greet"


def test_yaml_is_taken_as_it_is(call):
    headers = {"Authorization": f"Bearer {call.text}"}
    answer = call.client.post("/api/apply", YAML, "application/yaml", headers=headers)
    assert deeds(answer) == {"greet": "created"}


@pytest.mark.parametrize("body", [None, [], "x", {"format": "other"}, b"[", [None]])
def test_what_holds_no_requests_is_refused_in_a_sentence(call, body):
    answer = call.post("/apply", body)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_only_administrators_apply_for_others(call, alice):
    bob = Caller(factories.bob())
    assert bob.post(f"/apply?owner={alice.email}", [GREET]).status_code == 403
    assert "owner" in errors(Caller(factories.ada()).post("/apply?owner=nobody@example.com", [GREET]))
    Caller(User.objects.get(email="ada@example.com")).post(f"/apply?owner={alice.email}", [GREET])
    assert Job.objects.get().owner == alice


def test_a_set_is_one_word(call):
    assert set(errors(call.post("/apply?set=two%20words", [GREET]))) == {"set"}


def test_scripts_are_refused_to_others_and_that_is_written_down(call, settings):
    settings.SCRIPT_ENABLED = True
    assert set(errors(call.post("/apply", [SCRIPT]))) == {"#1 type"}
    assert AuditEvent.objects.get(action="DENIED").details["page"] == "api:apply"
    assert deeds(Caller(factories.ada()).post("/apply", [SCRIPT])) == {"greet": "created"}


def test_the_same_key_applies_once(call):
    first = call.post("/apply", [GREET], **{"Idempotency-Key": "deploy-1"})
    again = call.post("/apply", [GREET], **{"Idempotency-Key": "deploy-1"})
    assert again.json() == first.json()
    assert (again.headers["Idempotent-Replayed"], Job.objects.get().version) == ("true", 1)


@pytest.mark.databases
def test_nobody_has_an_address_with_a_nul():
    answer = Caller(factories.ada()).post("/apply?owner=a%00b", [GREET])
    assert errors(answer) == {"owner": "Nobody with an active account has this e-mail."}
