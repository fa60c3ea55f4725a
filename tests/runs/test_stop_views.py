"""Pausing and resuming from a page: for operators, with a note, and only where there is something to do."""

from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from runs import stops
from runs.models import Process
from runs.processes import beat
from runs.stops import Stop
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(client):
    bob = factories.bob()
    client.force_login(bob)
    return bob


@pytest.fixture
def worker():
    beat("host:1:ab", Process.Kind.WORKER, slots=8)
    return Process.objects.get()


STOP = {
    "firing": lambda: reverse("firing_stop"),
    "queue": lambda: reverse("queue_stop", args=["high"]),
    "worker": lambda: reverse("worker_drain", args=["host:1:ab"]),
}
RESUME = {
    "firing": lambda: reverse("firing_resume"),
    "queue": lambda: reverse("queue_resume", args=["high"]),
    "worker": lambda: reverse("worker_undrain", args=["host:1:ab"]),
}
EVERY = pytest.mark.parametrize("what", list(STOP))


@EVERY
def test_an_operator_stops_it_with_a_note_and_lets_it_go_on(client, bob, worker, what):
    assert client.post(STOP[what](), {"note": "The move"}).url == reverse("system")
    stop = Stop.objects.get()
    assert (stop.by, stop.note) == (bob, "The move")
    assert client.post(RESUME[what]()).status_code == 302
    assert not Stop.objects.exists()


@EVERY
@pytest.mark.parametrize("addresses", [STOP, RESUME])
def test_who_does_not_operate_is_refused(client, worker, what, addresses):
    client.force_login(factories.charlie())
    assert client.post(addresses[what]()).status_code == 403
    assert not AuditEvent.objects.exclude(action="DENIED").exists()


@EVERY
def test_what_is_stopped_already_is_told_so(client, bob, worker, what):
    client.post(STOP[what]())
    answer = client.post(STOP[what]())
    assert answer.status_code == 409
    assert "already" in answer.content.decode()


@EVERY
def test_what_is_not_stopped_is_not_resumed(client, bob, worker, what):
    assert client.post(RESUME[what]()).status_code == 409


@EVERY
def test_nothing_is_stopped_before_the_person_has_read_what_it_means(client, bob, worker, what):
    page = client.get(STOP[what]()).content.decode()
    assert "until somebody" in page
    assert not Stop.objects.exists()


def test_the_page_counts_what_will_not_fire(client, bob):
    factories.job(at=NOON)
    assert "Armed now: 1;" in client.get(STOP["firing"]()).content.decode()


def test_a_note_that_is_too_long_is_told_at_its_field(client, bob):
    page = client.post(STOP["firing"](), {"note": "x" * 256}).content.decode()
    assert "at most 255 characters" in page
    assert not Stop.objects.exists()


@pytest.mark.parametrize("name", ["urgent", "HIGH"])
def test_there_is_no_other_queue(client, bob, name):
    assert client.post(reverse("queue_stop", args=[name])).status_code == 404


def test_there_is_no_worker_that_never_was(client, bob):
    assert client.post(reverse("worker_drain", args=["nobody"])).status_code == 404


def test_a_silent_worker_is_forgotten_and_one_that_beats_is_not(client, bob, worker):
    forget = reverse("worker_forget", args=[worker.pk])
    assert client.post(forget).status_code == 409
    Process.objects.update(beat_at=NOON - timedelta(days=200))
    assert client.post(forget).status_code == 302
    assert not Process.objects.exists()


def test_who_does_not_operate_forgets_nobody(client, worker):
    client.force_login(factories.charlie())
    assert client.post(reverse("worker_forget", args=[worker.pk])).status_code == 403


@pytest.mark.parametrize(("who", "may"), [(factories.charlie, False), (factories.bob, True)])
def test_every_page_says_what_is_paused_and_who_may_resume_it_can(client, who, may):
    stops.stop_firing(by=factories.ada(), at=NOON, note="<b>Move</b>")
    client.force_login(who())
    for address in ("/", "/jobs/", "/runs/", "/account/password/"):
        page = client.get(address).content.decode()
        assert "All firing is paused." in page
        assert "&lt;b&gt;Move" in page
        assert (reverse("firing_resume") in page) == may


def test_an_open_page_hears_of_it_with_the_pulse(client, bob):
    stops.stop_queue("low", by=bob, at=NOON)
    part = client.get("/pulse/").content.decode()
    assert 'hx-swap-oob="true"' in part
    assert "The queue low is paused." in part


def test_the_shell_reads_what_is_stopped_only_where_something_is(client, bob, django_assert_max_num_queries):
    def read():
        with django_assert_max_num_queries(10) as queries:
            client.get("/account/password/")
        return sum('"stops"."since"' in each["sql"] for each in queries)

    assert read() == 0
    stops.stop_queue("low", by=bob, at=NOON)
    assert read() == 1
