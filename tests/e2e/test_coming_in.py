"""Coming in and confirming who one is, in a browser: it sends headers that a test client does not."""

import time

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse

from accounts import links, proof
from accounts.models import User
from tests import factories
from tests.e2e.test_accessibility import findings

pytestmark = pytest.mark.browser

NEW = "a few words in a row"


def a_while_ago():
    """Let the one session that there is have been proven too long ago."""
    session = Session.objects.get()
    told = {**session.get_decoded(), proof.PROVEN: time.time() - 3600}
    session.session_data = Session.get_session_store_class()().encode(told)
    session.save()


def test_an_invited_person_chooses_a_password_by_the_link_and_signs_in(visit, live_server, settings):
    settings.BASE_URL = f"{live_server.url}/"
    dora = User.objects.create_user("dora@example.com", None)
    page = visit(links.link(dora))
    page.locator("[name=new]").fill(NEW)
    page.locator("[name=again]").fill(NEW)
    page.locator("main button").click()
    page.get_by_label("E-mail").fill("dora@example.com")
    page.locator("[name=password]").fill(NEW)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Overview").wait_for()


def test_who_confirms_goes_on_with_what_they_typed_and_axe_has_nothing_to_say(visit, live_server):
    page = visit(reverse("person_invite"), factories.ada(), reduced_motion="reduce")
    a_while_ago()
    page.get_by_label("E-mail").fill("dora@example.com")
    page.locator("main button.btn-primary").click()
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    assert findings(page) == {}
    page.locator("[name=password]").fill(factories.PASSWORD)
    page.get_by_role("button", name="Confirm and go on").click()
    page.get_by_role("heading", name="Confirm that it is you").wait_for(state="detached")
    assert User.objects.filter(email="dora@example.com").exists()
