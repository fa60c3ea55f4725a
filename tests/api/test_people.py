"""People by the API, for administrators: invited, given a role, let in no more and let in again."""

import pytest

from accounts import links
from accounts.models import Role, User
from api.models import Scope
from audit.models import AuditEvent
from tests import factories
from tests.api.calling import Caller, errors

pytestmark = pytest.mark.django_db


@pytest.fixture
def call():
    return Caller(factories.ada())


@pytest.fixture
def alice():
    return factories.alice()


def test_who_is_invited_gets_a_link_and_no_password(call):
    answer = call.post("/people", {"email": "Dora@example.com", "role": "OPERATOR"})
    assert answer.status_code == 201, answer.content
    dora = User.objects.get(email="dora@example.com")
    assert (dora.role, dora.has_usable_password()) == (Role.OPERATOR, False)
    assert links.whose(*answer.json()["link"].rstrip("/").split("/")[-2:]) == dora
    assert AuditEvent.objects.get(action="INVITED").via == "API"


def test_the_link_ends_when_who_was_told_it_administers_no_more(call):
    link = call.post("/people", {"email": "dora@example.com"}).json()["link"]
    User.objects.filter(email="ada@example.com").update(roles="OPERATOR")
    assert links.whose(*link.rstrip("/").split("/")[-2:]) is None


def test_no_key_keeps_the_link(call):
    answer = call.post("/people", {"email": "dora@example.com"}, **{"Idempotency-Key": "1"})
    assert "Idempotency-Key" in errors(answer)
    assert not User.objects.filter(email="dora@example.com").exists()


@pytest.mark.parametrize("email", ["", "nobody", "alice@example.com"])
def test_who_cannot_be_invited_is_told_at_the_field(call, alice, email):
    assert set(errors(call.post("/people", {"email": email}))) == {"email"}


def test_a_role_is_changed_and_nothing_else(call, alice):
    answer = call("PATCH", f"/people/{alice.pk}", {"role": "OPERATOR"})
    assert (answer.json()["role"], answer.json()["is_active"]) == ("OPERATOR", True)
    assert set(errors(call("PATCH", f"/people/{alice.pk}", {"role": "KING"}))) == {"role"}


def test_who_may_come_in_no_more_leaves_paused_jobs_and_comes_back(call, alice):
    job = factories.job(alice)
    told = call("PATCH", f"/people/{alice.pk}", {"is_active": False}).json()["told"]
    job.refresh_from_db()
    assert (job.status, "1 of their jobs is paused." in told) == ("PAUSED", True)
    assert call("PATCH", f"/people/{alice.pk}", {"is_active": True}).json()["is_active"] is True


def test_jobs_are_handed_over(call, alice):
    job = factories.job(alice)
    leaves = {"is_active": False, "jobs": "hand-over"}
    assert set(errors(call("PATCH", f"/people/{alice.pk}", leaves))) == {"to"}
    bob = factories.bob()
    call("PATCH", f"/people/{alice.pk}", {**leaves, "to": bob.email})
    job.refresh_from_db()
    assert job.owner == bob


def test_administrators_do_not_shut_themselves_out(call):
    ada = User.objects.get(email="ada@example.com")
    assert set(errors(call("PATCH", f"/people/{ada.pk}", {"is_active": False}))) == {"is_active"}
    assert set(errors(call("PATCH", f"/people/{ada.pk}", {"role": "USER"}))) == {"role"}


@pytest.mark.parametrize("scope", [Scope.READ, Scope.OPERATE, Scope.WRITE])
def test_a_lesser_token_of_an_administrators_does_not_reach(alice, scope):
    less = Caller(factories.ada(), scope)
    assert less("PATCH", f"/people/{alice.pk}", {"role": "ADMIN"}).status_code == 403
    assert less.post("/people", {"email": "dora@example.com"}).status_code == 403
