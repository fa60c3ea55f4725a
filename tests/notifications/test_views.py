"""What people do with messages, rules and contact points."""

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse

from accounts.models import Role
from audit.models import AuditEvent
from chronos_site import sealing
from chronos_site.clock import database_now
from notifications import actions
from notifications.contacts import Contact
from notifications.heartbeats import Heartbeat
from notifications.models import Delivery, Notification
from notifications.outbox import hold_rules
from notifications.rules import Event, Rule
from tests import factories
from tests.notifications.alerting import MINUTE, contact, rule
from tests.together import meeting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings):
    settings.SECRETS_KEYS = [Fernet.generate_key()]


@pytest.fixture
def alice():
    return factories.alice()


def message(to, status=Delivery.FAILED, **fields):
    plain = {"channel": to.channel, "target": to.address, "template_code": "JOB_FAILURE"}
    waiting = {"next_attempt_at": database_now()} if status == Delivery.PENDING else {"next_attempt_at": None}
    return Notification.objects.create(
        user=to.owner, contact=to, status=status, **{**plain, **waiting, **fields}
    )


def post(client, user, name, /, *args, **data):
    client.force_login(user)
    return client.post(reverse(name, args=args), data)


# Messages


@pytest.mark.usefixtures("valkey")
@pytest.mark.django_db(transaction=True)
def test_a_failed_message_is_sent_once_more_under_a_name_of_its_own(client, alice):
    failed = message(contact(alice), attempts=8, error="550 no such mailbox")
    before = failed.message_id
    assert post(client, alice, "notification_resend", failed.pk).status_code == 302
    failed.refresh_from_db()
    assert (failed.status, failed.attempts, failed.error) == (Delivery.PENDING, 0, "")
    assert failed.next_attempt_at <= database_now()
    assert failed.message_id != before
    assert AuditEvent.objects.get().action == "MESSAGE_RESENT"


def test_a_message_that_waits_is_not_sent_again(client, alice):
    waiting = message(contact(alice), Delivery.PENDING)
    answer = post(client, alice, "notification_resend", waiting.pk)
    assert answer.status_code == 409
    assert "still to be sent" in answer.content.decode()


@pytest.mark.parametrize("name", ["notification_resend", "notification_cancel"])
def test_others_messages_are_not_there(client, alice, name):
    failed = message(contact(alice))
    assert post(client, factories.charlie(), name, failed.pk).status_code == 404
    failed.refresh_from_db()
    assert failed.status == Delivery.FAILED


@pytest.mark.parametrize("status", [Delivery.PENDING, Delivery.FAILED])
def test_a_message_is_cancelled_and_can_no_longer_be_joined(client, alice, status):
    waiting = message(contact(alice), status, open_key="r:c:JOB_FAILURE")
    assert post(client, alice, "notification_cancel", waiting.pk).status_code == 302
    waiting.refresh_from_db()
    assert (waiting.status, waiting.next_attempt_at, waiting.open_key) == (Delivery.CANCELLED, None, None)


@pytest.mark.parametrize(
    ("status", "fields", "sentence"),
    [
        (Delivery.SENT, {}, "It is sent already"),
        (Delivery.CANCELLED, {}, "It is cancelled already"),
        (Delivery.PENDING, {"claim_token": "x", "lease_expires_at": factories.NEVER}, "at this moment"),
    ],
)
def test_what_was_sent_or_is_on_its_way_is_not_cancelled(client, alice, status, fields, sentence):
    there = message(contact(alice), status, **fields)
    answer = post(client, alice, "notification_cancel", there.pk)
    assert answer.status_code == 409
    assert sentence in answer.content.decode()


# Rules


def said(to, **over):
    """A rule as its form says it."""
    return {
        "name": "Night",
        "scope": "ALL",
        "events": ["FAILURE", "RECOVERY"],
        "after_failures": "1",
        "group_seconds": "30",
        "zone": "UTC",
        "contacts": [to.pk],
        "enabled": "on",
        **over,
    }


def errors(answer):
    assert answer.status_code == 200
    return set(answer.context["form"].errors)


def test_a_rule_is_made_with_its_contact_points(client, alice):
    to = contact(alice)
    answer = post(client, alice, "rule_create", **said(to, quiet_from="22:00", quiet_until="07:00"))
    assert answer.status_code == 302
    made = Rule.objects.get()
    assert (made.owner, made.events, list(made.contacts.all())) == (alice, ["FAILURE", "RECOVERY"], [to])
    assert AuditEvent.objects.get().action == "RULE_CREATED"


def test_a_rule_is_changed(client, alice):
    there = rule(alice, Event.FAILURE)
    other = contact(alice, "other@example.com")
    assert post(client, alice, "rule_edit", there.pk, **said(other, name="Day")).status_code == 302
    there.refresh_from_db()
    assert (there.name, list(there.contacts.all())) == ("Day", [other])


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"events": []}, "events"),
        ({"events": ["SCHEDULER"]}, "events"),
        ({"contacts": []}, "contacts"),
        ({"scope": "OWNER"}, "scope"),
        ({"scope": "JOB"}, "job_name"),
        ({"scope": "JOB", "job_name": "nobody's"}, "job_name"),
        ({"scope": "TAG"}, "tag"),
        ({"after_failures": "0"}, "after_failures"),
        ({"group_seconds": "99999"}, "group_seconds"),
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"digest": "WEEKLY"}, "digest"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_at_its_field(client, alice, over, field):
    answer = post(client, alice, "rule_create", **said(contact(alice), **over))
    assert errors(answer) == {field}
    assert not Rule.objects.exists()


def test_a_rule_tells_only_contact_points_that_are_its_owners(client, alice):
    theirs = contact(factories.charlie(), shared=True)
    assert errors(post(client, alice, "rule_create", **said(theirs))) == {"contacts"}


def test_an_operator_may_tell_shared_contact_points_of_everyones_jobs(client, alice):
    shared = contact(factories.bob(), shared=True)
    carol = factories.person("carol", Role.OPERATOR)
    about = {"scope": "OWNER", "owner_email": alice.email, "events": ["SCHEDULER"]}
    answer = post(client, carol, "rule_create", **said(shared, **about))
    assert answer.status_code == 302
    assert Rule.objects.get().of_owner == alice


@pytest.mark.parametrize("name", ["rule_edit", "rule_delete", "rule_mute"])
def test_others_rules_are_not_there(client, alice, name):
    there = rule(alice, Event.FAILURE)
    assert post(client, factories.charlie(), name, there.pk).status_code == 404
    assert Rule.objects.get().muted_until is None


def test_a_rule_is_muted_for_a_while_and_speaks_again(client, alice):
    there = rule(alice, Event.FAILURE)
    post(client, alice, "rule_mute", there.pk, hours="8")
    there.refresh_from_db()
    assert 7 * 60 * MINUTE < there.muted_until - database_now() <= 8 * 60 * MINUTE
    post(client, alice, "rule_mute", there.pk)
    there.refresh_from_db()
    assert there.muted_until is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_what_is_posted_for_a_rule_while_it_is_deleted_is_cancelled_too(alice):
    to = contact(alice)
    there = rule(alice, Event.FAILURE, contacts=[to])

    def post_one():
        hold_rules([there.pk])
        message(to, Delivery.PENDING, rule=there)

    meeting(post_one, lambda: actions.delete_rule(Rule.objects.get(), by=alice))
    assert Notification.objects.get().status == Delivery.CANCELLED


@pytest.mark.databases
def test_a_new_rule_for_a_job_with_a_nul_is_one_for_no_job(client, alice):
    client.force_login(alice)
    assert client.get(reverse("rule_create"), {"job": "a\0b"}).status_code == 200


@pytest.mark.parametrize("page", ["rule_edit", "contact_edit"])
def test_what_somebody_else_has_saved_is_not_overwritten_unasked(client, alice, page):
    to = contact(alice)
    there, typed = (rule(alice, contacts=[to]), said(to)) if page == "rule_edit" else (to, MAIL)
    client.force_login(alice)
    opened = client.get(reverse(page, args=[there.pk])).context["read"]
    type(there).objects.filter(pk=there.pk).update(name="Theirs", updated_at=database_now())
    shown = post(client, alice, page, there.pk, **typed, read=opened)
    there.refresh_from_db()
    assert (there.name, "Somebody else has saved it" in shown.content.decode()) == ("Theirs", True)
    assert post(client, alice, page, there.pk, **typed, read=shown.context["read"]).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
@pytest.mark.parametrize("page", ["rule_edit", "contact_edit"])
def test_what_somebody_saves_at_that_moment_is_not_overwritten_unasked(client, alice, page):
    to = contact(alice)
    there, typed = (rule(alice, contacts=[to]), said(to)) if page == "rule_edit" else (to, MAIL)
    client.force_login(alice)
    opened = client.get(reverse(page, args=[there.pk])).context["read"]
    theirs = type(there).objects.filter(pk=there.pk)
    shown = meeting(
        lambda: theirs.update(name="Theirs", updated_at=database_now()),
        lambda: post(client, alice, page, there.pk, **typed, read=opened),
    )
    assert (theirs.get().name, shown.status_code) == ("Theirs", 200)


def test_a_change_of_a_rule_keeps_the_mute_that_came_meanwhile(alice):
    there, at = rule(alice, Event.FAILURE), database_now()
    actions.mute(Rule.objects.get(), until=at, by=alice)
    actions.save_rule(there, contacts=[], by=alice)
    assert Rule.objects.get().muted_until == at


def test_a_change_of_a_contact_point_keeps_the_secret_that_came_meanwhile(alice):
    there = contact(alice)
    actions.save_contact(Contact.objects.get(), secret="the new one", by=alice)
    there.name = "on call"
    actions.save_contact(there, secret=None, by=alice)
    assert (Contact.objects.get().name, Contact.objects.get().secret) == ("on call", "the new one")


def test_a_rule_is_deleted_with_what_waits_for_it(client, alice):
    to = contact(alice)
    there = rule(alice, Event.FAILURE, contacts=[to])
    waiting, sent = message(to, Delivery.PENDING, rule=there), message(to, Delivery.SENT, rule=there)
    assert client.get(reverse("rule_delete", args=[there.pk])).status_code == 302
    assert post(client, alice, "rule_delete", there.pk).status_code == 302
    waiting.refresh_from_db()
    sent.refresh_from_db()
    assert (waiting.status, sent.status, sent.rule) == (Delivery.CANCELLED, Delivery.SENT, None)


def test_a_rule_made_from_a_jobs_page_is_about_that_job(client, alice):
    job = factories.job(alice)
    client.force_login(alice)
    form = client.get(reverse("rule_create"), {"job": job.pk}).context["form"]
    assert (form["scope"].value(), form["job_name"].value()) == ("JOB", job.pk)


# Contact points

MAIL = {"name": "Me", "channel": "EMAIL", "address": "me@example.com", "enabled": "on"}


def test_a_contact_point_is_made_and_its_secret_is_shown_to_nobody(client, alice):
    answer = post(client, alice, "contact_create", **MAIL, secret="s3cret-of-mine")
    made = Contact.objects.get()
    assert answer.url == reverse("contact_edit", args=[made.pk])
    assert made.secret == "s3cret-of-mine"
    page = client.get(answer.url).content.decode()
    assert "s3cret" not in page
    assert "s3cret" not in str(AuditEvent.objects.get().details)


def test_a_secret_that_is_not_typed_anew_stays(client, alice):
    to = contact(alice, token=sealing.sealed("s3cret-of-mine"))
    post(client, alice, "contact_edit", to.pk, **MAIL)
    to.refresh_from_db()
    assert (to.name, to.secret) == ("Me", "s3cret-of-mine")


def test_a_contact_point_that_is_changed_is_tried_at_once(client, alice):
    to = contact(alice, failures_in_a_row=9, open_until=factories.NEVER)
    post(client, alice, "contact_edit", to.pk, **MAIL)
    to.refresh_from_db()
    assert (to.failures_in_a_row, to.open_until) == (0, None)


def test_a_bad_address_is_told_at_its_field_and_nothing_typed_is_lost(client, alice):
    answer = post(client, alice, "contact_create", **{**MAIL, "address": "nowhere"})
    assert errors(answer) == {"address"}
    assert 'value="nowhere"' in answer.content.decode()


def test_only_operators_share(client, alice):
    post(client, alice, "contact_create", **MAIL, shared="on")
    assert not Contact.objects.get().shared


@pytest.mark.parametrize("name", ["contact_edit", "contact_delete"])
def test_others_contact_points_are_not_there(client, alice, name):
    to = contact(alice)
    assert post(client, factories.charlie(), name, to.pk, **MAIL).status_code == 404
    assert Contact.objects.get().name == to.name


def test_a_contact_point_is_deleted_and_the_page_names_the_rules_that_used_it(client, alice):
    there = rule(alice, Event.FAILURE, name="Night watch")
    to = there.contacts.get()
    client.force_login(alice)
    assert "Night watch" in client.get(reverse("contact_delete", args=[to.pk])).content.decode()
    post(client, alice, "contact_delete", to.pk)
    assert not Contact.objects.exists()


# Heartbeats


def test_a_jobs_heartbeat_is_kept_encrypted_and_only_its_host_shown(client, alice):
    job = factories.job(alice)
    post(client, alice, "job_heartbeat", job.pk, url="https://hc.example.com/ping/1234")
    heartbeat = Heartbeat.objects.get()
    assert (heartbeat.url, heartbeat.host) == ("https://hc.example.com/ping/1234", "hc.example.com")
    assert "1234" not in heartbeat.token
    page = client.get(reverse("job_heartbeat", args=[job.pk])).content.decode()
    assert "hc.example.com" in page
    assert "1234" not in page
    post(client, alice, "job_heartbeat", job.pk, url="")
    assert not Heartbeat.objects.exists()


def test_others_jobs_have_no_heartbeat_to_set(client, alice):
    job = factories.job(alice)
    url = "https://hc.example.com/"
    assert post(client, factories.charlie(), "job_heartbeat", job.pk, url=url).status_code == 404


def test_without_a_key_for_secrets_a_sentence_says_so_at_the_field(client, alice, settings):
    settings.SECRETS_KEYS = []
    job = factories.job(alice)
    for answer in (
        post(client, alice, "job_heartbeat", job.pk, url="https://hc.example.com/"),
        post(client, alice, "contact_create", **MAIL, secret="s3cret-of-mine"),
    ):
        assert errors(answer) <= {"url", "secret"}
        assert "keeps no secrets" in answer.content.decode()


@pytest.mark.browser
def test_a_rule_asks_for_no_more_than_its_choices_need(visit, live_server):
    page = visit("/notifications/rules/new/", factories.ada())
    for name, choice, asked in (("scope", "TAG", "tag"), ("digest", "DAILY", "digest_at")):
        assert page.locator(f"[name={asked}]").is_hidden()
        page.select_option(f"[name={name}]", choice)
        assert page.locator(f"[name={asked}]").is_visible()
