"""How long messages are kept, and what holds of them at any moment."""

import pytest

from chronos_site.clock import database_now
from notifications import actions
from notifications.alerts import Alert
from notifications.first_rule import make_first_rule
from notifications.models import Delivery, Notification
from notifications.rules import Rule
from notifications.unheard import unheard
from runs import retention
from runs.housekeeping import everything
from runs.invariants import INVARIANTS, Moment
from runs.models import Process
from tests import factories
from tests.factories import NOON
from tests.notifications.alerting import FAILURES, MINUTE, contact, end, rule
from tests.notifications.test_views import message

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

DAY = 24 * 60 * MINUTE


@pytest.fixture
def alice():
    return factories.alice()


def test_messages_go_after_ninety_days_but_never_one_that_waits(alice):
    to, now = contact(alice), database_now()
    old = [message(to, status, created_at=now - 91 * DAY) for status in Delivery]
    young = message(to, Delivery.SENT, created_at=now - 89 * DAY)
    sum(everything())
    assert set(Notification.objects.values_list("pk", flat=True)) == {
        young.pk,
        next(each.pk for each in old if each.status == Delivery.PENDING),
    }
    assert "MESSAGES" in retention.rules()


def test_what_was_wrong_goes_ninety_days_after_it_was_over(alice):
    there, now = rule(alice, *FAILURES), database_now()
    for closed in (None, now - 91 * DAY, now - 89 * DAY):
        opened = now - 100 * DAY
        key = None if closed else "open"
        Alert.objects.create(
            rule=there, kind="FAILING", opened_at=opened, last_at=opened, closed_at=closed, open_key=key
        )
    sum(everything())
    assert Alert.objects.count() == 2


def broken(name):
    (invariant,) = (each.broken for each in INVARIANTS if each.name == name)
    now = database_now()
    Process.objects.create(
        name="w", kind="WORKER", host="h", pid=1, slots=1, started_at=now - 5 * MINUTE, beat_at=now
    )
    return set(invariant(Moment.at(now, 7)))


def test_a_message_that_is_due_for_more_than_an_hour_is_found(alice):
    now = database_now()
    to, failing = contact(alice), contact(alice, "b@example.com", failures_in_a_row=3)
    overdue = message(to, Delivery.PENDING, next_attempt_at=now - 61 * MINUTE)
    message(failing, Delivery.PENDING)
    Notification.objects.filter(contact=failing).update(next_attempt_at=now - 61 * MINUTE)
    message(to, Delivery.PENDING)
    assert broken("due-messages-are-sent") == {overdue.pk}


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "SENT"},
        {"status": "PENDING", "next_attempt_at": None},
        {"status": "FAILED", "open_key": "r:c:k"},
        {"claim_token": "x", "open_key": "r:c:k"},
        {"count": 0},
    ],
)
def test_a_message_that_does_not_fit_its_state_is_found(alice, wrong):
    there = message(contact(alice), Delivery.PENDING)
    assert broken("messages-fit-their-state") == set()
    Process.objects.all().delete()
    Notification.objects.filter(pk=there.pk).update(**wrong)
    assert broken("messages-fit-their-state") == {there.pk}


@pytest.mark.parametrize(
    "wrong", [{"open_key": None}, {"closed_at": NOON}, {"told_at": NOON - MINUTE, "opened_at": NOON}]
)
def test_an_alert_that_is_neither_open_nor_closed_is_found(alice, wrong):
    rule(alice, *FAILURES)
    end(factories.job(alice))
    Alert.objects.update(**wrong)
    assert len(broken("alerts-are-open-or-closed")) == 1


def test_the_first_administrator_is_told_by_mail_where_there_is_mail(settings):
    ada = factories.ada()
    settings.EMAIL_HOST = ""
    assert make_first_rule() is None
    settings.EMAIL_HOST = "mail.example.com"
    made = make_first_rule()
    assert made.contacts.get().address == ada.email
    assert "FAILURE" in Rule.objects.get().events


def test_nobody_is_told_by_a_first_rule_where_somebody_has_deleted_one(settings):
    factories.ada()
    settings.EMAIL_HOST = "mail.example.com"
    made = make_first_rule()
    contact = made.contacts.get()
    actions.delete_rule(made, by=made.owner)
    actions.delete_contact(contact, by=made.owner)
    assert make_first_rule() is None


@pytest.mark.parametrize("scope", ["ALL", "JOB", "TAG", "OWNER"])
def test_jobs_of_which_no_rule_tells_are_found(alice, scope):
    heard, other = factories.job(alice, tags=["billing"]), factories.job(factories.charlie())
    about = {"JOB": {"job": heard}, "TAG": {"tag": "billing"}, "OWNER": {"of_owner": alice}}.get(scope, {})
    assert set(unheard(database_now())) == {heard, other}
    rule(alice if scope == "ALL" else factories.bob(), *FAILURES, scope=scope, **about)
    assert set(unheard(database_now())) == {other}


def test_an_operators_rule_for_all_jobs_leaves_none_unheard(alice):
    factories.job(alice)
    rule(factories.bob(), *FAILURES)
    assert not unheard(database_now()).exists()
