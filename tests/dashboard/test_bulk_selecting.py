"""Rows are selected by mouse and by keyboard, and without a script too."""

import pytest
from playwright.sync_api import expect

from jobs.models import Job, Status
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def alice():
    alice = factories.alice()
    for number in range(5):
        factories.job(alice, name=f"job-{number}")
    return alice


def box(page, number):
    return page.get_by_label(f"Select job-{number}")


def count(page):
    return page.locator("[data-picked]")


def test_shift_selects_a_range_and_clear_ends_it(visit, alice):
    page = visit("/jobs/", alice)
    expect(count(page)).to_be_hidden()
    box(page, 1).click()
    box(page, 3).click(modifiers=["Shift"])
    expect(count(page)).to_have_text("3 selected")
    page.get_by_role("button", name="Clear").click()
    expect(count(page)).to_be_hidden()


def test_x_selects_the_row_with_the_focus_and_not_while_somebody_types(visit, alice):
    page = visit("/jobs/", alice)
    page.get_by_role("link", name="job-2", exact=True).focus()
    page.keyboard.press("x")
    expect(box(page, 2)).to_be_checked()
    page.locator("#q").press("x")
    expect(count(page)).to_have_text("1 selected")


def test_the_first_box_selects_the_page(visit, alice):
    page = visit("/jobs/", alice)
    page.get_by_label("Select all on this page").check()
    expect(count(page)).to_have_text("5 selected")
    box(page, 0).uncheck()
    assert page.evaluate("document.querySelector('[data-pick-all]').indeterminate")


@pytest.mark.parametrize(
    "back",
    [lambda page: page.go_back(), lambda page: page.get_by_role("link", name="Back, nothing done").click()],
)
def test_back_from_the_preview_brings_the_selection_back(visit, alice, back):
    page = visit("/jobs/?sort=name", alice)
    box(page, 1).check()
    box(page, 3).check()
    page.locator("#bulk").get_by_role("button", name="Pause").click()
    page.get_by_role("heading", name="Pause: 2 jobs").wait_for()
    back(page)
    expect(count(page)).to_have_text("2 selected")
    expect(box(page, 1)).to_be_checked()
    expect(box(page, 3)).to_be_checked()
    page.goto("/jobs/")
    expect(count(page)).to_be_hidden()


def test_in_a_tab_of_its_own_a_link_back_leads_to_the_list(visit, alice):
    page = visit("/jobs/", alice)
    box(page, 1).check()
    with page.context.expect_page() as opened:
        page.locator("#bulk").get_by_role("button", name="Pause").click(modifiers=["ControlOrMeta"])
    tab = opened.value
    tab.get_by_role("link", name="Back, nothing done").click()
    tab.wait_for_url("**/jobs/")


def test_a_pause_of_some_is_undone_from_its_message(visit, alice):
    page = visit("/jobs/", alice)
    box(page, 1).check()
    page.locator("#bulk").get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Pause: 1 job").click()
    expect(page.locator("#main").get_by_text("1 job is paused.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#main").get_by_text("1 job is as it was.")).to_be_visible()
    assert not Job.objects.filter(status=Status.PAUSED).exists()
    assert page.evaluate("violations") == []


def test_without_a_script_the_boxes_and_the_bar_work_too(visit, alice):
    page = visit("/jobs/", alice, java_script_enabled=False)
    box(page, 4).check()
    page.locator("#bulk").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Pause: 1 job")).to_be_visible()
