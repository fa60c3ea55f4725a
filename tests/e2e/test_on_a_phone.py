"""What must not be lost, cut off or misplaced where the page is as narrow as a phone."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from runs.models import Outcome, Run
from tests import factories
from tests.e2e.keys import SOON
from tests.e2e.test_triage_by_keyboard import fail

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
WHOLE = "each => each.scrollWidth <= each.clientWidth && each.clientWidth > 100"


def test_the_notifications_lead_to_the_message_texts(visit, live_server):
    page = visit("/notifications/", factories.ada(), viewport=PHONE)
    page.get_by_role("link", name="Message texts").click()
    expect(page.get_by_role("heading", name="Message texts")).to_be_visible()


def test_a_dead_letter_shows_the_name_of_its_job(visit, live_server):
    ada = factories.ada()
    job = factories.job(ada, name="nightly-storefront-probe")
    fail(job, 0, "TIMEOUT")
    page = visit(f"/dead-letters/{job.dead_letters.get().pk}/", ada, viewport=PHONE)
    assert page.locator("#event .pane-head b").evaluate(WHOLE)


def test_who_cancels_a_run_that_ends_this_moment_does_not_run_it_again(visit, live_server):
    ada = factories.ada()
    run = factories.run(factories.job(ada), "RUNNING")
    page = visit(f"/runs/{run.pk}/", ada, viewport=PHONE)
    cancel = page.get_by_role("button", name="Cancel run").bounding_box()
    Run.objects.filter(pk=run.pk).update(outcome=Outcome.SUCCESS, end_time=timezone.now(), duration_ms=1)
    again = page.get_by_role("button", name="Run again")
    expect(again).to_be_visible(timeout=SOON)
    other = again.bounding_box()
    apart = [
        cancel[start] + cancel[length] <= other[start] or other[start] + other[length] <= cancel[start]
        for start, length in (("x", "width"), ("y", "height"))
    ]
    assert any(apart)
