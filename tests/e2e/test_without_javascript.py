"""The deeds of a bad night in a browser that runs no script: plain links, forms and messages."""

import re

import pytest
from playwright.sync_api import expect

from jobs.models import Job, Status
from runs.acknowledgements import Acknowledgement
from runs.models import DeadLetter, Outcome, Run
from tests import factories
from tests.e2e.keys import SOON
from tests.e2e.test_triage_by_keyboard import fail

pytestmark = pytest.mark.browser


@pytest.fixture
def ada():
    return factories.ada()


@pytest.fixture
def plain(visit, live_server, ada):
    return visit("/", ada, java_script_enabled=False)


def press(page, name, role="button"):
    page.locator("#main").get_by_role(role, name=name, exact=True).click()


def told(page, text):
    expect(page.locator("ul.messages")).to_contain_text(text, timeout=SOON)


def test_a_job_is_paused_resumed_and_run_and_the_run_is_cancelled(plain, ada):
    job = factories.job(ada, name="nightly-export")
    plain.goto(f"/jobs/{job.pk}/")
    press(plain, "Pause", "link")
    press(plain, "Pause job")
    told(plain, "nightly-export is paused.")
    press(plain, "Resume")
    told(plain, "nightly-export fires again.")
    press(plain, "Run now")
    plain.wait_for_url(re.compile("/runs/01"))
    expect(plain.locator("#log-more").get_by_role("link", name="Reload")).to_be_visible()
    # What only a script does is not promised.
    expect(plain.locator("#log-following")).to_be_hidden()
    press(plain, "Cancel run")
    told(plain, "Cancelled before it started.")
    assert Run.objects.get().outcome == Outcome.CANCELLED


def test_a_dead_letter_is_resolved_with_a_note(plain, ada):
    fail(factories.job(ada), 0, "TIMEOUT")
    plain.goto("/dead-letters/")
    press(plain, "The newest event of the group", "link")
    plain.locator("#id_notes").fill("Asked the bank.")
    press(plain, "Resolve")
    told(plain, "The dead letter is resolved.")
    assert DeadLetter.objects.get().resolution_notes == "Asked the bank."


def test_a_failure_is_acknowledged_from_its_dead_letter(plain, ada):
    fail(factories.job(ada), 0, "TIMEOUT")
    plain.goto("/dead-letters/")
    press(plain, "The newest event of the group", "link")
    plain.locator("summary", has_text="Acknowledge or snooze").click()
    plain.locator("details[open] form").get_by_role("button").first.click()
    told(plain, "You have acknowledged the failures of smoke-probe.")
    assert Acknowledgement.objects.get().by == ada


def test_two_jobs_are_paused_after_a_preview_and_the_pause_is_undone(plain, ada):
    for name in ("nightly-export", "nightly-import", "smoke"):
        factories.job(ada, name=name)
    plain.goto("/jobs/")
    for name in ("nightly-export", "nightly-import"):
        plain.get_by_label(f"Select {name}").check()
    plain.locator("#bulk").get_by_role("button", name="Pause").click()
    expect(plain.get_by_role("heading", name="Pause: 2 jobs")).to_be_visible()
    assert not Job.objects.filter(status=Status.PAUSED).exists()
    press(plain, "Pause: 2 jobs")
    told(plain, "2 jobs are paused.")
    press(plain, "Undo")
    told(plain, "2 jobs are as they were.")
    assert not Job.objects.filter(status=Status.PAUSED).exists()
