import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts.actions import BACKEND
from audit.models import AuditEvent
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "a quite different sentence"


@pytest.fixture
def alice(client):
    alice = factories.alice()
    client.force_login(alice, BACKEND)
    return alice


def change(client, old=PASSWORD, new=NEW, again=NEW):
    return client.post("/account/password/", {"old": old, "new": new, "again": again})


def test_signing_out_ends_the_session(client, alice):
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert SESSION_KEY not in client.session
    assert AuditEvent.objects.get().action == "SIGNED_OUT"


def test_signing_out_needs_a_form(client, alice):
    assert client.get("/sign-out/").status_code == 405
    assert SESSION_KEY in client.session


def test_nobody_signs_out_nobody(client):
    assert client.post("/sign-out/").headers["Location"].startswith("/sign-in/")
    assert not AuditEvent.objects.exists()


def test_signing_out_needs_our_own_form(alice):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice, BACKEND)
    response = careful.post("/sign-out/")
    assert response.status_code == 403
    assert "the form was too old" in response.content.decode()


def test_a_changed_password_is_the_one_that_counts(client, alice):
    assert change(client).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert AuditEvent.objects.get().action == "PASSWORD_CHANGED"


def test_changing_the_password_keeps_this_session_and_ends_the_others(client, alice):
    elsewhere = Client()
    elsewhere.force_login(alice, BACKEND)
    change(client)
    assert client.get("/account/password/").status_code == 200
    assert elsewhere.get("/account/password/").status_code == 302


def test_who_is_not_signed_in_cannot_change_a_password(client):
    alice = factories.alice()
    assert change(client).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"old": "not it"}, "old"),
        ({"old": ""}, "old"),
        ({"new": "short", "again": "short"}, "new"),
        ({"new": "1q2w3e4r5t6y", "again": "1q2w3e4r5t6y"}, "new"),
        ({"new": "alice@example.com", "again": "alice@example.com"}, "new"),
        ({"new": "192837465564", "again": "192837465564"}, "new"),
        ({"again": "a quite different sentense"}, "again"),
        ({"new": "x" * 1_000_000, "again": "x" * 1_000_000}, "new"),
    ],
)
def test_a_password_that_will_not_do_is_told_at_its_field(client, alice, typed, field):
    response = change(client, **typed)
    assert response.context["form"].errors[field]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_guessing_the_current_password_is_throttled(client, alice):
    for _ in range(5):
        response = change(client, old="a guess")
    assert response.status_code == 429
    assert change(client).status_code == 429
