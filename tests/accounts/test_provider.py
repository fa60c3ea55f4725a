"""Signing in by OpenID Connect, against a provider that speaks it over HTTP, and that may lie."""

import hashlib
import time
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests
from django.contrib.auth import SESSION_KEY
from django.test import Client
from joserfc.jwk import RSAKey

from accounts import proof, second_factor
from accounts.actions import BACKEND
from accounts.checks import provider_is_whole
from accounts.models import Role, User
from audit.models import AuditEvent
from tests import factories
from tests.accounts import openid

pytestmark = pytest.mark.django_db

START = "/sign-in/provider/"


@pytest.fixture
def provider(settings):
    with openid.running() as one:
        settings.OIDC_ISSUER, settings.OIDC_NAME = one.issuer, "Example ID"
        settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = openid.CLIENT, openid.SECRET
        yield one


@pytest.fixture
def alice():
    return factories.alice()


def at_the_provider(client, **query):
    """The path by which the browser comes back, after it was sent to the provider."""
    there = client.get(START, query).headers["Location"]
    back = urlsplit(requests.get(there, allow_redirects=False, timeout=5).headers["Location"])
    return f"{back.path}?{back.query}"


def come(client, **query):
    return client.get(at_the_provider(client, **query))


def is_in(client):
    return SESSION_KEY in client.session


def why():
    return AuditEvent.objects.filter(action="SIGN_IN_FAILED").latest("id").details["why"]


def test_the_sign_in_page_offers_it_where_it_is_set_up(client, provider):
    assert "Sign in with Example ID" in client.get("/sign-in/").content.decode()


def test_without_a_provider_there_is_no_such_way(client):
    assert "provider" not in client.get("/sign-in/").content.decode()
    assert client.get(START).headers["Location"] == "/sign-in/"
    assert client.get(f"{START}callback/?code=a&state=b").headers["Location"] == "/sign-in/"


def test_whose_verified_email_has_an_account_comes_in(client, provider, alice):
    assert come(client, next="/jobs/?q=x").headers["Location"] == "/jobs/?q=x"
    assert client.session[SESSION_KEY] == str(alice.pk)
    assert AuditEvent.objects.get(action="SIGNED_IN").details == {"by": "PROVIDER"}


def test_who_comes_back_has_a_session_of_their_own_that_is_listed(client, provider, alice, settings):
    path = at_the_provider(client)
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.get(path)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert alice.sign_ins.count() == 1


def test_the_provider_is_asked_with_pkce_state_and_nonce(client, provider):
    asked = parse_qs(urlsplit(client.get(START).headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/sign-in/provider/callback/"]
    assert {"code_challenge", "state", "nonce"} < set(asked)


def test_who_is_invited_comes_in_without_a_password(client, provider):
    User.objects.create_user("alice@example.com", None)
    come(client)
    assert is_in(client)


def test_after_signing_in_nobody_is_led_elsewhere(client, provider, alice):
    assert come(client, next="https://evil.example/").headers["Location"] == "/"


LIES = {
    "wrong audience": {"aud": "somebody-else"},
    "another audience by our party": {"aud": ["somebody-else"], "azp": openid.CLIENT},
    "no audience": {"aud": ""},
    "wrong issuer": {"iss": "https://evil.example"},
    "expired": {"exp": int(time.time()) - 3600},
    "never expires": {"exp": ""},
    "wrong nonce": {"nonce": "of another request"},
    "no nonce": {"nonce": ""},
    "nobody": {"sub": ""},
    "unverified e-mail": {"email_verified": False},
    "verified by a word": {"email_verified": "false"},
    "nothing of verifying": {"email_verified": ""},
    "no e-mail": {"email": ""},
    "no address": {"email": "alice@example.com\n"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_lets_nobody_in(lie, client, provider, alice):
    provider.lies = LIES[lie]
    assert come(client).headers["Location"] == "/sign-in/"
    assert not is_in(client)
    assert why()


@pytest.mark.parametrize("kind", ["foreign key", "unsigned", "signed with the public key"])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(kind, client, provider, alice):
    if kind == "foreign key":
        provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    elif kind == "unsigned":
        provider.alg = "none"
    else:
        provider.alg = "HS256"
    come(client)
    assert not is_in(client)


def test_a_provider_that_calls_itself_otherwise_is_not_asked(client, provider, alice):
    provider.says = {"issuer": "https://evil.example"}
    assert client.get(START).headers["Location"] == "/sign-in/"
    assert why() == "ValueError"


def test_a_provider_that_answers_rubbish_or_nothing_is_told_in_a_sentence(client, provider, settings):
    provider.says = {"authorization_endpoint": 7}
    assert client.get(START).headers["Location"] == "/sign-in/"
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    shown = client.get(START, follow=True).content.decode()
    assert "Signing in by Example ID did not work." in shown


def test_an_answer_is_good_once(client, provider, alice):
    path = at_the_provider(client)
    client.get(path)
    client.post("/sign-out/")
    client.get(path)
    assert not is_in(client)


def test_an_answer_is_good_in_the_session_that_asked_alone(client, provider, alice):
    path = at_the_provider(client)
    other = Client()
    other.get(path)
    at_the_provider(other)
    other.get(path)
    assert not is_in(other)
    assert why() == "mismatching_state"


def test_a_code_without_its_verifier_is_worth_nothing(client, provider, alice):
    mine, stolen = at_the_provider(client), at_the_provider(Client())
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    state = parse_qs(urlsplit(mine).query)["state"][0]
    client.get(f"{START}callback/", {"code": code, "state": state})
    assert not is_in(client)
    assert why() == "invalid_grant"


def test_who_cancels_at_the_provider_is_back_at_the_sign_in_page(client, provider):
    client.get(START)
    back = client.get(f"{START}callback/", {"error": "access_denied", "error_description": "<b>x</b>"})
    assert back.headers["Location"] == "/sign-in/"


def test_who_has_no_account_stays_out(client, provider):
    come(client)
    assert not is_in(client)
    assert why() == "NO_ACCOUNT"
    assert not User.objects.exists()


def test_who_is_deactivated_stays_out_bound_or_not(client, provider, alice, settings):
    settings.OIDC_CREATE = True
    User.objects.update(is_active=False)
    come(client)
    User.objects.update(issuer=provider.issuer, subject=digest_of(provider))
    come(client)
    assert not is_in(client)
    assert User.objects.count() == 1


def digest_of(provider):
    return hashlib.sha256(f"{provider.issuer}\nalice-1".encode()).hexdigest()


@pytest.mark.databases
def test_accounts_are_made_only_where_a_setting_allows_it(client, provider, settings):
    settings.OIDC_CREATE = True
    come(client)
    made = User.objects.get()
    assert (made.email, made.role, made.has_usable_password()) == ("alice@example.com", Role.USER, False)
    assert AuditEvent.objects.get(action="USER_CREATED").details["by"] == "PROVIDER"


def test_only_addresses_of_the_domains_that_are_set_come_in(client, provider, alice, settings):
    settings.OIDC_DOMAINS = ["example.org"]
    come(client)
    assert (is_in(client), why()) == (False, "DOMAIN")
    settings.OIDC_DOMAINS = ["example.com"]
    come(client)
    assert is_in(client)


@pytest.mark.databases
def test_another_person_of_the_provider_with_the_same_email_stays_out(client, provider, alice):
    come(client)
    client.post("/sign-out/")
    provider.claims["sub"] = "somebody-who-got-her-address"
    come(client)
    assert (is_in(client), why()) == (False, "BOUND")


def test_an_administrator_lets_a_new_account_of_the_provider_in(client, provider, alice):
    User.objects.update(issuer=provider.issuer, subject="another")
    ada = Client()
    ada.force_login(factories.ada(), BACKEND)
    ada.post(f"/people/{alice.pk}/without-provider/")
    come(client)
    assert is_in(client)


def test_who_came_before_is_known_by_another_email(client, provider, alice):
    come(client)
    client.post("/sign-out/")
    provider.claims["email"] = "alice@example.org"
    come(client)
    assert client.session[SESSION_KEY] == str(alice.pk)


def test_an_email_that_stands_at_userinfo_alone_counts_if_it_is_of_the_same_person(client, provider, alice):
    provider.userinfo = {"sub": "mallory", **{n: provider.claims.pop(n) for n in ("email", "email_verified")}}
    come(client)
    assert not is_in(client)
    provider.userinfo["sub"] = "alice-1"
    come(client)
    assert is_in(client)


def test_two_factor_is_asked_for_here_too(client, provider, alice):
    key = second_factor.new_key()
    second_factor.switch_on(alice, key, 0)
    assert come(client, next="/jobs/").headers["Location"] == "/sign-in/code/?next=%2Fjobs%2F"
    assert not is_in(client)
    client.post("/sign-in/code/", {"code": pyotp.TOTP(key).now()})
    assert AuditEvent.objects.get(action="SIGNED_IN").details == {"by": "PROVIDER AND CODE"}


@pytest.mark.parametrize(
    ("told", "role"),
    [(["x", "admins", "ops"], "ADMIN"), ("ops", "OPERATOR"), ([], "USER"), ({"a": 1}, "USER"), ("", "USER")],
)
def test_roles_follow_a_claim_where_that_is_set(told, role, client, provider, alice, settings):
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLES = "groups", {"admins": "ADMIN", "ops": "OPERATOR"}
    factories.ada()
    User.objects.filter(pk=alice.pk).update(roles="OPERATOR")
    provider.claims["groups"] = told
    come(client)
    assert User.objects.get(pk=alice.pk).role == role


def test_the_last_administrator_stays_one_whatever_the_provider_says(client, provider, settings):
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLES = "groups", {"admins": "ADMIN"}
    factories.person("alice", Role.ADMIN)
    come(client)
    assert (is_in(client), User.objects.get().role) == (True, Role.ADMIN)


def test_passwords_of_who_came_by_it_can_be_switched_off(client, provider, alice, settings):
    typed = {"email": "alice@example.com", "password": factories.PASSWORD}
    settings.OIDC_NO_PASSWORDS = True
    client.post("/sign-in/", typed)
    assert is_in(client)
    client.post("/sign-out/")
    come(client)
    client.post("/sign-out/")
    client.post("/sign-in/", typed)
    assert not is_in(client)


def test_who_has_no_password_confirms_at_the_provider_and_goes_on(client, provider):
    ada = User.objects.create_user("alice@example.com", None, roles="ADMIN")
    come(client)
    session = client.session
    session[proof.PROVEN] = 0
    session.save()
    page = client.post("/people/invite/", {"email": "dora@example.com", "role": "USER"})
    carried = page.context["carried"]
    assert "Sign in with Example ID" in page.content.decode()
    assert not User.objects.filter(email="dora@example.com").exists()
    come(client)
    assert provider.asked["prompt"] == "login"
    client.post("/people/invite/", {"carried": carried})
    assert User.objects.filter(email="dora@example.com").exists()
    assert client.session[SESSION_KEY] == str(ada.pk)


def test_starting_over_and_over_is_slowed_down(client, provider):
    answers = [client.get(START).headers["Location"] for _ in range(61)]
    assert answers[-2].startswith(provider.issuer)
    assert answers[-1] == "/sign-in/"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"OIDC_CLIENT_SECRET": ""}, "go together"),
        ({"OIDC_ISSUER": "http://id.example.com"}, "https://"),
        ({"OIDC_CREATE": True}, "CHRONOS_OIDC_DOMAINS"),
        ({"OIDC_ROLE_CLAIM": "groups"}, "go together"),
        ({"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": {"a": "BOSS"}}, "'BOSS'"),
    ],
)
def test_settings_that_let_in_strangers_are_told_at_start(change, said, provider, settings):
    assert provider_is_whole() == []
    for name, value in change.items():
        setattr(settings, name, value)
    [error] = provider_is_whole()
    assert said in error.msg
