"""What the shell's script does in a browser, and what goes without it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from runs.models import DeadLetter, Outcome, Process
from runs.settle import Ended, settle
from runs.stops import stop_queue
from tests import factories
from tests.e2e.keys import press
from tests.factories import NOON

pytestmark = pytest.mark.browser

PAGE = "/account/password/"


@pytest.fixture
def page(visit, live_server):
    page = visit(PAGE, factories.ada())
    page.evaluate("document.activeElement.blur()")
    return page


def theme(page):
    return page.evaluate("document.documentElement.dataset.bsTheme")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_before_the_body_is_painted(visit, live_server, scheme):
    page = visit("/sign-in/", color_scheme=scheme)
    assert theme(page) == scheme
    assert page.evaluate("document.querySelector('script[src*=theme]').defer") is False


def test_a_chosen_theme_stays(page):
    before = theme(page)
    page.click("[data-theme-toggle]")
    page.reload()
    assert theme(page) != before


def test_slash_opens_the_search_and_escape_closes_it(page):
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()


def test_a_question_mark_lists_the_keys(page):
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()


@pytest.mark.parametrize(
    ("keys", "path"), [("gj", "/jobs/"), ("gr", "/runs/"), ("go", "/"), ("n", "/jobs/new/")]
)
def test_keys_lead_to_pages(page, live_server, keys, path):
    page.keyboard.type(keys)
    page.wait_for_url(live_server.url + path)


def test_the_search_leads_to_the_first_thing_found(page, live_server):
    job = factories.job(factories.alice(), name="ledger-export")
    press(page, "/", *"ledger", "Enter")
    page.wait_for_url(f"{live_server.url}/jobs/{job.pk}/")


def test_the_arrows_choose_among_what_is_found(page, live_server):
    second = factories.job(factories.alice(), name="ledger-2")
    factories.job(second.owner, name="ledger-1")
    press(page, "Control+k", *"ledger")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("ledger-1")
    press(page, "ArrowDown", "Enter")
    page.wait_for_url(f"{live_server.url}/jobs/{second.pk}/")


def test_what_nobody_finds_leads_to_the_page_that_says_so(page, live_server):
    press(page, "/", *"zzz", "Enter")
    page.wait_for_url(f"{live_server.url}/search/?q=zzz")


def test_the_palette_offers_what_can_be_done_on_the_page_and_where_one_was(page):
    job = factories.job(factories.alice())
    page.goto(f"/jobs/{job.pk}/")
    page.goto("/jobs/")
    press(page, "/")
    expect(page.locator("#here")).to_contain_text("Recentsmoke-probe")
    expect(page.locator("#here")).to_contain_text("New job")


def test_j_and_k_move_through_the_rows_and_enter_opens_one(page, live_server):
    alice = factories.alice()
    one = factories.job(alice, name="one")
    factories.job(alice, name="two")
    page.goto("/jobs/")
    press(page, "j", "j", "j")
    assert page.evaluate("document.activeElement.textContent") == "two"
    press(page, "k", "Enter")
    page.wait_for_url(f"{live_server.url}/jobs/{one.pk}/")


def test_keys_act_on_the_row_with_the_focus(page, live_server):
    job = factories.job(factories.alice())
    page.goto("/jobs/")
    press(page, "j", "p")
    expect(page.locator(".messages")).to_contain_text("smoke-probe is paused.")
    page.wait_for_load_state()
    press(page, "j", "e")
    page.wait_for_url(f"{live_server.url}/jobs/{job.pk}/edit/")


def test_the_list_of_keys_names_those_that_are_valid_here(page):
    factories.job(factories.alice())
    page.goto("/jobs/")
    press(page, "?")
    assert page.locator("[data-valid=r]").is_visible()
    page.goto("/account/password/")
    page.evaluate("document.activeElement.blur()")
    press(page, "?")
    assert not page.locator("#keys h3:has-text('On this page')").is_visible()


def failed_for_good(owner):
    """A job with a dead letter that waits."""
    run = factories.run(factories.job(owner), "RUNNING")
    settle([Ended(run, Outcome.FAILURE, run.scheduled_time, error_class="TIMEOUT", error_message="no")])
    return run.job


def test_the_list_of_keys_gives_each_key_one_meaning(page):
    job = failed_for_good(factories.alice())
    page.goto(f"/jobs/{job.pk}/")
    press(page, "?")
    meant = page.locator("#keys [data-here] [data-valid]:visible dt").all_inner_texts()
    assert len(set(meant)) == len(meant)
    assert page.locator("#keys").get_by_text("Run now").is_visible()


def test_what_a_key_opens_is_seen_and_takes_the_next_keys(page):
    failed_for_good(factories.alice())
    page.goto("/dead-letters/")
    page.locator("[data-key=z]").wait_for()
    press(page, "z")
    expect(page.locator("#id_span")).to_be_focused()
    expect(page.locator("#id_span")).to_be_in_viewport()


def test_shift_and_x_select_all_rows_up_to_this_one(page):
    alice = factories.alice()
    for n in range(4):
        factories.job(alice, name=f"job-{n}")
    page.goto("/jobs/")
    press(page, "j", "x", "j", "j", "Shift+X")
    expect(page.locator("tr.sel")).to_have_count(3)
    expect(page.locator("[data-picked]")).to_have_text("3 selected")


def test_a_key_that_is_held_down_does_nothing_twice(page):
    factories.job(factories.alice())
    page.goto("/jobs/")
    press(page, "j")
    for _ in range(4):
        page.keyboard.down("x")
    expect(page.locator("tr.sel")).to_have_count(1)


def test_the_palette_does_with_the_selection_what_its_bar_does(page):
    factories.job(factories.alice())
    page.goto("/jobs/")
    press(page, "/", *"change the pri")
    expect(page.locator("#pal-list")).to_contain_text("Nothing matches")
    press(page, "Escape")
    expect(page.locator("#palette")).to_be_hidden()
    press(page, "j", "x", "/")
    expect(page.locator("#here")).to_contain_text("Change the priority…")
    press(page, *"change the pri", "Enter")
    expect(page.locator("h1")).to_have_text("Change the priority: 1 job")


def test_a_key_undoes_what_the_message_tells_of_and_the_row_keeps_the_focus(page):
    job = factories.job(factories.alice())
    page.goto("/jobs/")
    press(page, "j", "p")
    expect(page.locator(".messages")).to_contain_text("smoke-probe is paused.")
    expect(page.locator(f"#job-{job.pk}")).to_be_focused()
    press(page, "u")
    expect(page.locator(".messages")).to_contain_text("smoke-probe fires again.")


def test_the_palette_leaves_out_what_cannot_be_done_yet(page):
    run = factories.run(factories.job(factories.alice()), "FAILURE")
    page.goto(f"/runs/{run.pk}/")
    press(page, "/", *"compare")
    offered = page.locator("#here [role=option]:visible")
    expect(offered.first).to_have_text("Compare: With the run before it")
    assert "Compare: Compare" not in offered.all_inner_texts()


def test_the_palette_starts_a_queue_that_is_paused(page):
    stop_queue("high", by=factories.alice(), at=NOON)
    page.goto("/jobs/")
    press(page, "/", *"resume the queue", "Enter")
    expect(page.locator("#stops .banner")).to_have_count(0)


def test_keys_of_one_letter_can_be_switched_off(page):
    press(page, "?")
    page.check("#keys-off")
    press(page, "Escape", "?", "n")
    assert page.locator("dialog[open]").count() == 0
    press(page, "Control+k")
    assert page.locator("#palette").is_visible()


def test_back_brings_the_list_as_it_was(page, live_server):
    factories.job(factories.alice(), name="ledger")
    page.goto("/jobs/")
    page.fill("#q", "zzz")
    page.wait_for_url("**/jobs/?q=zzz**")
    page.go_back()
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#jobs")).to_contain_text("ledger")


def test_the_current_page_in_the_sidebar_stays_on_one_line_beside_its_count(visit, live_server):
    job = factories.job(factories.alice())
    for n in range(12):
        failed = factories.run(job, "FAILURE", at=NOON + timedelta(minutes=n))
        DeadLetter.objects.create(job=job, run=failed, failure_reason="503", signature="a" * 64)
    page = visit("/dead-letters/", factories.ada(), viewport={"width": 1440, "height": 900})
    current = page.locator(".rail [aria-current]")
    expect(current.locator(".n")).to_have_text("12")
    other = page.locator(".rail a", has_text="Audit")
    assert current.bounding_box()["height"] == other.bounding_box()["height"]
    assert current.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_a_search_puts_nothing_empty_into_the_address(page, live_server):
    factories.job(factories.alice(), name="ledger")
    page.goto("/jobs/?error=refused")
    page.fill("#q", "zzz")
    page.wait_for_url(f"{live_server.url}/jobs/?q=zzz&error=refused")
    expect(page.locator("#jobs")).not_to_contain_text("ledger")


def test_back_brings_the_keyboard_to_the_row_that_was_opened(page):
    alice = factories.alice()
    for name in ("one", "three", "two"):
        job = factories.job(alice, name=name)
    page.goto("/jobs/?q=o")
    press(page, "j", "j", "Enter")
    page.wait_for_url(f"**/jobs/{job.pk}/")
    page.go_back()
    expect(page.locator(f"#job-{job.pk}")).to_be_focused()
    assert page.url.endswith("/jobs/?q=o")


def test_on_a_phone_the_timeline_shows_now(page):
    factories.job(factories.alice())
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    now = page.locator("#timeline circle.f-now").bounding_box()
    assert 0 < now["x"] < 390


def test_paper_keeps_the_colours_that_are_read(page):
    factories.job(factories.alice(), at=timezone.now())
    page.goto("/calendar/")
    page.emulate_media(media="print")
    assert page.locator(".heat").evaluate("each => getComputedStyle(each).printColorAdjust") == "exact"


def test_keys_typed_into_a_field_are_text(page):
    page.focus("[name=old]")
    page.keyboard.type("/g?n")
    assert page.input_value("[name=old]") == "/g?n"
    assert page.locator("dialog[open]").count() == 0


def test_a_menu_closes_on_escape_and_on_a_click_elsewhere(page):
    menu = page.locator("details.menu", has=page.locator("text=Account"))
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.click("h1")):
        menu.locator("summary").click()
        assert menu.get_attribute("open") is not None
        leave()
        assert menu.get_attribute("open") is None


def test_times_go_on_ticking(page):
    page.evaluate("""() => {
        document.querySelector("h1").innerHTML =
            '<time id="left" data-in="59" data-words>x</time><time id="gone" data-ago="59">x</time>';
    }""")
    expect(page.locator("#left")).to_have_text(re.compile(r"^in 5[0-7] s$"), timeout=15_000)
    expect(page.locator("#gone")).to_have_text("1 min ago", timeout=15_000)


def test_the_browsers_zone_can_be_chosen(visit, live_server):
    page = visit(PAGE, factories.ada(), timezone_id="Asia/Tokyo")
    page.reload()
    page.click("summary[title='The time zone of this page']")
    page.click("text=Asia/Tokyo (browser)")
    page.wait_for_url(f"**{PAGE}")
    assert "JST" in page.inner_text(".rail-foot")


def test_who_signed_in_again_elsewhere_goes_on_with_the_form(page, client):
    page.fill("[name=old]", factories.PASSWORD)
    page.fill("[name=new]", "a quite different sentence")
    page.fill("[name=again]", "a quite different sentence")
    other = page.context.new_page()
    other.goto("/")
    other.click("summary[title^=ada]")
    other.click("text=Sign out")
    other.fill("[name=email]", "ada@example.com")
    other.fill("[name=password]", factories.PASSWORD)
    other.click("button:has-text('Sign in')")
    other.wait_for_url(lambda url: "sign-in" not in url)
    page.click("main button")
    expect(page.locator("main")).to_contain_text("Password changed")


def test_the_page_says_when_the_session_is_over_and_keeps_what_is_typed(page):
    page.fill("[name=new]", "half a sentence")
    page.context.clear_cookies()
    page.evaluate("() => htmx.ajax('GET', '/pulse/', '.pulse')")
    expect(page.locator("#signed-out")).to_be_visible()
    assert page.input_value("[name=new]") == "half a sentence"


def test_the_pulse_goes_on_by_itself(page):
    Process.objects.create(name="s", kind=Process.Kind.SCHEDULER, host="here", pid=1)
    page.evaluate("() => htmx.ajax('GET', '/pulse/', {target: '.pulse', swap: 'outerHTML'})")
    expect(page.locator(".pulse b")).to_have_text("Ticking")


def test_without_scripts_signing_in_zones_and_signing_out_work(visit, live_server):
    factories.alice()
    page = visit(f"/sign-in/?next={PAGE}", java_script_enabled=False)
    page.fill("[name=email]", "alice@example.com")
    page.fill("[name=password]", factories.PASSWORD)
    page.click("button:has-text('Sign in')")
    page.click("summary[title='The time zone of this page']")
    page.click("text=Another zone")
    page.select_option("select[name=zone]", "Asia/Tokyo")
    page.click("text=Use this zone")
    page.goto(PAGE)
    assert "JST" in page.inner_text(".rail-foot")
    assert not page.locator("[data-theme-toggle]").is_visible()
    page.click("summary[title^=alice]")
    page.click("text=Sign out")
    assert "You are signed out." in page.inner_text("main")
