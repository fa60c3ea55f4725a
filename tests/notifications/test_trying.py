"""“Send a test”: at once, to a real peer, and what it said."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from notifications.contacts import Contact
from notifications.trying import TooSoon, send_test
from tests.audit.trail import forge
from tests.factories import alice, bob, charlie
from tests.jobs.executors.test_email import mailbox  # noqa: F401 (fixture)

pytestmark = [pytest.mark.databases, pytest.mark.django_db]
MAILS = pytest.mark.usefixtures("mailbox")


@pytest.fixture
def mail():
    return Contact.objects.create(owner=alice(), name="on-call", channel="EMAIL", address="ops@example.com")


def press(client, user, contact):
    client.force_login(user)
    return client.post(reverse("contact_test", args=[contact.pk]))


@MAILS
def test_a_test_arrives_and_the_answer_is_told(mail, request):
    verdict = send_test(mail, mail.owner, at=timezone.now())
    assert (verdict.taken, verdict.said) == (True, "250 2.0.0 Ok: queued as 42")
    assert request.getfixturevalue("mailbox").message()["Subject"] == "Test message from Chronos (production)"
    mail.refresh_from_db()
    assert mail.verified_at is not None


@MAILS
def test_a_refusal_is_told_and_kept(mail, request):
    request.getfixturevalue("mailbox").refusing["ops@example.com"] = "550 5.1.1 No such user"
    verdict = send_test(mail, mail.owner, at=timezone.now())
    assert (verdict.taken, verdict.said) == (False, "Nobody got it; ops@example.com: 550 5.1.1 No such user")
    mail.refresh_from_db()
    assert (mail.verified_at, mail.last_error) == (None, verdict.said)


@MAILS
def test_a_test_closes_the_circuit_again(mail):
    Contact.objects.update(failures_in_a_row=9, open_until=timezone.now() + timedelta(hours=1))
    send_test(mail, mail.owner, at=timezone.now())
    mail.refresh_from_db()
    assert (mail.failures_in_a_row, mail.open_until) == (0, None)


@MAILS
def test_nobody_sends_many(mail):
    for _ in range(3):
        send_test(mail, mail.owner, at=timezone.now())
    with pytest.raises(TooSoon, match="3 tests within a minute"):
        send_test(mail, mail.owner, at=timezone.now())
    assert AuditEvent.objects.filter(action="CONTACT_TESTED", user_email="alice@example.com").count() == 3


@MAILS
def test_an_hour_has_a_bound_too(mail):
    at = timezone.now()
    for n in range(20):
        event = AuditEvent.objects.create(
            entity_type="Contact", entity_id=mail.pk, action="CONTACT_TESTED", user_email=mail.owner.email
        )
        forge(event, timestamp=at - timedelta(minutes=2 + n))
    with pytest.raises(TooSoon, match="20 tests within an hour"):
        send_test(mail, mail.owner, at=at)


@MAILS
def test_the_button_goes_back_to_its_page_with_the_answer(client, mail):
    answer = press(client, bob(), mail)
    assert answer.status_code == 302
    assert [str(each) for each in get_messages(answer.wsgi_request)] == [
        "The test went out to on-call. The peer said: 250 2.0.0 Ok: queued as 42"
    ]


def test_others_do_not_find_the_contact_point(client, mail):
    assert press(client, charlie(), mail).status_code == 404
    assert not AuditEvent.objects.filter(action="CONTACT_TESTED").exists()


@MAILS
def test_one_test_too_many_is_answered_with_a_sentence(client, mail):
    for _ in range(3):
        press(client, mail.owner, mail)
    answer = press(client, mail.owner, mail)
    assert answer.status_code == 409
    assert "Try again after a while" in answer.content.decode()
