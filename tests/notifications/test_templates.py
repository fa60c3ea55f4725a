"""Texts that administrators write in the place of the built-in ones."""

import pytest

from audit.models import AuditEvent
from notifications import templates, vocabulary, wording
from notifications.templates import ChangedMeanwhile, Template
from notifications.texts import Texts
from tests.factories import NOON, ada

pytestmark = [pytest.mark.databases, pytest.mark.django_db]
MINE = Texts("Oh no: {{ job.name }}", "{{ job.name }} broke.", "<p>{{ job.name }} broke.</p>")


def change(texts=MINE, *, by=None, read="", at=NOON):
    return templates.change("JOB_FAILURE", "EMAIL", texts, by=by or ada(), at=at, read=read, note="calmer")


def test_messages_say_what_was_written_by_their_channel_alone():
    change()
    assert (
        wording.render("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE).subject == "Oh no: nightly-invoice-export"
    )
    assert wording.render("JOB_FAILURE", "WEBHOOK", vocabulary.EXAMPLE).subject.startswith("Failed: ")


def test_the_audit_trail_keeps_the_text_before_and_after():
    by = ada()
    change(by=by)
    change(Texts(MINE.subject, "Broken.", MINE.html), by=by, read=NOON.isoformat())
    event = AuditEvent.objects.filter(action="TEMPLATE_CHANGED").latest("pk")
    assert event.user_email == "ada@example.com"
    assert event.details == {
        "code": "JOB_FAILURE",
        "channel": "EMAIL",
        "changed": {"text": ["{{ job.name }} broke.", "Broken."]},
        "note": "calmer",
    }


def test_what_is_said_already_changes_nothing():
    by = ada()
    change(by=by)
    assert change(by=by, read=NOON.isoformat()) is False
    assert AuditEvent.objects.filter(action="TEMPLATE_CHANGED").count() == 1


def test_of_two_who_write_at_once_the_second_is_told():
    by = ada()
    change(by=by)
    with pytest.raises(ChangedMeanwhile):
        change(Texts("x", "y"), by=by, read="")
    assert Template.objects.get().texts == MINE


def test_the_built_in_text_comes_back():
    by = ada()
    change(by=by)
    assert templates.reset("JOB_FAILURE", "EMAIL", by=by, read=NOON.isoformat()) is True
    assert wording.render("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE).subject.startswith("Failed: ")
    assert AuditEvent.objects.get(action="TEMPLATE_RESET").details["changed"]["text"] == [MINE.text, ""]


def test_a_text_that_no_longer_fits_stops_no_message():
    Template.objects.create(code="JOB_FAILURE", channel="EMAIL", subject="{{ gone }}", text="x", html="")
    assert wording.render("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE).subject.startswith("Failed: ")


def test_without_html_a_mail_shows_its_text():
    change(Texts("s", "{{ job.name }} & co."))
    assert (
        '<p class="lines">nightly-invoice-export &amp; co.</p>'
        in wording.render("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE).html
    )


def test_a_digest_of_one_event_is_the_message_of_that_event():
    facts = {**vocabulary.EXAMPLE, "event": "LATE"}
    assert wording.render("DIGEST", "EMAIL", facts).subject == "Late: nightly-invoice-export"
