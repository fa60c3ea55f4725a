"""Triage without a mouse, on pages alone: whatever is pressed here is a key."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from jobs.models import JobVersion
from runs.acknowledgements import Acknowledgement
from runs.models import DeadLetter, Outcome, Run
from runs.settle import Ended, settle
from tests import factories
from tests.e2e.keys import SOON, press, told
from tests.e2e.test_by_keyboard import shows, tab_to
from tests.factories import NOON

pytestmark = pytest.mark.browser


def fail(job, minute, error_class):
    run = factories.run(job, "RUNNING", at=NOON + timedelta(minutes=minute))
    settle([Ended(run, Outcome.FAILURE, run.scheduled_time, error_class=error_class, error_message="no")])


def opened(page, error_class):
    expect(page.locator("#event h2")).to_contain_text(error_class, timeout=SOON)


def test_dead_letters_are_found_snoozed_resolved_ignored_and_replayed(visit, live_server):
    ada = factories.ada()
    job = factories.job(ada)
    for n, error_class in enumerate(("TIMEOUT", "DEADLOCK", "TLS_ERROR")):
        fail(job, n, error_class)
    page = visit("/", ada, reduced_motion="reduce")
    press(page, "g", "d")
    opened(page, "TLS_ERROR")
    press(page, "j", "j", "Enter")
    opened(page, "DEADLOCK")
    press(page, "z")
    expect(page.locator("#id_span")).to_be_focused(timeout=SOON)
    press(page, "Escape", "e")
    expect(page.locator("#id_notes")).to_be_focused(timeout=SOON)
    page.keyboard.type("Killed the other one.")
    press(page, "Tab", "Tab", "Enter")
    told(page, "The dead letter is resolved.")
    opened(page, "TLS_ERROR")
    press(page, "i")
    expect(page.locator("#id_notes")).to_be_focused(timeout=SOON)
    page.keyboard.type("A test.")
    press(page, "Control+Enter")
    told(page, "The dead letter is ignored.")
    opened(page, "TIMEOUT")
    press(page, "r")
    told(page, "Its replay is on its way")
    assert sorted(DeadLetter.objects.values_list("status", flat=True)) == ["IGNORED", "PENDING", "RESOLVED"]
    assert Run.objects.get(trigger="REPLAY").replay_of.error_class == "TIMEOUT"
    assert not Acknowledgement.objects.exists()


def test_a_key_is_for_the_event_in_focus_and_opens_it_where_the_pane_shows_another(visit, live_server):
    ada = factories.ada()
    for n, name in enumerate(("older", "newer")):
        fail(factories.job(ada, name=name), n, "TIMEOUT")
    page = visit("/dead-letters/", ada, reduced_motion="reduce")
    opened(page, "TIMEOUT")
    shown, marked = page.locator("#event .pane-head"), page.locator("a.ev[aria-current]")
    expect(shown).to_contain_text("newer")
    expect(marked).to_contain_text("newer")
    press(page, "j", "j", "j")
    expect(page.locator("a.ev", has_text="older")).to_be_focused()
    press(page, "r")
    expect(shown).to_contain_text("older", timeout=SOON)
    expect(marked).to_contain_text("older")
    assert not Run.objects.filter(trigger="REPLAY").exists()
    press(page, "r")
    told(page, "Its replay is on its way")
    assert Run.objects.get(trigger="REPLAY").job.name == "older"


def test_a_key_on_another_group_opens_it_first(visit, live_server):
    ada = factories.ada()
    for n, error_class in enumerate(("DEADLOCK", "TIMEOUT")):
        fail(factories.job(ada), n, error_class)
    page = visit("/dead-letters/", ada, reduced_motion="reduce")
    opened(page, "TIMEOUT")
    press(page, "j", "j")
    expect(page.locator("a.sig", has_text="DEADLOCK")).to_be_focused()
    press(page, "r")
    opened(page, "DEADLOCK")
    assert not Run.objects.filter(trigger="REPLAY").exists()


def test_what_still_has_to_be_typed_takes_the_focus_without_a_word(visit, live_server):
    ada = factories.ada()
    fail(factories.job(ada), 0, "TIMEOUT")
    page = visit("/dead-letters/", ada, reduced_motion="reduce")
    opened(page, "TIMEOUT")
    page.evaluate("addEventListener('invalid', () => { window.complained = true; }, true)")
    press(page, "e")
    expect(page.locator("#id_notes")).to_be_focused(timeout=SOON)
    assert page.evaluate("window.complained") is None
    page.keyboard.type("Known.")
    press(page, "Control+Enter")
    told(page, "The dead letter is resolved.")


def test_acknowledging_is_found_by_either_of_its_keys(visit, live_server):
    ada = factories.ada()
    job = factories.job(ada)
    fail(job, 0, "TIMEOUT")
    page = visit(f"/jobs/{job.pk}/", ada, reduced_motion="reduce")
    press(page, "a")
    expect(page.locator("#id_span")).to_be_focused(timeout=SOON)


def test_a_note_that_was_begun_is_there_after_the_letter_is_assigned(visit, live_server):
    ada = factories.ada()
    fail(factories.job(ada), 0, "TIMEOUT")
    page = visit("/dead-letters/", ada, reduced_motion="reduce")
    opened(page, "TIMEOUT")
    press(page, "e")
    page.keyboard.type("Asked the bank.")
    tab_to(page, page.locator("button[name=me]"))
    press(page, "Enter")
    told(page, "looks after it.")
    expect(page.locator("#id_notes")).to_have_value("Asked the bank.")


def test_a_dead_letter_is_replayed_with_another_payload(visit, live_server):
    ada = factories.ada()
    fail(factories.job(ada), 0, "TIMEOUT")
    page = visit("/dead-letters/", ada, reduced_motion="reduce")
    opened(page, "TIMEOUT")
    press(page, "?")
    expect(page.locator("#keys")).to_contain_text("Change its payload, then replay")
    press(page, "Escape", "c")
    shows(page, re.compile("with another payload"))
    tab_to(page, page.get_by_label("Wait", exact=True))
    page.keyboard.type("3")
    tab_to(page, page.get_by_role("button", name="Replay with this payload"))
    press(page, "Enter")
    told(page, "Its replay with the changed payload is on its way.")
    replay = Run.objects.get(trigger="REPLAY")
    kept = JobVersion.objects.get(job=replay.job, version=replay.version)
    assert (kept.once, kept.definition["payload"]["metadata"]["simulatedDelaySeconds"]) == (True, 3)
