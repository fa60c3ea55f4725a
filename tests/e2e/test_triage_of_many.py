"""Many dead letters by mouse: what is ticked is what is meant, and the way back leads to it."""

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.e2e.test_triage_by_keyboard import fail

pytestmark = pytest.mark.browser

BACK = "Back, nothing done"


@pytest.fixture
def page(visit, live_server):
    """The inbox with two groups, the older one of two events."""
    ada = factories.ada()
    job = factories.job(ada)
    for n, error_class in enumerate(("DEADLOCK", "DEADLOCK", "TIMEOUT", "TIMEOUT", "TIMEOUT")):
        fail(job, n, error_class)
    return visit("/dead-letters/", ada, reduced_motion="reduce")


def everything(page):
    """The box for all groups, or for all of the open one."""
    return page.locator("#bulk-all")


def boxes(page):
    return page.locator('input[name="id"][form="bulk"]')


def test_all_groups_are_ticked_though_nothing_else_is(page):
    everything(page).check()
    expect(page.locator("[data-picked]")).to_have_text("All selected")
    page.get_by_role("button", name="Resolve…").first.click()
    expect(page.get_by_role("heading", name="Resolve: 5 dead letters")).to_be_visible()


def test_whoever_unticks_the_last_event_does_not_mean_all_either(page):
    boxes(page).first.check()
    everything(page).check()
    boxes(page).first.uncheck()
    expect(everything(page)).not_to_be_checked()


def test_the_way_back_leads_to_the_group_that_was_opened(page):
    everything(page).check()
    page.locator("a.sig").last.click()
    page.wait_for_url("**signature=**")
    expect(boxes(page)).to_have_count(2)
    expect(everything(page)).not_to_be_checked()
    address = page.url
    for box in boxes(page).all():
        box.check()
    page.get_by_role("button", name="Resolve…").first.click()
    page.get_by_role("link", name=BACK).click()
    page.wait_for_url(address)
    expect(page.locator("[data-picked]")).to_have_text("2 selected")
