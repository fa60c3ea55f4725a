"""Whatever asks for a confirmation says how much it is about, and what will not happen."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from runs.bulk_actions import ACTIONS
from runs.bulk_actions.steering import OfJobs
from runs.bulk_actions.triaging import OfLetters
from runs.models import Process
from runs.processes import beat
from runs.retention import SUBJECTS
from tests import factories
from tests.dashboard.test_dead_letters import letter
from tests.e2e.test_accessibility import findings

# What each dialog of a job's page, and each page that asks first, must say.
DIALOGS = {
    "dlg-pause": ("Pause nightly-export", "A run in progress goes on"),
    "dlg-skip": ("Skip the next fire of nightly-export?", "will not happen"),
    "dlg-cancel": ("1 run that waits or runs now", "will not happen"),
}
PAGES = {
    "/jobs/{job}/pause/": ("Pause nightly-export", "A run in progress goes on"),
    "/jobs/{job}/skip/": ("Skip the next fire of nightly-export?", "will not happen"),
    "/jobs/{job}/delete/": ("Its only run and that run", "will not happen"),
    "/system/firing/stop/": ("Armed now: 1;", "go on (1 now)"),
    "/system/queues/high/stop/": ("None waits now", "Nothing is skipped or cancelled"),
    "/system/workers/w-1/drain/": ("It has no run in progress", "lets it work again"),
}
# What is done to many, by the action, and what will not be.
MANY = {
    "RUN_NOW": "gets no second one",
    "PAUSE": "nothing is cancelled",
    "RESUME": "some may run at once",
    "CANCEL": "Their history stays",
    "DELETE": "The audit trail keeps",
    "OWNER": "sees them no more",
    "PRIORITY": "go on with the version they were fired with",
    "TIMEOUT": "go on with the version they were fired with",
    "ADD_TAG": "go on with the version they were fired with",
    "REMOVE_TAG": "go on with the version they were fired with",
}
# The same of dead letters.
LETTERS = {
    "RESOLVE": "nothing of them runs again",
    "IGNORE": "nothing of them runs again",
    "ASSIGN": "They stay in the inbox",
    "REPLAY": "Their schedules go on as they are; a run that is at work already is not stopped.",
}
SAID = {"priority": "HIGH", "tags": "night", "seconds": "60", "owner": "ada@example.com", "given": "1"}


@pytest.fixture
def ada():
    return factories.ada()


@pytest.fixture
def job(ada):
    """One that fires, with a run in progress."""
    made = factories.job(ada, name="nightly-export", at=timezone.now())
    factories.run(made, "RUNNING", at=timezone.now())
    return made


def plain(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


@pytest.mark.browser
@pytest.mark.parametrize("dialog", DIALOGS)
def test_a_dialog_of_a_job_says_it_and_keeps_nobody_out(visit, live_server, ada, job, dialog):
    page = visit(f"/jobs/{job.pk}/", ada, reduced_motion="reduce")
    page.evaluate("id => document.getElementById(id).showModal()", dialog)
    said = plain(page.locator(f"#{dialog}").inner_text())
    assert [words for words in DIALOGS[dialog] if words not in said] == []
    assert findings(page) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_a_page_that_asks_first_says_it(client, ada, job, address, valkey):
    beat("w-1", Process.Kind.WORKER, slots=8)
    client.force_login(ada)
    said = plain(client.get(address.format(job=job.pk)).content.decode())
    assert [words for words in PAGES[address] if words not in said] == []


@pytest.mark.django_db
@pytest.mark.parametrize("code", [each.code for each in ACTIONS.values() if isinstance(each, OfJobs)])
def test_what_is_done_to_many_says_it(client, ada, code):
    ids = [factories.job(ada).pk for _ in range(2)]
    client.force_login(ada)
    said = plain(client.post("/jobs/bulk/", {"do": code, "id": ids, **SAID}).content.decode())
    assert f"{ACTIONS[code].verb}: 2 jobs" in said
    assert MANY[code] in said
    assert ("This cannot be undone." in said) != ACTIONS[code].undoable


@pytest.mark.django_db
@pytest.mark.parametrize("code", [each.code for each in ACTIONS.values() if isinstance(each, OfLetters)])
def test_what_is_decided_about_many_dead_letters_says_it(client, ada, code, job):
    ids = [letter(job).pk for _ in range(3)]
    client.force_login(ada)
    said = plain(client.post("/dead-letters/bulk/", {"do": code, "id": ids}).content.decode())
    assert f"{ACTIONS[code].verb}: 3 dead letters" in said
    assert LETTERS[code] in said
    assert ("This cannot be undone" in said) != ACTIONS[code].undoable


@pytest.mark.django_db
def test_a_backfill_says_how_many_runs_and_that_the_schedule_goes_on(client, ada):
    hourly = {"schedule_type": "CRON", "cron_expression": "0 * * * *", "timezone": "UTC"}
    job = factories.job(ada, schedule=hourly)
    client.force_login(ada)
    asked = {"since": "2026-03-02T06:00", "until": "2026-03-02T09:30"}
    said = plain(client.get(f"/jobs/{job.pk}/backfill/", asked).content.decode())
    assert "Start 4 runs" in said
    assert "The schedule itself goes on" in said


@pytest.mark.django_db
def test_run_now_with_parameters_says_that_the_job_stays_as_it_is(client, ada):
    payload = {"metadata": {"failureMessage": "{{ param:zone }}"}}
    job = factories.job(ada, payload=payload)
    client.force_login(ada)
    said = plain(client.post(f"/jobs/{job.pk}/run-now/").content.decode())
    assert "1 run starts" in said
    assert "the job stays as it is. Its schedule goes on" in said


@pytest.mark.django_db
def test_retention_says_how_many_would_go_and_what_never_does(client, ada):
    job = factories.job(ada)
    for _ in range(4):
        factories.run(job, at=timezone.now() - timedelta(days=8))
    client.force_login(ada)
    days = {code: str(subject.days) for code, subject in SUBJECTS.items()} | {"RUNS_SUCCESS": "7"}
    page = client.post("/system/retention/", {**days, "do": "preview"}).content.decode()
    assert '<td class="num nowrap">4</td>' in page
    assert re.search(r"cannot be brought back.*What never goes.*Runs that wait or run", plain(page))


# The keyboard


@pytest.mark.browser
def test_the_focus_goes_into_each_dialog_and_comes_back_when_escape_closes_it(visit, live_server, ada, job):
    page = visit(f"/jobs/{job.pk}/", ada, reduced_motion="reduce")
    page.wait_for_load_state()
    for dialog in DIALOGS:
        opener = page.locator(f'[data-open="{dialog}"]')
        menu = page.locator("details.menu", has=opener).locator("summary")
        back = menu if menu.count() else opener
        if menu.count():
            menu.press("Enter")
        opener.press("Enter")
        inside = page.locator(f"#{dialog}:focus-within")
        expect(inside).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(f"#{dialog}")).to_be_hidden()
        expect(back).to_be_focused()
