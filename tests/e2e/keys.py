"""A page without a mouse: keys that are pressed, and what comes of them."""

from playwright.sync_api import expect

# A run waits for its worker, on a machine that may have other work.
SOON = 30_000


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def told(page, text):
    """Wait for the page that says so, and for its scripts: before them a key means nothing."""
    expect(page.locator("#main").get_by_text(text)).to_be_visible(timeout=SOON)
    page.wait_for_load_state()
