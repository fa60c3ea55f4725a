"""The pages about messages, rules and contact points."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from notifications.models import Delivery
from notifications.rules import Event
from tests import factories
from tests.notifications.alerting import FAILURES, contact, end, rule
from tests.notifications.test_views import message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.alice()


def get(client, user, name, *args, query=""):
    client.force_login(user)
    return client.get(reverse(name, args=args) + query)


def test_people_see_messages_to_them_and_operators_everyones(client, alice):
    message(contact(alice, "one@example.com"))
    message(contact(factories.charlie(), "two@example.com"))
    page = get(client, alice, "notification_list").content.decode()
    assert "one@example.com" in page
    assert "two@example.com" not in page
    assert len(get(client, factories.bob(), "notification_list").context["lines"]) == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 4),
        ("?status=FAILED", 1),
        ("?status=SENT", 1),
        ("?channel=WEBHOOK", 1),
        ("?channel=EMAIL&status=FAILED", 1),
        ("?since=1h", 4),
        ("?status=NONSENSE&since=x&contact=%00", 4),
        ("?rule=01HZY0000000000000000000R1", 0),
    ],
)
def test_the_list_is_narrowed_by_its_address(client, alice, query, found):
    mail, hook = contact(alice), contact(alice, "hooks.example.com", channel="WEBHOOK")
    for status in (Delivery.FAILED, Delivery.SENT, Delivery.PENDING):
        message(mail, status)
    message(hook, Delivery.CANCELLED)
    assert len(get(client, alice, "notification_list", query=query).context["lines"]) == found


def test_the_list_is_narrowed_to_a_contact_point_a_rule_and_a_job(client, alice):
    job = factories.job(alice)
    there = rule(alice, *FAILURES)
    end(job)
    message(contact(alice, "other@example.com"))
    for query in (f"?job={job.pk}", f"?rule={there.pk}", f"?contact={there.contacts.get().pk}"):
        assert len(get(client, alice, "notification_list", query=query).context["lines"]) == 1


def test_failed_messages_are_counted_in_the_rail_of_every_page(client, alice):
    message(contact(alice))
    page = get(client, alice, "job_list").content.decode()
    assert ">1</span>" in page[page.index("<span>Notifications</span>") :][:400].replace("</svg>", ">")


def test_a_contact_point_that_cannot_be_reached_is_told_above_the_list(client, alice):
    contact(alice, failures_in_a_row=5, last_error="451 try again later")
    page = get(client, alice, "notification_list").content.decode()
    assert "oncall@example.com cannot be reached" in page
    assert "451 try again later" in page


def test_a_message_tells_what_it_is_about_and_what_came_of_it(client, alice):
    job = factories.job(alice, name="nightly-export")
    rule(alice, *FAILURES)
    end(job)
    sent = alice.notifications.get()
    page = get(client, alice, "notification_detail", sent.pk).content.decode()
    for words in ("Failed: nightly-export", "503 from billing", "oncall@example.com", "0 of 8", "Cancel"):
        assert words in page


def test_others_messages_are_not_there(client, alice):
    sent = message(contact(alice))
    assert get(client, factories.charlie(), "notification_detail", sent.pk).status_code == 404


def test_rules_are_listed_with_what_they_tell_whom(client, alice):
    rule(alice, Event.FAILURE, name="Night watch", after_failures=3)
    page = get(client, alice, "rule_list").content.decode()
    for words in ("Night watch", "It fails (from 3 failures in a row)", "all jobs of alice@example.com"):
        assert words in page


def test_operators_may_look_at_everyones_rules_and_contact_points(client, alice):
    rule(alice, Event.FAILURE, name="Night watch")
    bob = factories.bob()
    for name in ("rule_list", "contact_list"):
        assert alice.email not in get(client, bob, name).content.decode()
        assert alice.email in get(client, bob, name, query="?of=everyone").content.decode()


def test_a_jobs_page_says_who_is_told_and_when_nobody_is(client, alice):
    job = factories.job(alice)
    assert get(client, alice, "job_detail", job.pk).context["alerts"].nobody
    rule(factories.bob(), Event.FAILURE, name="All of it")
    rule(alice, Event.FAILURE, name="Mine")
    rule(alice, Event.FAILURE, name="Another job", scope="JOB", job=factories.job(alice))
    assert heard(client, alice, job) == ["Mine"]
    assert heard(client, factories.person("carol", Role.OPERATOR), job) == ["All of it", "Mine"]


@pytest.mark.parametrize("silent", [{"enabled": False}, {"muted_until": timezone.now() + timedelta(hours=1)}])
def test_a_jobs_page_tells_rules_that_say_nothing_from_no_rules(client, alice, silent):
    job = factories.job(alice)
    none, quiet = "No rule that you see tells anybody", "The rule that covers this job is muted"
    assert none in get(client, alice, "job_detail", job.pk).content.decode()
    rule(alice, Event.FAILURE, **silent)
    page = get(client, alice, "job_detail", job.pk).content.decode()
    assert (none in page, quiet in page) == (False, True)


def heard(client, user, job):
    alerts = get(client, user, "job_detail", job.pk).context["alerts"]
    return [line.rule.name for line in alerts.lines]


@pytest.mark.parametrize(("rules", "words"), [(False, "1 job tells nobody"), (True, None)])
def test_the_system_page_counts_jobs_that_tell_nobody(client, alice, rules, words):
    factories.job(alice)
    if rules:
        rule(alice, Event.FAILURE)
    page = get(client, factories.bob(), "system").content.decode()
    assert ("tells nobody" in page) == (words is not None)


@pytest.mark.parametrize(
    ("name", "query", "most"),
    [
        ("notification_list", "", 12),
        ("notification_list", "?status=FAILED", 12),
        ("notification_list", "?channel=EMAIL&since=24h", 12),
        ("rule_list", "?of=everyone", 9),
        ("contact_list", "?of=everyone", 9),
    ],
)
def test_a_page_costs_the_same_whatever_its_table_holds(client, alice, name, query, most):
    bob = factories.bob()

    def more(count):
        for _ in range(count):
            there = rule(alice, Event.FAILURE, contacts=[contact(alice)])
            message(there.contacts.get(), rule=there, job=factories.job(alice))

    def cost():
        get(client, bob, name, query=query)
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(name) + query)
        return len(queries)

    more(1)
    few = cost()
    more(10)
    assert cost() == few <= most


def test_hostile_names_stay_harmless(client, alice):
    to = contact(alice, name="<script>alert(1)</script>\u202egone")
    there = rule(alice, Event.FAILURE, name="<b>\u202ex", contacts=[to])
    end(factories.job(alice, name="<img src=x>"))
    sent = alice.notifications.get()
    pages = [
        get(client, alice, "notification_list"),
        get(client, alice, "notification_detail", sent.pk),
        get(client, alice, "rule_list"),
        get(client, alice, "rule_edit", there.pk),
        get(client, alice, "contact_list"),
        get(client, alice, "contact_edit", to.pk),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()
