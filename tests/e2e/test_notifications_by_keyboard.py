"""Alerts without a mouse: whatever is pressed here is a key."""

import re

import pytest
from playwright.sync_api import expect

from notifications.contacts import Contact
from notifications.models import Delivery
from notifications.rules import Rule
from notifications.templates import Template
from tests import factories
from tests.e2e.keys import SOON, press, told
from tests.e2e.test_by_keyboard import shows, tab_to, typed
from tests.notifications.alerting import FAILURES, contact, rule
from tests.notifications.test_views import message

pytestmark = pytest.mark.browser


def enter(page, name, role="link"):
    """Go to what is called so, and press it."""
    tab_to(page, page.locator("#main").get_by_role(role, name=name, exact=True).first)
    press(page, "Enter")


def test_a_contact_point_is_made_and_a_rule_tells_it(visit, live_server):
    alice = factories.alice()
    page = visit("/", alice)
    press(page, "g", "n")
    shows(page, "Notifications")
    enter(page, "Contact points")
    shows(page, "Contact points")
    enter(page, "Add a contact point")
    shows(page, "New contact point")
    tab_to(page, page.get_by_label("Name"))
    press(page, "Control+a")
    page.keyboard.type("night shift")
    press(page, "Enter")
    shows(page, "night shift")
    page.go_back()
    shows(page, "New contact point")
    press(page, "g", "n")
    shows(page, "Notifications")
    enter(page, "Rules")
    shows(page, "My alerts")
    enter(page, "Make the first rule")
    shows(page, "New rule")
    typed(page, page.get_by_label("Name"), "what fails at night")
    tab_to(page, page.get_by_role("checkbox", name=re.compile("^night shift")))
    press(page, "Space")
    press(page, "Enter")
    told(page, "Saved: “what fails at night” speaks from now on.")
    assert Rule.objects.get(owner=alice).contacts.get() == Contact.objects.get(name="night shift")


def test_a_rule_is_muted_for_an_hour_and_deleted(visit, live_server):
    alice = factories.alice()
    made = rule(alice, *FAILURES)
    page = visit("/notifications/rules/", alice)
    tab_to(page, page.locator("#main summary", has_text="Mute"))
    press(page, "Enter", "Tab", "Enter")
    told(page, re.compile("is muted"))
    press(page, "j", "Enter")
    shows(page, made.name)
    enter(page, "Delete")
    shows(page, f"Delete “{made.name}”?")
    enter(page, "Delete", "button")
    told(page, f"“{made.name}” is deleted.")
    assert not Rule.objects.exists()


def test_a_message_that_failed_is_found_opened_and_sent_again(visit, live_server):
    alice = factories.alice()
    failed = message(contact(alice), attempts=8, error="550 no such mailbox")
    page = visit("/notifications/", alice)
    enter(page, re.compile("^Failed"))
    page.wait_for_url(re.compile("status=FAILED"))
    page.wait_for_load_state()
    press(page, "j", "Enter")
    page.wait_for_url(re.compile(r"/notifications/\d+/"))
    page.wait_for_load_state()
    enter(page, "Send again", "button")
    told(page, "It is sent once more.")
    failed.refresh_from_db()
    assert failed.status == Delivery.PENDING


def test_a_text_is_tried_mended_saved_and_brought_back(visit, live_server):
    page = visit("/notifications/templates/JOB_FAILURE/EMAIL/", factories.ada())
    subject = page.get_by_label("Subject")
    tab_to(page, subject)
    press(page, "Control+a")
    page.keyboard.type("{{ job.nam }}")
    enter(page, "Save", "button")
    expect(subject).to_be_focused(timeout=SOON)
    press(page, "Control+a")
    page.keyboard.type("Look at {{ job.name }}")
    enter(page, "Show how it looks", "button")
    told(page, re.compile("^Look at nightly"))
    enter(page, "Save", "button")
    told(page, "Saved. Messages that go out from now on say this.")
    assert Template.objects.get().subject == "Look at {{ job.name }}"
    enter(page, "Back to the built-in text", "button")
    told(page, "The built-in text is back.")
    assert not Template.objects.exists()
