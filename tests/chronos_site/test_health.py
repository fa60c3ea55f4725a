"""What monitors ask needs no sign-in and tells nothing that they must not know."""

from datetime import timedelta

import pytest

from chronos_site.clock import database_now
from runs import stops
from runs.models import Process
from runs.processes import beat, farewell

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(valkey):
    beat("here:1", Process.Kind.SCHEDULER)
    beat("here:2", Process.Kind.WORKER)


def test_the_process_answers_without_asking_anything_else(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_product_with_all_its_parts_is_ready(client, engine):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    told = answer.json()
    assert {name for name, word in told.items() if word == "ok"} == {
        "database",
        "redis",
        "scheduler",
        "worker",
    }
    assert 0 <= told["scheduler_age_seconds"] < 30
    assert 0 <= told["worker_age_seconds"] < 30


def test_a_silent_scheduler_is_down_and_its_silence_is_told(client, engine):
    Process.objects.filter(pk="here:1").update(beat_at=database_now() - timedelta(seconds=90))
    told = client.get("/readyz").json()
    assert told["scheduler"] == "down"
    assert 90 <= told["scheduler_age_seconds"] < 120


def test_a_product_whose_engine_never_started_has_no_age_to_tell(client, valkey):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker_age_seconds"] is None


@pytest.mark.parametrize(("gone", "part"), [("here:1", "scheduler"), ("here:2", "worker")])
def test_a_product_without_its_engine_is_not_ready(client, engine, gone, part):
    farewell(gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert [name for name, word in answer.json().items() if word == "down"] == [part]


def test_a_product_that_cannot_ring_is_not_ready(client, engine, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/readyz").json()["redis"] == "down"


def test_what_people_have_stopped_is_told_and_makes_nothing_less_ready(client, engine):
    assert client.get("/readyz").json()["stopped"] == []
    stops.stop_firing(by=None, at=database_now())
    stops.stop_queue("low", by=None, at=database_now())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["stopped"]) == (200, ["firing", "queue low"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_monitors_only_look(client, path):
    assert client.post(path).status_code == 405
