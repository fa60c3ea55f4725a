"""Sessions, forgotten passwords, and links by which people choose one."""

import re
import socket
import threading

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from accounts import actions, links
from accounts.actions import BACKEND
from accounts.models import SignIn, User
from audit.models import AuditEvent
from runs import housekeeping
from tests import factories

pytestmark = pytest.mark.django_db

SIGN_IN = {"email": "alice@example.com", "password": factories.PASSWORD}
NEW = {"new": "a new and long password", "again": "a new and long password"}


@pytest.fixture
def alice():
    return factories.alice()


def signed_in(agent="Firefox"):
    client = Client(headers={"User-Agent": agent})
    client.post("/sign-in/", SIGN_IN)
    return client


def is_in(client):
    return client.get("/").status_code == 200


def test_sessions_are_listed_with_browser_and_address(alice):
    client, _ = signed_in("Firefox"), signed_in("<b>Evil</b>\x1b[2J")
    shown = client.get("/account/sessions/").content.decode()
    assert "Firefox" in shown
    assert "&lt;b&gt;Evil" in shown
    assert "127.0.0.1" in shown


def test_one_session_is_ended_and_the_others_go_on(alice):
    mine, other, third = (signed_in(name) for name in ("a", "b", "c"))
    mine.post(f"/account/sessions/{SignIn.objects.get(agent='b').pk}/end/")
    assert [is_in(client) for client in (mine, other, third)] == [True, False, True]


def test_all_others_are_ended_at_once(alice):
    mine, *others = (signed_in() for _ in range(3))
    mine.post("/account/sessions/end-others/")
    assert [is_in(client) for client in (mine, *others)] == [True, False, False]
    assert AuditEvent.objects.get(action="SESSIONS_ENDED").details == {"sessions": 2}


def test_sessions_of_others_are_not_there(alice):
    signed_in()
    stranger = Client()
    stranger.force_login(factories.charlie(), BACKEND)
    assert stranger.post(f"/account/sessions/{SignIn.objects.get().pk}/end/").status_code == 404
    assert SignIn.objects.exists()


def test_a_changed_password_ends_the_others_and_keeps_this_one(alice):
    mine, other = signed_in(), signed_in()
    mine.post("/account/password/", {"old": factories.PASSWORD, **NEW})
    assert [is_in(mine), is_in(other), SignIn.objects.count()] == [True, False, 1]


def test_signing_out_forgets_the_session(alice):
    signed_in().post("/sign-out/")
    assert not SignIn.objects.exists()


def test_what_is_over_goes_with_the_rest_of_what_is_old(alice):
    over, mine = signed_in("old"), signed_in("new")
    key = over.cookies[settings.SESSION_COOKIE_NAME].value
    Session.objects.filter(session_key=key).update(expire_date=factories.NOON)
    list(housekeeping.everything())
    assert list(SignIn.objects.values_list("agent", flat=True)) == ["new"]
    assert (Session.objects.count(), is_in(mine)) == (1, True)


# Forgotten passwords


@pytest.fixture
def server(settings):
    settings.EMAIL_HOST, settings.BASE_URL = "mail.example.com", "https://chronos.example.com/"


def mailed():
    """What was mailed, once all of it is."""
    for thread in threading.enumerate():
        if thread.name == links.MAILING:
            thread.join(30)
    return mail.outbox


@pytest.mark.usefixtures("server")
def test_a_link_comes_by_mail_leads_to_our_own_host_and_sets_the_password_once(client, alice):
    client.post("/sign-in/forgotten/", {"email": "Alice@Example.com"}, headers={"Host": "testserver"})
    [path] = re.findall(r"https://chronos\.example\.com(/sign-in/password/\S+)", mailed()[0].body)
    assert client.get(path).headers["Referrer-Policy"] == "same-origin"
    client.post(path, NEW)
    alice.refresh_from_db()
    assert alice.check_password(NEW["new"])
    assert client.get(path).status_code == 404


@pytest.mark.usefixtures("server")
def test_nobody_learns_whether_there_is_an_account(client, alice):
    answers = [
        client.post("/sign-in/forgotten/", {"email": email}, follow=True)
        for email in ("alice@example.com", "nobody@example.com")
    ]
    told = [(answer.redirect_chain, list(map(str, answer.context["messages"]))) for answer in answers]
    assert told[0] == told[1]
    assert len(mailed()) == 1


@pytest.mark.usefixtures("server")
def test_the_answer_does_not_wait_for_the_mail_server(client, alice, settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        client.post("/sign-in/forgotten/", {"email": alice.email})
        assert links.MAILING in {thread.name for thread in threading.enumerate()}
    mailed()


@pytest.mark.usefixtures("server")
def test_nobody_is_flooded_with_links_and_who_may_not_sign_in_gets_none(client, alice):
    for _ in range(6):
        client.post("/sign-in/forgotten/", {"email": alice.email})
    assert len(mailed()) == 3
    User.objects.update(is_active=False)
    client.post("/sign-in/forgotten/", {"email": alice.email})
    assert len(mailed()) == 3


def test_without_a_mail_server_the_page_says_whom_to_ask(client):
    assert "administrator" in client.get("/sign-in/forgotten/").content.decode()


def test_a_link_is_over_once_the_password_changed_or_the_person_left(alice):
    parts = links.link(alice).rstrip("/").split("/")[-2:]
    assert links.whose(*parts) == alice
    User.objects.update(is_active=False)
    assert links.whose(*parts) is None


@pytest.mark.parametrize("gone", [{"is_active": False}, {"roles": "OPERATOR"}])
def test_who_administers_no_more_takes_no_link_along(alice, gone):
    ada = factories.ada()
    parts = links.link(alice, by=ada).rstrip("/").split("/")[-2:]
    assert links.whose(*parts) == alice
    User.objects.filter(pk=ada.pk).update(**gone)
    assert links.whose(*parts) is None


def test_a_link_is_nothing_without_the_name_of_who_made_it(alice):
    uid, token = links.link(alice, by=factories.ada()).rstrip("/").split("/")[-2:]
    without, _ = links.link(alice).rstrip("/").split("/")[-2:]
    assert (uid != without, links.whose(without, token)) == (True, None)


def test_of_two_who_use_a_link_at_once_one_sets_the_password(alice):
    parts = links.link(alice).rstrip("/").split("/")[-2:]
    both = [links.whose(*parts), links.whose(*parts)]
    assert [actions.set_password(each, f"{NEW['new']} {n}") for n, each in enumerate(both)] == [True, False]
    alice.refresh_from_db()
    assert alice.check_password(f"{NEW['new']} 0")


@pytest.mark.parametrize(
    "uid", ["MQ", "x", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "_", "LTE", "MS4x", "MS4yLjM", "MS4"]
)
def test_a_made_up_link_is_over(client, alice, uid):
    assert client.get(f"/sign-in/password/{uid}/aaa-bbb/").status_code == 404


def test_a_password_that_is_too_easy_is_refused_at_its_field(client, alice):
    path = links.link(alice).partition("/sign-in")[1:]
    answer = client.post("".join(path), {"new": "short", "again": "short"})
    assert answer.context["form"].errors["new"]
    alice.refresh_from_db()
    assert alice.check_password(factories.PASSWORD)
