"""A request with an Idempotency-Key has one effect, however often and by however many it is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import User
from api.models import Answer, Scope
from jobs.models import Job
from runs.models import DeadLetter, Run
from tests import factories
from tests.api.calling import Caller
from tests.api.test_jobs import REQUEST
from tests.notifications.alerting import end

pytestmark = pytest.mark.django_db
KEY = {"Idempotency-Key": "deploy-17"}


def together(*calls):
    """What the calls answer when all of them begin at once."""
    start = threading.Barrier(len(calls))

    def one(call):
        start.wait(10)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


@pytest.fixture
def call():
    return Caller(factories.alice())


def test_the_same_request_gets_the_same_answer_and_has_one_effect(call):
    first, second = (call.post("/jobs", REQUEST, **KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert (first.json(), first.headers["Location"]) == (second.json(), second.headers["Location"])
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1


def test_a_refusal_is_remembered_too(call):
    first, second = (call.post("/jobs", {**REQUEST, "name": ""}, **KEY) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 422


def test_who_may_not_is_not_answered_for_good(call):
    denied = Caller(User.objects.get(), Scope.READ).post("/jobs", REQUEST, **KEY)
    assert (denied.status_code, call.post("/jobs", REQUEST, **KEY).status_code) == (403, 201)


def test_a_token_gets_no_answer_to_one_that_reaches_further(call):
    assert call.post("/jobs", REQUEST, **KEY).status_code == 201
    answer = Caller(User.objects.get(), Scope.READ).post("/jobs", REQUEST, **KEY)
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (422, False)


def test_a_key_stands_for_one_request(call):
    call.post("/jobs", REQUEST, **KEY)
    answer = call.post("/jobs", {**REQUEST, "name": "another"}, **KEY)
    assert (answer.status_code, Job.objects.count()) == (422, 1)


def test_keys_of_others_are_others(call):
    call.post("/jobs", REQUEST, **KEY)
    assert Caller(factories.charlie()).post("/jobs", REQUEST, **KEY).status_code == 201
    assert Job.objects.count() == 2


def test_what_broke_here_may_be_sent_again(call, monkeypatch):
    monkeypatch.setattr("api.shown.job", lambda *args: 1 / 0)
    assert call.post("/jobs", REQUEST, **KEY).status_code == 500
    monkeypatch.undo()
    assert not Answer.objects.exists()
    assert call.post("/jobs", REQUEST, **KEY).status_code == 201


@pytest.mark.parametrize("key", ["x" * 201, "a\tb"])
def test_a_key_that_makes_no_sense_is_refused(call, key):
    assert call.post("/jobs", REQUEST, **{"Idempotency-Key": key}).status_code == 400


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_many_at_once_start_one_run(call):
    job = factories.job(factories.bob())
    bob = Caller(job.owner)
    answers = together(*[lambda: Caller(None, text=bob.text).post(f"/jobs/{job.pk}:run-now", **KEY)] * 8)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == Run.objects.count() == 1


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_many_replays_at_once_make_one_and_the_others_are_told(call):
    job = factories.job(factories.bob())
    end(job)
    letter, bob = DeadLetter.objects.get(), Caller(job.owner)
    path = f"/dead-letters/{letter.pk}:replay"
    answers = together(*[lambda: Caller(None, text=bob.text).post(path).status_code] * 8)
    assert sorted(answers) == [202, *[409] * 7]
    assert Run.objects.filter(trigger="REPLAY").count() == 1


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_deleting_and_running_at_once_breaks_nothing(call):
    job = factories.job(factories.bob())
    bob = Caller(job.owner)

    def run():
        return Caller(None, text=bob.text).post(f"/jobs/{job.pk}:run-now").status_code

    def delete():
        return Caller(None, text=bob.text)("DELETE", f"/jobs/{job.pk}").status_code

    answers = together(run, run, delete, run, delete, run)
    assert set(answers) <= {202, 204, 404}
    assert answers.count(204) == 1
    assert not Job.objects.exists()
