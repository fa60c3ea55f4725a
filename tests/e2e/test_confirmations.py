"""Whatever asks for a confirmation says how much it is about, and what will not happen."""

import re

import pytest
from django.utils import timezone

from runs.bulk_actions import ACTIONS
from runs.bulk_actions.steering import OfJobs
from runs.models import Process
from runs.processes import beat
from tests import factories
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
    "/system/firing/stop/": ("None of 1 armed schedules", "go on and still start"),
    "/system/queues/high/stop/": ("0 wait now", "Nothing is skipped or cancelled"),
    "/system/workers/w-1/drain/": ("0 running runs on it", "none is stopped"),
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
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


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
