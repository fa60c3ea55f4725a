"""The main paths without a mouse: whatever is pressed here is a key."""

import re

import pytest
from playwright.sync_api import expect

from dashboard.models import SavedView
from tests import factories
from tests.e2e.keys import SOON, press, told

MOST_TABS = 150


def tab_to(page, element, key="Tab"):
    """Go from field to field until the element has the focus."""
    for _ in range(MOST_TABS):
        if element.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"no way by {key} to {element}")


def shows(page, heading):
    """Wait for the page, and for its scripts: before them a key means nothing."""
    page.get_by_role("heading", name=heading).first.wait_for()
    page.wait_for_load_state()


def typed(page, field, text):
    tab_to(page, field)
    page.keyboard.type(text)


def find(page, text):
    """Open the first thing that the palette finds."""
    press(page, "Control+k")
    page.keyboard.type(text)
    chosen = page.locator("#palette [aria-selected=true]")
    expect(chosen).to_contain_text(text, timeout=SOON)
    press(page, "Enter")


def create(page, name):
    page.wait_for_load_state()
    press(page, "n")
    shows(page, "New job")
    typed(page, page.get_by_label("Name*", exact=True), name)
    tab_to(page, page.locator("[name=type]:checked"))
    with page.expect_response(lambda answer: "/jobs/new/" in answer.url):
        press(page, "ArrowUp", "ArrowUp")
    expect(page.locator("#type_DUMMY")).to_be_checked(timeout=SOON)
    typed(page, page.get_by_label("Cron expression"), "0 4 1 1 *")
    tab_to(page, page.get_by_role("button", name="Save", exact=True).last)
    press(page, "Enter")
    shows(page, name)


def test_a_job_is_made_found_run_paused_resumed_and_deleted(page):
    create(page, "by-keys-alone")
    press(page, "g", "o")
    shows(page, "Overview")
    find(page, "by-keys-alone")
    page.wait_for_url(re.compile("/jobs/01"))
    press(page, "r")
    page.wait_for_url(re.compile("/runs/01"))
    page.go_back()
    press(page, "p")
    tab_to(page, page.get_by_role("button", name="Pause job"))
    press(page, "Enter")
    told(page, "by-keys-alone is paused.")
    press(page, "p")
    told(page, "by-keys-alone fires again.")
    find(page, "Delete")
    tab_to(page, page.get_by_role("button", name="Delete job"))
    press(page, "Enter")
    told(page, "by-keys-alone is deleted.")


@pytest.fixture
def runs(live_server):
    """A run that failed, with a log of three lines, and one that went well."""
    alice = factories.alice()
    failed = factories.run(factories.job(alice, name="nightly-export"), "FAILURE")
    factories.log(failed, "connected", "deadlock found")
    factories.log(failed, "gave up", level="ERROR")
    factories.run(factories.job(alice, name="smoke-probe"), "SUCCESS")
    return alice, failed


def rows(page):
    return page.locator("#runs tbody tr")


def test_the_list_of_runs_is_filtered_and_the_filter_taken_away(visit, runs):
    page = visit("/runs/", runs[0])
    tab_to(page, page.locator("summary", has_text="Filter"))
    press(page, "Enter")
    tab_to(page, page.locator("#outcome_FAILURE"))
    press(page, "Space")
    typed(page, page.locator("#id_q"), "")
    press(page, "Enter")
    page.wait_for_url(re.compile("outcome=FAILURE"))
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("nightly-export")
    tab_to(page, page.locator("a.chip", has_text="Failed"))
    press(page, "Enter")
    expect(rows(page)).to_have_count(2)


@pytest.mark.parametrize("address", ["/runs/?outcome=FAILURE&took=10s", "/jobs/?q=export&status=SCHEDULED"])
def test_a_list_is_kept_as_a_view_found_again_and_the_view_deleted(visit, runs, address):
    page = visit(address, runs[0])
    shown = page.url
    tab_to(page, page.get_by_role("link", name="Save this view"))
    press(page, "Enter")
    expect(page.get_by_label("Name")).to_be_focused(timeout=SOON)
    page.keyboard.type("Slow failures")
    press(page, "Enter")
    chosen = page.locator("#views [aria-current]").first
    expect(chosen).to_have_text("Slow failures")
    page.goto("/")
    find(page, "Slow failures")
    expect(chosen).to_have_text("Slow failures")
    assert set(page.url.partition("?")[2].split("&")) == set(shown.partition("?")[2].split("&"))
    page.wait_for_load_state()
    tab_to(page, page.locator(".view-edit"))
    press(page, "Enter")
    shows(page, "Change a view")
    tab_to(page, page.get_by_role("button", name="Delete view"))
    press(page, "Enter")
    told(page, "The view “Slow failures” is deleted.")
    assert not SavedView.objects.exists()


def test_the_handover_is_copied_as_markdown(visit, runs):
    page = visit("/", runs[0], permissions=["clipboard-read", "clipboard-write"])
    press(page, "g", "h")
    shows(page, "Shift handover")
    tab_to(page, page.get_by_role("link", name="Copy as Markdown"))
    press(page, "Enter")
    expect(page.get_by_role("link", name="Copied")).to_be_focused(timeout=SOON)
    expect(page.locator("#says")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("# Handover since")


def test_a_log_is_searched_narrowed_to_its_errors_and_read_at_a_line(visit, runs):
    alice, failed = runs
    page = visit(f"/runs/{failed.pk}/", alice)
    lines = page.locator("[data-log] li")
    typed(page, page.locator("#log-q"), "deadlock")
    press(page, "Enter")
    page.wait_for_url(re.compile("q=deadlock"))
    expect(lines).to_have_count(1)
    tab_to(page, page.get_by_role("link", name="Error", exact=False).and_(page.locator(".log-bar a")))
    press(page, "Enter")
    page.wait_for_url(re.compile("level=ERROR"))
    typed(page, page.locator("#log-line"), "2")
    press(page, "Enter")
    page.wait_for_url(re.compile("line=2"))
    expect(page.locator("[data-log]")).to_contain_text("deadlock found")
    tab_to(page, page.locator("[data-log]"))
