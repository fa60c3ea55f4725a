"""Delivery against a real mail server: once, or again, whoever dies in between."""

import email
import email.policy
from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from django.db.models import F

from chronos_site.clock import database_now
from notifications import actions, hours, watch
from notifications import deliver as delivering
from notifications.contacts import Contact
from notifications.deliver import claim, deliver, settle, waits
from notifications.models import Delivery, Notification
from runs import carrying
from runs import drain as drains
from runs.drain import Drainer
from runs.management.commands import scheduler
from runs.ring import QUEUES
from tests import factories
from tests.faults.dying import dies
from tests.notifications.alerting import MINUTE, contact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.fixture
def oncall():
    return contact(factories.alice())


def message(to, number=1, *, at=None, **fields):
    at = at or database_now()
    return Notification.objects.create(
        user=to.owner,
        contact=to,
        channel=to.channel,
        target=to.address,
        template_code="JOB_FAILURE",
        payload={"first": {"job": {"name": f"job-{number}"}}},
        event_key=f"FAILURE:{number}",
        created_at=at,
        **{"next_attempt_at": at, **fields},
    )


def once():
    """As often as a test asks: one round."""
    rounds = iter((True,))
    return lambda: next(rounds, False)


def ids(mailbox):
    """How often each message arrived, by its Message-ID."""
    policy = email.policy.default
    arrived = (email.message_from_bytes(each.content, policy=policy) for each in mailbox.taken)
    return Counter(mail["Message-ID"].strip("<>").partition("@")[0] for mail in arrived)


def test_what_is_due_is_delivered_and_says_so(oncall, mailbox):
    sent = message(oncall)
    deliver(once())
    sent.refresh_from_db()
    assert (sent.status, sent.attempts, sent.next_attempt_at, sent.error) == (Delivery.SENT, 1, None, "")
    assert sent.sent_at is not None
    assert "job-1" in sent.subject
    assert sent.answer.startswith("250")
    assert ids(mailbox) == {sent.message_id: 1}
    assert Contact.objects.get().last_ok_at is not None


def test_nothing_goes_out_before_its_time(oncall, mailbox):
    message(oncall, at=database_now() + MINUTE)
    assert not waits()
    deliver(once())
    assert mailbox.taken == []


def test_a_message_that_is_refused_for_good_fails_with_the_reason(oncall, mailbox):
    mailbox.refusing[oncall.address] = "550 no such mailbox"
    refused = message(oncall)
    deliver(once())
    refused.refresh_from_db()
    assert (refused.status, refused.next_attempt_at) == (Delivery.FAILED, None)
    assert "no such mailbox" in refused.error


def test_a_message_that_cannot_be_delivered_now_is_tried_again_later(oncall, mailbox):
    mailbox.on_data = "451 try again later"
    late = message(oncall)
    deliver(once())
    late.refresh_from_db()
    assert (late.status, late.attempts, late.sent_at) == (Delivery.PENDING, 1, None)
    assert late.next_attempt_at - database_now() > timedelta(seconds=20)
    assert "451" in late.error


def test_after_the_last_try_it_fails(oncall, mailbox):
    mailbox.on_data = "451 try again later"
    late = message(oncall, attempts=hours.MOST_TRIES - 1)
    deliver(once())
    late.refresh_from_db()
    assert (late.status, late.attempts) == (Delivery.FAILED, hours.MOST_TRIES)


def test_a_contact_point_that_keeps_failing_is_cut_off_and_others_are_not(oncall, mailbox):
    other = contact(oncall.owner, "other@example.com")
    Contact.objects.filter(pk=oncall.pk).update(failures_in_a_row=hours.CIRCUIT_AFTER - 1)
    mailbox.refusing[oncall.address] = "450 busy"
    message(oncall, 1)
    deliver(once())
    assert Contact.objects.get(pk=oncall.pk).is_cut_off(database_now())
    message(oncall, 2)
    message(other, 3)
    deliver(once())
    assert sorted(Notification.objects.values_list("event_key", "status", "attempts")) == [
        ("FAILURE:1", "PENDING", 1),
        ("FAILURE:2", "PENDING", 0),
        ("FAILURE:3", "SENT", 1),
    ]


def test_after_a_while_one_message_tries_a_contact_point_that_was_cut_off(oncall, mailbox):
    cut_off = {"failures_in_a_row": hours.CIRCUIT_AFTER, "open_until": database_now() - MINUTE}
    Contact.objects.filter(pk=oncall.pk).update(**cut_off)
    for number in range(3):
        message(oncall, number)
    deliver(once())
    assert len(mailbox.taken) == 1
    deliver(once())
    assert len(mailbox.taken) == 3
    assert Contact.objects.get().failures_in_a_row == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda contacts: contacts.delete(), "Its contact point is gone."),
        (lambda contacts: contacts.update(enabled=False), "Its contact point is switched off."),
    ],
)
def test_a_message_to_nobody_fails_with_a_sentence(oncall, mailbox, change, reason):
    message(oncall)
    change(Contact.objects.all())
    deliver(once())
    assert Notification.objects.values_list("status", "error").get() == ("FAILED", reason)


def test_a_channels_mistake_keeps_no_other_message(oncall, mailbox, monkeypatch):
    monkeypatch.setitem(delivering.CHANNELS, "SMS", None)
    message(contact(oncall.owner, "+44 20 7946 0000", channel="SMS"), 1)
    message(oncall, 2)
    deliver(once())
    assert Notification.objects.get(event_key="FAILURE:2").status == Delivery.SENT
    assert Notification.objects.get(event_key="FAILURE:1").status != Delivery.SENT


def test_a_message_is_taken_by_one_until_the_lease_ends(oncall):
    message(oncall)
    at = database_now()
    (first,) = claim(at)
    assert claim(at) == []
    (second,) = claim(at + delivering.LEASE + MINUTE)
    assert first.claim_token != second.claim_token


def test_who_has_lost_a_message_cannot_write_its_end(oncall):
    message(oncall)
    (lost,) = claim(database_now())
    Notification.objects.update(claim_token="somebody else's")
    assert not settle(lost, delivering.Tried(reason="no"), at=database_now())
    assert Notification.objects.get().error == ""


def test_killed_at_any_step_no_message_is_lost_and_none_comes_under_two_names(oncall, mailbox):
    for step in count(1):
        sent = [message(oncall, 10 * step + number) for number in range(2)]
        killed = dies(lambda: deliver(once()), step)
        # As time would: the lease of the dead one ends.
        Notification.objects.pending().update(lease_expires_at=F("lease_expires_at") - delivering.LEASE)
        deliver(lambda: True)
        assert set(Notification.objects.values_list("status", flat=True)) == {"SENT"}
        arrived = ids(mailbox)
        assert {each.message_id for each in sent} == set(arrived)
        assert max(arrived.values()) <= 2
        mailbox.taken.clear()
        if not killed:
            assert set(arrived.values()) == {1}
            return


def test_a_worker_delivers_beside_its_runs(oncall, mailbox, monkeypatch):
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.05)
    message(oncall)
    Drainer("w-1", slots=1).run()
    assert Notification.objects.get().status == Delivery.SENT


def test_the_scheduler_rings_for_what_is_due(oncall, monkeypatch):
    rung = []
    monkeypatch.setattr(scheduler, "ring", lambda ranks: rung.append([QUEUES[rank] for rank in ranks]))
    scheduler._ring()
    message(oncall)
    scheduler._ring()
    assert rung == [[], ["high"]]


@pytest.mark.parametrize(("waited", "arrives"), [(10, False), (40, True)])
def test_an_idle_worker_delivers_what_no_bell_has_told_of(oncall, mailbox, waited, arrives):
    message(oncall, at=database_now() - timedelta(seconds=waited))
    watch.watch_from_a_worker(idle=True)
    assert bool(mailbox.taken) == arrives


def test_what_nobody_could_deliver_for_two_days_is_given_up(oncall):
    at = database_now()
    message(oncall, 1, at=at - timedelta(days=3))
    message(oncall, 2, at=at - timedelta(days=3), held_until=at - MINUTE)
    assert delivering.give_up(at) == 1
    assert Notification.objects.get(event_key="FAILURE:1").status == Delivery.FAILED


def test_what_a_person_sends_again_is_given_two_days_more(oncall):
    at = database_now()
    old = message(oncall, at=at - timedelta(days=3), status=Delivery.FAILED)
    actions.resend(old, by=oncall.owner, at=at)
    assert delivering.give_up(at + MINUTE) == 0
    assert delivering.give_up(at + timedelta(days=3)) == 1
