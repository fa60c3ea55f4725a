"""The ends of runs become messages, in the transaction that settles them."""

import pytest
from django.db import transaction

from notifications import hear as hearing
from notifications import known
from notifications.alerts import Alert
from notifications.hear import tells_of_failure
from notifications.models import Notification
from notifications.rules import Event, Rule
from runs.acknowledgements import acknowledge_job, acknowledge_signature
from runs.models import Outcome, Run
from runs.settle import settle
from tests import factories
from tests.factories import NOON
from tests.notifications.alerting import FAILURES, MINUTE, contact, end, ended, rule, running

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def job(alice):
    return factories.job(alice)


def told():
    """The templates of all messages with the number of their events, in order."""
    return list(Notification.objects.order_by("pk").values_list("template_code", "count"))


@pytest.mark.parametrize(
    ("wanted", "after", "count", "before", "letter", "tells"),
    [
        ([Event.FAILURE], 1, 1, False, False, Event.FAILURE),
        ([Event.FAILURE], 1, 2, True, False, None),
        ([Event.FAILURE], 3, 2, False, False, None),
        ([Event.FAILURE], 3, 3, False, False, Event.FAILURE),
        ([Event.FAILURE], 3, 7, False, False, Event.FAILURE),
        ([Event.FAILURE, Event.DEAD_LETTER], 1, 1, False, True, Event.FAILURE),
        ([Event.FAILURE, Event.DEAD_LETTER], 1, 2, True, True, Event.DEAD_LETTER),
        ([Event.DEAD_LETTER], 1, 5, True, True, Event.DEAD_LETTER),
        ([Event.DEAD_LETTER], 1, 1, False, False, None),
        ([Event.SUCCESS], 1, 1, False, True, None),
    ],
)
def test_a_failure_is_told_once_and_a_dead_letter_each_time(wanted, after, count, before, letter, tells):
    assert tells_of_failure(wanted, after, count=count, told=before, letter=letter) == tells


def test_without_rules_nothing_is_written_and_next_to_nothing_asked(job, django_assert_num_queries):
    end(job)
    with django_assert_num_queries(0):
        hearing.hear(group=None)
    assert told() == []


def test_a_failure_makes_a_message_that_says_what_failed(alice, job):
    rule(alice, *FAILURES)
    run = end(job)
    message = Notification.objects.get()
    assert (message.user, message.job, message.run, message.status) == (alice, job, run, "PENDING")
    first = message.payload["first"]
    assert (first["job"]["name"], first["run"]["error_class"]) == ("smoke-probe", "HTTP_503")
    assert first["run"]["error_line"] == "503 from billing"


def test_a_failure_that_is_tried_again_is_told_only_to_who_asks_for_retries(alice):
    job = factories.job(alice, retry={"max_attempts": 2, "backoff_seconds": 60})
    rule(alice, *FAILURES)
    end(job)
    assert told() == []
    rule(alice, Event.RETRY)
    end(job, at=NOON + MINUTE)
    assert told() == [("JOB_RETRY", 1)]


def test_a_job_that_goes_on_failing_is_told_once(alice, job):
    rule(alice, *FAILURES)
    for number in range(3):
        end(job, at=NOON + number * 10 * MINUTE)
    assert told() == [("JOB_FAILURE", 1)]
    assert Alert.objects.get().count == 3


def test_the_nth_failure_in_a_row_is_told_and_a_success_starts_anew(alice, job):
    rule(alice, Event.FAILURE, after_failures=2)
    for number, outcome in enumerate(["FAILURE", "SUCCESS", "FAILURE"]):
        end(job, Outcome(outcome), at=NOON + number * MINUTE)
    assert told() == []
    end(job, at=NOON + 5 * MINUTE)
    assert told() == [("JOB_FAILURE", 1)]


def test_a_recovery_is_told_where_the_failure_was_told(alice, job):
    rule(alice, *FAILURES)
    rule(alice, *FAILURES, after_failures=2)
    end(job)
    end(job, Outcome.SUCCESS, at=NOON + MINUTE)
    assert told() == [("JOB_FAILURE", 1), ("RECOVERED", 1)]
    assert not Alert.objects.open().exists()


def test_a_job_that_fails_and_recovers_within_one_group_is_told_of_both(alice, job):
    rule(alice, *FAILURES)
    bad, good = running(job), running(job, at=NOON + MINUTE)
    settle([ended(good, Outcome.SUCCESS), ended(bad)])
    assert told() == [("JOB_FAILURE", 1), ("RECOVERED", 1)]


def test_a_cancelled_run_is_no_failure_and_no_recovery(alice, job):
    rule(alice, *FAILURES, Event.SUCCESS)
    end(job)
    end(job, Outcome.CANCELLED, at=NOON + MINUTE)
    assert told() == [("JOB_FAILURE", 1)]
    assert Alert.objects.open().exists()


def test_each_dead_letter_is_told_with_its_address(alice, job):
    rule(alice, Event.DEAD_LETTER)
    end(job)
    end(job, at=NOON + MINUTE)
    assert sum(count for _, count in told()) == 2
    letter = job.dead_letters.earliest("created_at")
    assert Notification.objects.first().payload["first"]["dead_letter"]["id"] == letter.pk


def test_a_success_is_told_to_who_asks_for_it(alice, job):
    rule(alice, Event.SUCCESS)
    end(job, Outcome.SUCCESS)
    assert told() == [("JOB_SUCCESS", 1)]


def test_an_owners_rule_speaks_of_their_own_jobs_and_an_operators_of_all(alice, job):
    rule(factories.charlie(), *FAILURES)
    rule(factories.bob(), *FAILURES)
    end(job)
    assert [message.user.email for message in Notification.objects.all()] == ["bob@example.com"]


@pytest.mark.parametrize("scope", ["JOB", "TAG", "OWNER"])
def test_a_rule_speaks_of_its_scope_alone(alice, scope):
    meant, other = factories.job(alice, name="meant", tags=["billing"]), factories.job(factories.charlie())
    about = {"JOB": {"job": meant}, "TAG": {"tag": "billing"}, "OWNER": {"of_owner": alice}}[scope]
    rule(factories.bob(), *FAILURES, scope=scope, **about)
    end(meant)
    end(other)
    assert [message.job for message in Notification.objects.all()] == [meant]


@pytest.mark.parametrize("how", [{"enabled": False}, {"muted_until": factories.NEVER}])
def test_a_rule_that_is_off_or_muted_says_nothing(alice, job, how):
    rule(alice, *FAILURES, **how)
    end(job)
    assert told() == []


@pytest.mark.parametrize("how", [{"enabled": False}, {"scope": "TAG", "tag": "billing"}])
def test_a_recovery_that_a_rule_does_not_hear_of_is_one_all_the_same(alice, job, how):
    made = rule(alice, *FAILURES)
    end(job)
    Rule.objects.filter(pk=made.pk).update(**how)
    known.forget()
    end(job, Outcome.SUCCESS, at=NOON + MINUTE)
    Rule.objects.filter(pk=made.pk).update(enabled=True, scope="ALL")
    known.forget()
    end(job, at=NOON + 10 * MINUTE)
    assert sum(count for _, count in told()) == 2
    assert Alert.objects.open().get().count == 1


def test_a_contact_point_that_is_off_is_not_told(alice, job):
    rule(alice, *FAILURES, contacts=[contact(alice, enabled=False), contact(alice, "b@example.com")])
    end(job)
    assert [message.target for message in Notification.objects.all()] == ["b@example.com"]


def test_a_rule_that_was_deleted_meanwhile_harms_no_run(alice, job):
    rule(alice, *FAILURES)
    end(job, Outcome.SUCCESS)
    Rule.objects.all().delete()
    assert end(job, at=NOON + MINUTE).outcome == Outcome.FAILURE
    assert told() == []


def test_a_failure_of_ours_is_logged_and_changes_nothing_about_the_run(alice, job, monkeypatch, caplog):
    rule(alice, *FAILURES)
    monkeypatch.setattr(hearing, "post", lambda _: Rule.objects.create(pk="x", events=None, owner_id=-1))
    run = end(job)
    assert run.outcome == Outcome.FAILURE
    assert "alerts of 1 runs are not written" in caplog.text
    assert not Alert.objects.exists()


def test_runs_and_messages_are_written_together_or_not_at_all(alice, job):
    rule(alice, *FAILURES)
    run = running(job)
    with transaction.atomic():
        settle([ended(run)])
        transaction.set_rollback(True)
    assert Run.objects.get(pk=run.pk).outcome is None
    assert told() == []


def test_what_somebody_has_acknowledged_is_told_to_nobody(alice, job):
    rule(alice, *FAILURES)
    acknowledge_job(job, by=alice, at=NOON)
    end(job)
    assert told() == []


def test_an_acknowledged_signature_is_quiet_in_every_job(alice, job):
    rule(alice, *FAILURES)
    known = end(job).signature
    Notification.objects.all().delete()
    acknowledge_signature(known, by=factories.bob(), at=NOON)
    end(factories.job(alice, name="another"))
    assert told() == []
