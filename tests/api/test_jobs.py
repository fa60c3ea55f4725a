"""Jobs by the API: the same definitions, actions and rights as on the pages."""

import pytest
from cryptography.fernet import Fernet

from api import jobs
from audit.models import AuditEvent
from jobs.executors.kept_secrets import ELSEWHERE
from jobs.models import Job
from runs.models import Run
from tests import factories
from tests.api.calling import Caller, errors

pytestmark = pytest.mark.django_db

REQUEST = {
    "name": "greet",
    "type": "HTTP",
    "priority": "HIGH",
    "schedule": {"scheduleType": "CRON", "cronExpression": "0 30 2 * * ?", "timezone": "Europe/Berlin"},
    "payload": {
        "type": "HTTP",
        "httpUrl": "https://example.com/hello",
        "httpMethod": "POST",
        "httpHeaders": {"Authorization": "Bearer s3cr3t-of-ours"},
    },
}


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def call(alice):
    return Caller(alice)


def test_a_request_of_an_import_file_makes_a_job_as_it_is(call, alice):
    answer = call.post("/jobs", REQUEST)
    assert answer.status_code == 201, answer.content
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/api/jobs/{job.pk}"
    assert (job.owner, job.name, job.status, job.priority) == (alice, "greet", "SCHEDULED", "HIGH")


def test_the_answer_holds_the_definition_without_its_secrets(call):
    made = call.post("/jobs", REQUEST).json()
    assert b"s3cr3t" not in call.get(f"/jobs/{made['id']}").content
    assert made["definition"]["payload"]["httpHeaders"] == {"Authorization": "***"}


def test_the_trail_says_that_it_came_by_the_api(call):
    call.post("/jobs", REQUEST)
    assert AuditEvent.objects.get(action="JOB_CREATED").via == "API"


def test_each_field_that_is_wrong_is_named(call):
    wrong = {**REQUEST, "name": "", "schedule": {"scheduleType": "CRON", "cronExpression": "60 * * * *"}}
    answer = call.post("/jobs", wrong)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert {"name", "schedule.cronExpression"} <= set(errors(answer))


@pytest.mark.parametrize(
    "body", [b"{", b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": "\\ud800"}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_no_plain_json_is_refused_in_a_sentence(call, body):
    answer = call.post("/jobs", body)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]
    assert not Job.objects.exists()


def test_the_list_is_filtered_like_the_page_and_paged(call, alice):
    for name in ("a", "b", "c"):
        factories.job(alice, name=name)
    first = call.get("/jobs?limit=2").json()
    assert [job["name"] for job in first["items"]] == ["a", "b"]
    second = call.get(first["next"].removeprefix("/api")).json()
    assert ([job["name"] for job in second["items"]], second["next"]) == (["c"], None)
    assert call.get("/jobs?status=PAUSED").json()["items"] == []


def test_a_condition_that_means_nothing_is_told(call):
    assert "status" in errors(call.get("/jobs?status=BROKEN"))["query"]


def test_others_jobs_are_not_there(alice):
    job = factories.job(alice)
    stranger = Caller(factories.charlie())
    assert stranger.get("/jobs").json()["items"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", ":pause"), ("POST", ":run-now")):
        assert stranger(method, f"/jobs/{job.pk}{path}").status_code == 404
    assert Job.objects.get().status == "SCHEDULED"


def test_operators_operate_everyones_jobs(alice):
    job = factories.job(alice)
    bob = Caller(factories.bob())
    assert bob.post(f"/jobs/{job.pk}:pause", {"note": "Release"}).json()["status"] == "PAUSED"
    assert bob.post(f"/jobs/{job.pk}:resume").json()["status"] == "SCHEDULED"


def test_a_move_that_the_status_does_not_allow_is_a_conflict_with_a_sentence(call, alice):
    job = factories.job(alice)
    answer = call.post(f"/jobs/{job.pk}:resume")
    assert (answer.status_code, answer.json()["title"]) == (409, "Conflict")
    assert answer.json()["detail"]


def test_a_run_by_hand_is_started(call, alice):
    job = factories.job(alice)
    answer = call.post(f"/jobs/{job.pk}:run-now")
    assert (answer.status_code, answer.json()["state"]) == (202, "PENDING")
    assert Run.objects.get().trigger == "MANUAL"


def test_a_parameter_that_the_payload_does_not_ask_for_is_told(call, alice):
    job = factories.job(alice)
    answer = call.post(f"/jobs/{job.pk}:run-now", {"parameters": {"day": "1"}})
    assert errors(answer) == {"parameters.day": "The payload asks for no such parameter."}


def test_a_patch_changes_what_it_names(call):
    made = call.post("/jobs", REQUEST).json()
    answer = call("PATCH", f"/jobs/{made['id']}", {"priority": "LOW", "schedule": {"timezone": "UTC"}})
    assert answer.status_code == 200, answer.content
    job = Job.objects.select_related("schedule", "payload").get()
    assert (job.priority, job.schedule.timezone, job.version) == ("LOW", "UTC", 2)
    assert job.payload.http_headers == {"Authorization": "Bearer s3cr3t-of-ours"}


def test_a_patch_takes_nothing_back_that_somebody_else_has_saved_in_that_moment(call, monkeypatch):
    made = call.post("/jobs", REQUEST).json()
    checked = jobs._refuse_to_carry_off

    def meanwhile(job, changed, patch):
        monkeypatch.setattr(jobs, "_refuse_to_carry_off", checked)
        call("PATCH", f"/jobs/{made['id']}", {"name": "theirs"})
        return checked(job, changed, patch)

    monkeypatch.setattr(jobs, "_refuse_to_carry_off", meanwhile)
    assert call("PATCH", f"/jobs/{made['id']}", {"priority": "LOW"}).status_code == 200
    job = Job.objects.get()
    assert (job.name, job.priority, job.version) == ("theirs", "LOW", 3)


def test_a_change_of_a_version_that_is_gone_is_refused(call):
    made = call.post("/jobs", REQUEST).json()
    path = f"/jobs/{made['id']}"
    assert call("PATCH", path, {"priority": "LOW"}, **{"If-Match": '"1"'}).status_code == 200
    assert call("PATCH", path, {"priority": "HIGH"}, **{"If-Match": "1"}).status_code == 409


def test_a_definition_is_replaced_as_a_whole(call):
    made = call.post("/jobs", REQUEST).json()
    answer = call("PUT", f"/jobs/{made['id']}", {**REQUEST, "name": "greet twice", "priority": "LOW"})
    assert (answer.json()["name"], answer.json()["version"]) == ("greet twice", 2)


def test_stars_never_become_a_secret(call):
    made = call.post("/jobs", REQUEST).json()
    answer = call("PUT", f"/jobs/{made['id']}", made["definition"])
    assert answer.status_code == 422
    assert Job.objects.get().version == 1


def test_a_job_is_deleted(call, alice):
    job = factories.job(alice)
    assert call("DELETE", f"/jobs/{job.pk}").status_code == 204
    assert call.get(f"/jobs/{job.pk}").status_code == 404


@pytest.mark.parametrize("somebody", [factories.alice, factories.bob])
def test_scripts_are_for_administrators_by_this_way_too(settings, somebody):
    settings.SCRIPT_ENABLED = True
    script = {**REQUEST, "type": "SCRIPT", "payload": {"type": "SCRIPT", "scriptContent": "#!/bin/sh\ntrue"}}
    answer = Caller(somebody()).post("/jobs", script)
    assert errors(answer) == {"type": "Only administrators may create or change script jobs."}
    assert Caller(factories.ada()).post("/jobs", script).status_code == 201


def test_the_next_fires_are_told(call):
    made = call.post("/jobs", REQUEST).json()
    fires = call.get(f"/jobs/{made['id']}/fires?count=3").json()["fires"]
    assert len(fires) == 3


def test_a_patch_sends_no_secret_to_another_host(call):
    made = call.post("/jobs", REQUEST).json()
    path, payload = f"/jobs/{made['id']}", {"httpUrl": "https://evil.example.com/"}
    assert errors(call("PATCH", path, {"payload": payload})) == {"payload": ELSEWHERE}
    told = {**payload, "httpHeaders": {"Authorization": "Bearer s3cr3t-of-ours"}}
    assert call("PATCH", path, {"payload": told}).status_code == 200


def test_a_patch_stores_no_sentence_for_what_no_key_opens(call, settings):
    made = call.post("/jobs", REQUEST).json()
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    answer = call("PATCH", f"/jobs/{made['id']}", {"priority": "LOW"})
    assert answer.status_code in (400, 422), answer.content


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-12:00", "9999-12-31T23:30:00Z"])
def test_a_pause_ends_within_the_calendar_of_every_zone(call, alice, until):
    job = factories.job(alice)
    refused = call.post(f"/jobs/{job.pk}:pause", {"until": until})
    assert errors(refused) == {"until": "Give a date up to the year 9999."}


@pytest.mark.parametrize("deed", ["pause", "cancel"])
def test_a_note_that_no_database_stores_is_refused(call, alice, deed):
    job = factories.job(alice)
    assert "note" in errors(call.post(f"/jobs/{job.pk}:{deed}", {"note": "a\0b"}))
    assert Job.objects.get().status == "SCHEDULED"
