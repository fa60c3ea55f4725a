"""Events of one group share one message while it waits."""

from datetime import time

import pytest

from notifications.deliver import claim
from notifications.models import Notification
from notifications.outbox import facts
from notifications.rules import Event
from runs.models import Outcome
from runs.settle import settle
from tests import factories
from tests.factories import NOON
from tests.notifications.alerting import FAILURES, MINUTE, SECOND, contact, end, ended, rule, running

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def alice():
    return factories.alice()


def jobs_of(owner, count):
    return [factories.job(owner, name=f"job-{number:02}") for number in range(count)]


def fail_all(jobs, at=NOON):
    settle([ended(running(job, at=at)) for job in jobs])


def test_failures_of_many_jobs_within_the_window_make_one_message(alice):
    rule(alice, *FAILURES)
    jobs = jobs_of(alice, 12)
    fail_all(jobs[:6])
    fail_all(jobs[6:], at=NOON + 20 * SECOND)
    message = Notification.objects.get()
    assert message.count == 12
    assert len(facts(message)["jobs"]) == 10
    assert facts(message)["more_jobs"] == 2


def test_each_contact_point_gets_a_message_of_its_own(alice):
    rule(alice, *FAILURES, contacts=[contact(alice, f"{name}@example.com") for name in "ab"])
    fail_all(jobs_of(alice, 3))
    assert sorted(Notification.objects.values_list("target", "count")) == [
        ("a@example.com", 3),
        ("b@example.com", 3),
    ]


def test_a_message_waits_as_long_as_its_rule_groups(alice):
    rule(alice, *FAILURES, group_seconds=90)
    fail_all(jobs_of(alice, 1))
    assert Notification.objects.get().next_attempt_at == NOON + 91 * SECOND


def test_what_comes_after_it_was_taken_waits_in_the_next_one_for_five_minutes(alice):
    rule(alice, *FAILURES)
    first, second, third = jobs_of(alice, 3)
    fail_all([first])
    assert len(claim(NOON + MINUTE)) == 1
    fail_all([second], at=NOON + MINUTE)
    fail_all([third], at=NOON + 2 * MINUTE)
    taken, waiting = Notification.objects.order_by("pk")
    assert (taken.count, waiting.count) == (1, 2)
    assert waiting.next_attempt_at == taken.created_at + 5 * MINUTE


def test_kinds_of_events_are_told_apart(alice):
    rule(alice, *FAILURES, Event.SUCCESS)
    first, second = jobs_of(alice, 2)
    settle([ended(running(first)), ended(running(second), Outcome.SUCCESS)])
    assert set(Notification.objects.values_list("template_code", "count")) == {
        ("JOB_FAILURE", 1),
        ("JOB_SUCCESS", 1),
    }


def test_all_of_the_quiet_hours_is_one_message_at_their_end(alice):
    rule(alice, *FAILURES, quiet_from=time(11), quiet_until=time(18))
    job = jobs_of(alice, 1)[0]
    end(job)
    end(job, Outcome.SUCCESS, at=NOON + 120 * MINUTE)
    message = Notification.objects.get()
    assert (message.template_code, message.count) == ("DIGEST", 2)
    assert message.next_attempt_at == message.held_until == NOON + 360 * MINUTE


def test_failures_of_urgent_jobs_break_through_quiet_hours(alice):
    rule(alice, *FAILURES, quiet_from=time(11), quiet_until=time(18))
    end(factories.job(alice, priority="HIGH"))
    assert Notification.objects.get().template_code == "JOB_FAILURE"


def test_one_event_tells_all_there_is_and_no_list(alice):
    rule(alice, *FAILURES)
    job = factories.job(alice, description="Exports.\nAsk billing first.\n\nThen replay.")
    end(job)
    told = facts(Notification.objects.get())
    assert told["job"]["runbook"] == "Ask billing first.\nThen replay."
    assert (told["count"], told["failures_in_a_row"]) == (1, 1)
    assert "jobs" not in told
