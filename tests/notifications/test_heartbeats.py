"""Signs of life: after each success, and while the scheduler ticks."""

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network

import pytest
from cryptography.fernet import Fernet

from chronos_site.clock import database_now
from notifications import actions, known
from notifications.deliver import deliver, waits
from notifications.heartbeats import SCHEDULER, Heartbeat, ticked
from runs.models import Outcome
from tests import factories
from tests.notifications.alerting import MINUTE, end
from tests.notifications.test_deliver import once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.fixture
def monitor(settings):
    """A monitor outside: what it was called for, and what it answers."""

    class Handler(BaseHTTPRequestHandler):
        calls, status = [], 200

        def do_GET(self):
            self.calls.append(self.path)
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    settings.SECRETS_KEYS = [Fernet.generate_key()]
    settings.ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    Handler.url = f"http://127.0.0.1:{server.server_port}/ping/1234"
    yield Handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def job(monitor):
    made = factories.job()
    actions.set_heartbeat(made, monitor.url, by=made.owner)
    return made


def test_each_success_is_told_to_the_monitor_and_a_failure_is_not(job, monitor):
    end(job)
    assert not waits()
    end(job, Outcome.SUCCESS, at=factories.NOON + MINUTE)
    deliver(once())
    heartbeat = Heartbeat.objects.get()
    assert monitor.calls == ["/ping/1234"]
    assert (heartbeat.due_at, heartbeat.last_error) == (None, "")
    assert heartbeat.last_sent_at is not None


def test_a_monitor_that_answers_badly_is_noted_and_called_at_the_next_success(job, monitor):
    monitor.status = 500
    end(job, Outcome.SUCCESS)
    deliver(once())
    heartbeat = Heartbeat.objects.get()
    assert (heartbeat.due_at, heartbeat.last_error) == (None, "127.0.0.1 answered 500.")


def test_a_forbidden_address_is_not_called(job, monitor, settings):
    settings.ALLOWED_NETWORKS = []
    end(job, Outcome.SUCCESS)
    deliver(once())
    assert monitor.calls == []
    assert "may not be called" in Heartbeat.objects.get().last_error


def test_a_heartbeat_whose_caller_died_is_called_by_the_next_one(job, monitor):
    at = database_now()
    Heartbeat.objects.update(due_at=at - MINUTE, lease_expires_at=at + MINUTE)
    assert not waits()
    Heartbeat.objects.update(lease_expires_at=at - MINUTE)
    deliver(once())
    assert len(monitor.calls) == 1


def test_the_schedulers_own_is_called_once_a_minute_while_it_ticks(monitor, settings):
    settings.HEARTBEAT_URL = monitor.url
    at = database_now()
    ticked(at)
    deliver(once())
    ticked(at + timedelta(seconds=30))
    assert Heartbeat.objects.get().due_at is None
    ticked(at + timedelta(seconds=70))
    assert Heartbeat.objects.get().due_at is not None
    assert monitor.calls == ["/ping/1234"]
    assert Heartbeat.objects.get().key == SCHEDULER


def test_without_an_address_the_scheduler_calls_nobody():
    ticked(database_now())
    assert not Heartbeat.objects.exists()


def test_a_job_without_a_heartbeat_costs_nothing_more(job, django_assert_num_queries):
    known.rules()
    with django_assert_num_queries(0):
        assert known.beating() == {job.pk}
