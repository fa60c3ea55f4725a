from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from accounts.actions import BACKEND
from accounts.models import User
from audit.models import AuditEvent
from tests import factories
from tests.computing import at_most
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


class CountingHasher(MD5PasswordHasher):
    count = 0

    def encode(self, password, salt):
        CountingHasher.count += 1
        return super().encode(password, salt)


def sign_in(client, email="alice@example.com", password=PASSWORD, **more):
    return client.post("/sign-in/", {"email": email, "password": password, **more})


def recorded():
    return list(AuditEvent.objects.order_by("id").values_list("action", "user_email"))


def test_the_right_password_leads_to_the_overview(client):
    alice = factories.alice()
    assert sign_in(client).headers["Location"] == "/"
    assert client.session[SESSION_KEY] == str(alice.pk)
    assert recorded() == [("SIGNED_IN", "alice@example.com")]


def test_the_email_counts_in_any_case(client):
    factories.alice()
    assert sign_in(client, "ALICE@Example.COM").status_code == 302


def test_an_email_that_came_with_capitals_into_the_table_counts_too(client):
    factories.alice()
    User.objects.update(email="Alice@Example.com")
    assert sign_in(client).status_code == 302


def test_a_wrong_password_is_told_in_place_and_the_email_kept(client):
    factories.alice()
    response = sign_in(client, password="wrong")
    assert response.status_code == 200
    assert "No account with this e-mail and password." in response.content.decode()
    assert 'value="alice@example.com"' in response.content.decode()
    assert SESSION_KEY not in client.session


def test_an_unknown_email_reads_like_a_wrong_password(client):
    factories.alice()
    wrong = sign_in(client, password="wrong").context["form"].errors
    assert sign_in(client, "nobody@example.com").context["form"].errors == wrong


def test_a_failure_is_recorded_without_what_was_typed(client):
    factories.alice()
    sign_in(client, password="my-secret")
    sign_in(client, "my-secret@example.com", "my-secret")
    assert recorded() == [("SIGN_IN_FAILED", None)] * 2
    assert "my-secret" not in str(list(AuditEvent.objects.values()))


def test_who_is_not_active_cannot_sign_in(client):
    factories.person("alice", is_active=False)
    assert sign_in(client).status_code == 200
    assert SESSION_KEY not in client.session


def test_signing_in_starts_a_fresh_session(client, settings):
    factories.alice()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = "planted-by-somebody-else"
    sign_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "https:evil.example",
        "//evil.example",
        "\\/\\/evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "job_detail",
        "foo",
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(client, elsewhere):
    factories.alice()
    assert sign_in(client, next=elsewhere).headers["Location"] == "/"


def test_after_signing_in_one_is_where_one_wanted_to_go(client):
    factories.alice()
    assert sign_in(client, next="/jobs/?q=x").headers["Location"] == "/jobs/?q=x"


def test_who_is_signed_in_already_goes_on(client):
    client.force_login(factories.alice(), BACKEND)
    assert client.get("/sign-in/?next=/jobs/").headers["Location"] == "/jobs/"


@pytest.mark.parametrize("email", ["", "alice", "a" * 300 + "@example.com", "alice@example.com\x00"])
def test_an_email_that_is_none_is_told_at_its_field(client, email):
    assert sign_in(client, email).context["form"].errors["email"]


def test_a_password_of_a_megabyte_is_refused_without_hashing_it(client):
    factories.alice()
    with at_most(1):
        response = sign_in(client, password="x" * 1_000_000)
    assert response.context["form"].errors["password"] == ["Use at most 1024 characters."]
    assert not AccessAttempt.objects.exists()


def test_an_unknown_email_takes_as_long_as_a_wrong_password(client, settings):
    settings.PASSWORD_HASHERS = ["tests.accounts.test_sign_in.CountingHasher"]
    factories.alice()
    hashed = []
    for email in ("alice@example.com", "nobody@example.com"):
        CountingHasher.count = 0
        sign_in(client, email, "wrong")
        hashed.append(CountingHasher.count)
    assert hashed == [1, 1]


def fail(client, times, **more):
    for _ in range(times):
        response = sign_in(client, password="wrong", **more)
    return response


def test_the_fifth_wrong_password_says_when_to_try_again(client):
    factories.alice()
    assert fail(client, 4).status_code == 200
    response = fail(client, 1)
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()
    assert "in 14 min" in response.content.decode()


def test_meanwhile_the_right_password_is_refused_too(client):
    factories.alice()
    fail(client, 5)
    assert sign_in(client).status_code == 429
    assert SESSION_KEY not in client.session


def test_another_spelling_of_the_email_counts_on(client):
    factories.alice()
    fail(client, 4)
    assert fail(client, 1, email="Alice@Example.com").status_code == 429


def test_others_and_other_addresses_are_not_locked_out(client, client_elsewhere):
    factories.alice()
    factories.bob()
    fail(client, 5)
    assert sign_in(client, "bob@example.com").status_code == 302
    assert sign_in(client_elsewhere).status_code == 302


def test_a_forged_header_is_no_other_address(client):
    factories.alice()
    fail(client, 5)
    response = client.post(
        "/sign-in/",
        {"email": "alice@example.com", "password": PASSWORD},
        headers={"X-Forwarded-For": "10.9.8.7", "X-Real-IP": "10.9.8.7"},
    )
    assert response.status_code == 429


def test_after_a_quarter_of_an_hour_one_may_try_again(client):
    factories.alice()
    fail(client, 5)
    attempt = AccessAttempt.objects.get()
    attempt.attempt_time -= timedelta(minutes=15, seconds=1)
    attempt.save()
    assert sign_in(client).status_code == 302


def test_trying_while_locked_out_does_not_lengthen_it(client):
    factories.alice()
    fail(client, 5)
    locked = AccessAttempt.objects.get().attempt_time
    fail(client, 3)
    assert AccessAttempt.objects.get().attempt_time == locked
    assert [action for action, _ in recorded()] == ["SIGN_IN_FAILED"] * 4 + ["LOCKED_OUT"]


def test_the_right_password_forgets_the_wrong_ones(client):
    factories.alice()
    fail(client, 4)
    sign_in(client)
    client.post("/sign-out/")
    assert fail(client, 4).status_code == 200


def test_no_password_reaches_the_table_of_attempts_or_the_log(client, caplog):
    factories.alice()
    with caplog.at_level("DEBUG"):
        sign_in(client, password="hunter2-hunter2")
    assert "hunter2" not in str(list(AccessAttempt.objects.values()))
    assert "hunter2" not in caplog.text


@pytest.fixture
def client_elsewhere():
    return Client(REMOTE_ADDR="10.1.2.3")


def test_who_has_signed_out_finds_one_form_and_all_of_it(client):
    client.force_login(factories.ada())
    page = client.post("/sign-out/", follow=True).text
    assert "You are signed out." in page
    assert page.count("<form") == 1
