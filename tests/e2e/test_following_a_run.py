"""A run that takes its time, looked at by somebody who reads, selects and goes about while it writes."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.keys import SOON, press

BATCHES = 120
AT_TOP = "() => document.querySelector('[data-log]').scrollTop === 0"
AT_END = """() => {
  const {scrollHeight: all, scrollTop: top, clientHeight: seen} = document.querySelector("[data-log]");
  return all - top - seen < 2;
}"""
LONGER = "than => document.querySelectorAll('[data-log] .ll').length > than"
SELECTED = "getSelection().toString()"


@pytest.fixture
def followed(page):
    """The page of a run that writes a line every quarter of a second, begun by a key."""
    page.goto("/jobs/new/?type=DUMMY&schedule_type=CRON")
    page.get_by_role("textbox", name="Name").fill("slow-batches")
    page.get_by_label("Cron expression").fill("0 4 1 1 *")
    page.get_by_label("Records", exact=True).fill(str(BATCHES))
    page.get_by_label("Records a batch").fill("1")
    page.get_by_label("Time a batch").fill("250")
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_role("heading", name="slow-batches").wait_for()
    page.wait_for_load_state()
    press(page, "r")
    page.wait_for_url(re.compile("/runs/01"))
    page.wait_for_load_state()
    return page


def await_line(page, number):
    expect(page.locator("[data-log]")).to_contain_text(f"Batch {number} of {BATCHES}", timeout=SOON)


def grow(page, times=2):
    """Wait until the page has brought more lines, so often."""
    for _ in range(times):
        page.wait_for_function(LONGER, arg=page.locator("[data-log] .ll").count())


def test_a_followed_run_leaves_the_reader_in_peace_and_loses_no_line(followed):
    page = followed
    log, away = page.locator("[data-log]"), page.get_by_role("link", name="Open the job")
    await_line(page, 30)
    log.focus()
    press(page, "Home")
    page.wait_for_function(AT_TOP)
    grow(page)
    assert page.evaluate(AT_TOP)
    expect(log).to_be_focused()
    press(page, "End")
    page.wait_for_function(AT_END)
    away.focus()
    grow(page, 3)
    page.wait_for_function(AT_END)
    expect(away).to_be_focused()
    page.locator("[data-log] .ll > span").nth(3).select_text()
    chosen, shown = page.evaluate(SELECTED), page.locator("[data-log] .ll").count()
    elsewhere = page.context.new_page()
    elsewhere.goto(page.url)
    await_line(elsewhere, shown + 10)
    assert (page.evaluate(SELECTED), page.locator("[data-log] .ll").count()) == (chosen, shown)
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator("#run-state")).to_contain_text(f"Done, {BATCHES} batches", timeout=SOON)
    expect(page.locator("#log-following")).to_have_count(0, timeout=SOON)
    written = re.findall(rf"Batch (\d+) of {BATCHES}", log.inner_text())
    assert written == [str(number) for number in range(1, BATCHES + 1)]
