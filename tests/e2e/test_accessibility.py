"""Every page of the dashboard under axe-core: light and dark, on a desk and on a phone."""

from importlib import resources

import pytest

from tests import factories
from tests.browser import PAGES

pytestmark = pytest.mark.browser

# The administration is Django's own.
OURS = [name for name in PAGES if "administration" not in name]
REQUEST = """\
name: greet
type: DUMMY
priority: {}
schedule: {{scheduleType: INTERVAL, intervalSeconds: 300}}
payload: {{}}
"""
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1440, 390)]
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
FINDINGS = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ target, any, all }) =>
            `${id}: ${target} ${[...any, ...all].map(({ message }) => message).join("; ")}`));
}"""


def findings(page):
    """What is serious or critical in each look of the page."""
    page.evaluate(AXE)
    found = {}
    for scheme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("scheme => { document.documentElement.dataset.bsTheme = scheme }", scheme)
        found[scheme, width] = page.evaluate(FINDINGS)
    return {look: each for look, each in found.items() if each}


@pytest.mark.parametrize("name", OURS)
def test_nobody_is_kept_out_by(visit, live_server, name):
    ada = factories.ada()
    assert findings(visit(PAGES[name](ada), ada, reduced_motion="reduce")) == {}


@pytest.mark.parametrize("priority", ["HIGH", "URGENT"])
def test_nobody_is_kept_out_by_what_an_import_would_change(visit, live_server, priority):
    page = visit("/jobs/import/", factories.ada(), reduced_motion="reduce")
    page.fill("textarea", REQUEST.format(priority))
    page.click("section button")
    page.wait_for_selector("ul.rows")
    assert findings(page) == {}


def test_nobody_is_kept_out_by_signing_in(visit, live_server):
    assert findings(visit("/sign-in/", reduced_motion="reduce")) == {}


@pytest.mark.parametrize("key", ["/", "?"])
def test_nobody_is_kept_out_by_a_dialog(visit, live_server, key):
    page = visit("/jobs/", factories.job(factories.ada()).owner, reduced_motion="reduce")
    page.keyboard.press(key)
    assert findings(page) == {}
