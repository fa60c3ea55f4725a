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
# Pages with menus, boxes and parts that open.
OPENING = (
    "overview",
    "jobs",
    "one job",
    "new job",
    "edit a job",
    "runs",
    "one run",
    "dead letters",
    "one dead letter",
    "notifications",
    "audit trail",
)
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1440, 390)]
# The dark theme changes colours, and nothing else that a rule could ask about.
RULES = {"light": None, "dark": ["color-contrast", "link-in-text-block"]}
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
FINDINGS = """async ({ part, rules }) => {
    const runOnly = rules ? { runOnly: rules } : {};
    const { violations } = await axe.run(part ?? document, { resultTypes: ["violations"], ...runOnly });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ target, any, all }) =>
            `${id}: ${target} ${[...any, ...all].map(({ message }) => message).join("; ")}`));
}"""
# What opens, one after the other: each alone is looked at, so that all of them take little time.
DETAILS = f"""async ({{ rules }}) => {{
    const findings = {FINDINGS}, found = [];
    for (const each of document.querySelectorAll("details")) {{
        const was = each.open;
        each.open = true;
        if (each.checkVisibility()) {{ found.push(...await findings({{ part: each, rules }})); }}
        each.open = was;
    }}
    return found;
}}"""
SIDEWAYS = """() => document.documentElement.scrollWidth > innerWidth + 1 ? ["scrolls sideways"] : []"""


def findings(page, looked_for=FINDINGS, looks=LOOKS):
    """What is serious or critical in each look of the page, and whether it is wider than the screen."""
    page.evaluate(AXE)
    found = {}
    for scheme, width in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("scheme => { document.documentElement.dataset.bsTheme = scheme }", scheme)
        seen = page.evaluate(looked_for, {"rules": RULES[scheme]})
        found[scheme, width] = seen + page.evaluate(SIDEWAYS)
    return {look: each for look, each in found.items() if each}


@pytest.mark.parametrize("name", OURS)
def test_nobody_is_kept_out_by(visit, live_server, name):
    ada = factories.ada()
    page = visit(PAGES[name](ada), ada, reduced_motion="reduce")
    assert page.evaluate("violations") == [], "refused by the policy"
    assert findings(page) == {}


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


@pytest.mark.parametrize("words", ["smoke", "nothing is called so"])
def test_nobody_is_kept_out_by_what_the_palette_finds(visit, live_server, words):
    page = visit("/jobs/", factories.job(factories.ada()).owner, reduced_motion="reduce")
    page.keyboard.press("/")
    with page.expect_response(lambda answer: "/search/" in answer.url):
        page.keyboard.type(words)
    page.wait_for_function("!document.querySelector('.htmx-request, .htmx-settling')")
    assert findings(page) == {}


def test_nobody_is_kept_out_by_what_opens(visit, live_server):
    ada = factories.ada()
    page = visit("/", ada, reduced_motion="reduce")
    found = {}
    for name in OPENING:
        page.goto(PAGES[name](ada))
        found[name] = findings(page, DETAILS, [("light", 1440), ("dark", 390)])
    assert {name: each for name, each in found.items() if each} == {}


def test_nobody_is_kept_out_by_a_selection(visit, live_server):
    page = visit("/jobs/", factories.job(factories.ada()).owner, reduced_motion="reduce")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.wait_for_selector("tr.sel")
    assert findings(page) == {}
