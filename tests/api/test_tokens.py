"""Tokens: what opens the door, what does not, and the page where people make them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions import BACKEND
from accounts.models import User
from api.models import ApiToken, Scope
from audit.models import AuditEvent
from tests import factories
from tests.api.calling import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.alice()


def test_without_a_token_nothing_is_answered_but_how_to_send_one():
    answer = Caller(None).get("/jobs")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("text", ["", "chr_", "chr_wrong", "é", "a b", "x" * 5000])
def test_a_wrong_token_opens_nothing(text):
    assert Caller(None, text=text or " ").get("/jobs").status_code == 401


def test_a_session_opens_nothing_here(client, alice):
    client.force_login(alice, BACKEND)
    assert client.get("/api/jobs").status_code == 401


def test_a_token_in_the_address_opens_nothing(alice):
    text = Caller(alice).text
    assert Caller(None).get(f"/jobs?token={text}&access_token={text}").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": factories.NOON},
        {"expires_at": factories.NOON},
    ],
)
def test_a_token_that_is_over_opens_nothing(alice, change):
    call = Caller(alice)
    ApiToken.objects.update(**change)
    assert call.get("/jobs").status_code == 401


def test_a_deactivated_persons_tokens_stop_at_once(alice):
    call = Caller(alice)
    assert call.get("/jobs").status_code == 200
    User.objects.update(is_active=False)
    assert call.get("/jobs").status_code == 401


@pytest.mark.parametrize(
    ("scope", "answers"),
    [
        (Scope.READ, (200, 403, 403, 403)),
        (Scope.OPERATE, (200, 200, 403, 403)),
        (Scope.WRITE, (200, 200, 204, 403)),
        (Scope.ADMIN, (200, 200, 204, 200)),
    ],
)
def test_a_token_reaches_as_far_as_its_scope(scope, answers):
    ada = factories.ada()
    job, call = factories.job(ada), Caller(ada, scope)
    paths = [
        ("GET", f"/jobs/{job.pk}"),
        ("POST", f"/jobs/{job.pk}:pause"),
        ("DELETE", f"/jobs/{job.pk}"),
        ("GET", "/secrets"),
    ]
    assert tuple(call(method, path).status_code for method, path in paths) == answers


def test_no_scope_reaches_further_than_the_persons_role():
    bob = Caller(factories.bob(), Scope.ADMIN)
    assert [bob.get(path).status_code for path in ("/secrets", "/people")] == [403, 403]


def test_only_a_hash_of_a_token_is_kept(alice):
    text = Caller(alice).text
    kept = ApiToken.objects.values().get()
    assert text not in str(kept)
    assert len(kept["digest"]) == 64


def test_when_a_token_was_used_is_kept_once_a_minute(alice, django_assert_num_queries):
    call = Caller(alice)
    call.get("/people/me")
    first = ApiToken.objects.get().last_used_at
    call.get("/people/me")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    call.get("/people/me")
    assert ApiToken.objects.get().last_used_at > first


def test_who_tries_many_tokens_has_to_wait():
    stranger = Caller(None, text="chr_wrong")
    answers = [stranger.get("/jobs") for _ in range(40)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_token_that_asks_too_often_has_to_wait(alice, monkeypatch):
    monkeypatch.setattr("api.keys.MOST_REQUESTS", 3)
    call = Caller(alice)
    assert [call.get("/people/me").status_code for _ in range(4)] == [200, 200, 200, 429]


# The page


def post(client, user, name, /, *args, **data):
    client.force_login(user, BACKEND)
    return client.post(reverse(name, args=args), data)


def test_a_new_token_is_shown_once_and_works(client, alice):
    shown = post(client, alice, "token_list", name="laptop", scope="READ", days="30").content.decode()
    text = shown.partition("chr_")[2].partition("<")[0]
    assert Caller(None, text=f"chr_{text}").get("/people/me").json()["email"] == alice.email
    assert text not in client.get(reverse("token_list")).content.decode()


def test_making_and_revoking_are_audited_without_the_token(client, alice):
    shown = post(client, alice, "token_list", name="laptop", scope="READ", days="30").content.decode()
    post(client, alice, "token_revoke", ApiToken.objects.get().pk)
    told = list(AuditEvent.objects.order_by("pk").values_list("action", "details"))
    assert [action for action, _ in told] == ["API_TOKEN_CREATED", "API_TOKEN_REVOKED"]
    assert shown.partition("chr_")[2].partition("<")[0][8:] not in str(told)


@pytest.mark.parametrize("data", [{"days": "0"}, {"days": "366"}, {"name": ""}, {"scope": "ROOT"}])
def test_what_makes_no_sense_is_told_at_its_field(client, alice, data):
    answer = post(client, alice, "token_list", **{"name": "x", "scope": "READ", "days": "30", **data})
    assert set(answer.context["form"].errors) == set(data)
    assert not ApiToken.objects.exists()


def test_others_tokens_are_not_there_and_administrators_revoke_them(client, alice):
    Caller(alice)
    token = ApiToken.objects.get()
    assert post(client, factories.charlie(), "token_revoke", token.pk).status_code == 404
    assert post(client, factories.bob(), "token_revoke", token.pk).status_code == 404
    assert post(client, factories.ada(), "token_revoke", token.pk).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at


def test_a_token_is_revoked_once(client, alice):
    Caller(alice)
    token = ApiToken.objects.get()
    for _ in range(2):
        post(client, alice, "token_revoke", token.pk)
    assert AuditEvent.objects.filter(action="API_TOKEN_REVOKED").count() == 1
