"""Before what is dangerous, somebody whose session has not shown so lately confirms that it is they."""

import re
import time

import pytest
from django.db import transaction
from django.http import QueryDict

from accounts import actions, permissions, proof, second_factor
from accounts.actions import BACKEND
from accounts.checks import addresses
from accounts.models import User
from accounts.permissions import Proof
from api.models import ApiToken
from audit.models import AuditEvent
from jobs.models import Job
from tests import factories
from tests.accounts.test_permissions import BODIES, address, admin_address, ids  # noqa: F401 (fixture)
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

INVITATION = {"email": "dora@example.com", "role": "OPERATOR"}
INVITE = "/people/invite/"
ASKS = "Confirm that it is you"


def some_time_ago(client, minutes=16):
    session = client.session
    session[proof.PROVEN] = time.time() - minutes * 60
    session.save()


@pytest.fixture
def ada(client):
    """An administrator who signed in a while ago."""
    user = factories.ada()
    client.force_login(user, BACKEND)
    some_time_ago(client)
    return user


def asks(response):
    return response.status_code == 200 and ASKS in response.content.decode()


def carried(response):
    """What the page that asks takes along."""
    found = re.search(r'name="carried" value="([^"]+)"', response.content.decode())
    return found[1] if found else ""


def recorded():
    return list(AuditEvent.objects.filter(action__startswith="CONFIRM").values_list("action", "user_email"))


def test_who_signed_in_just_now_is_not_asked(client):
    client.force_login(factories.ada(), BACKEND)
    assert not asks(client.post(INVITE, INVITATION))
    assert User.objects.filter(email="dora@example.com").exists()


def test_who_signed_in_a_while_ago_is_asked_and_nothing_is_done(client, ada):
    assert asks(client.post(INVITE, INVITATION))
    assert not User.objects.filter(email="dora@example.com").exists()


def test_with_the_password_what_was_typed_goes_on(client, ada):
    response = client.post(INVITE, INVITATION)
    client.post(INVITE, {"carried": carried(response), "password": PASSWORD})
    assert User.objects.get(email="dora@example.com").role == "OPERATOR"
    assert recorded() == [("CONFIRMED", "ada@example.com")]


def test_a_wrong_password_keeps_what_was_typed(client, ada):
    first = client.post(INVITE, INVITATION)
    wrong = client.post(INVITE, {"carried": carried(first), "password": "wrong"})
    assert "This is not your password." in wrong.content.decode()
    client.post(INVITE, {"carried": carried(wrong), "password": PASSWORD})
    assert User.objects.filter(email="dora@example.com").exists()
    assert [action for action, _ in recorded()] == ["CONFIRM_FAILED", "CONFIRMED"]


def test_for_minutes_afterwards_nobody_is_asked_again(client, ada):
    client.post(INVITE, {"carried": carried(client.post(INVITE, INVITATION)), "password": PASSWORD})
    some_time_ago(client, minutes=14)
    assert not asks(client.post(INVITE, {**INVITATION, "email": "emil@example.com"}))


def test_a_second_page_that_asked_goes_on_once_the_first_is_confirmed(client, ada):
    second = client.post(INVITE, {**INVITATION, "email": "emil@example.com"})
    client.post(INVITE, {"carried": carried(client.post(INVITE, INVITATION)), "password": PASSWORD})
    client.post(INVITE, {"carried": carried(second)})
    assert User.objects.filter(email="emil@example.com").exists()


def test_the_minutes_are_a_setting(client, ada, settings):
    settings.CONFIRM_MINUTES = 17
    assert not asks(client.post(INVITE, INVITATION))


def test_a_clock_that_went_back_proves_nothing(client, ada):
    some_time_ago(client, minutes=-60)
    assert asks(client.post(INVITE, INVITATION))


def test_guessing_shuts_the_account_out_as_on_the_sign_in_page(client, ada):
    page = carried(client.post(INVITE, INVITATION))
    guesses = [client.post(INVITE, {"carried": page, "password": "wrong"}).status_code for _ in range(5)]
    assert guesses == [200] * 4 + [429]
    assert client.post(INVITE, {"carried": page, "password": PASSWORD}).status_code == 429
    assert not User.objects.filter(email="dora@example.com").exists()


def test_who_has_no_password_gives_a_code(client, ada):
    key = second_factor.new_key()
    actions.switch_on_second_factor(ada, key, 0)
    User.objects.filter(pk=ada.pk).update(password="!")
    client.force_login(User.objects.get(pk=ada.pk), BACKEND)
    some_time_ago(client)
    page = carried(client.post(INVITE, INVITATION))
    assert asks(client.post(INVITE, {"carried": page, "code": "000000", "password": PASSWORD}))
    client.post(INVITE, {"carried": page, "code": code_of(key)})
    assert User.objects.filter(email="dora@example.com").exists()


def code_of(key):
    return second_factor.pyotp.TOTP(key).now()


def test_secrets_are_not_written_into_the_page(client, ada):
    typed = {"name": "shop", "value": "xyzzy-secret", "new_password": "plugh-secret"}
    shown = client.post("/admin/jobs/secret/add/", typed)
    assert asks(shown)
    assert "secret" not in carried(shown)
    assert "xyzzy" not in shown.content.decode() + str(shown.headers)
    assert "no-store" in shown.headers["Cache-Control"]


def test_what_is_carried_is_good_for_its_sender_and_address_alone(client, ada):
    page = carried(client.post(INVITE, INVITATION))
    client.post(f"/people/{ada.pk}/", {"carried": page, "password": PASSWORD})
    eve = factories.person("eve", factories.Role.ADMIN)
    client.force_login(eve, BACKEND)
    assert client.post(INVITE, {"carried": page}).headers["Location"] == "/"
    assert client.post(INVITE, {"carried": "made up"}).headers["Location"] == "/"
    assert not User.objects.filter(email="dora@example.com").exists()


def test_who_may_not_is_refused_and_not_asked(client):
    client.force_login(factories.alice(), BACKEND)
    some_time_ago(client)
    assert client.post(INVITE, INVITATION).status_code == 403


def test_an_api_token_is_made_only_once_confirmed(client, ada):
    wanted = {"name": "ci", "scope": "READ", "days": "30"}
    assert asks(client.post("/account/tokens/", wanted))
    assert not ApiToken.objects.exists()


def test_reading_asks_nothing(client, ada):
    assert not asks(client.get(INVITE))


def test_deleting_many_jobs_asks_and_then_goes_on(client, ada):
    jobs = [factories.job(ada, name=f"job-{number}").pk for number in range(permissions.FEW + 1)]
    deed = {"do": "DELETE", "id": jobs, "given": "1", "confirmed": str(len(jobs))}
    page = client.post("/jobs/bulk/", deed)
    assert asks(page)
    client.post("/jobs/bulk/", {"carried": carried(page), "password": PASSWORD})
    assert not Job.objects.filter(pk__in=jobs).exists()


@pytest.mark.parametrize(
    ("posted", "wanted"),
    [
        ("do=DELETE&confirmed=20", False),
        ("do=DELETE&confirmed=21", True),
        ("do=CANCEL&confirmed=21", True),
        ("do=DELETE&confirmed=2&all=1", True),
        ("do=DELETE&confirmed=x", True),
        ("do=DELETE&confirmed=99999999999999999999", True),
        ("do=DELETE&all=1", False),
        ("do=PAUSE&confirmed=5000&all=1", False),
    ],
)
def test_deletes_and_cancels_ask_from_some_number_on(posted, wanted):
    assert Proof.OF_MANY.is_wanted(QueryDict(posted)) is wanted


def test_every_rule_that_says_so_asks(client, ada, ids):  # noqa: F811 (the fixture)
    silent = []
    for name, pattern in addresses():
        if (rule := permissions.rule(name)) and rule.change and rule.proof is Proof.ALWAYS:
            path = admin_address(name, pattern) if ":" in name else address(name, pattern, ids)
            with transaction.atomic():
                response = client.post(path, QueryDict(BODIES.get(name, "")).dict())
                transaction.set_rollback(True)
            silent += [] if asks(response) or path == "/admin/nowhere/" else [name]
    assert silent == []


def test_what_changes_people_tokens_and_secrets_says_so():
    people = "person_invite person_change person_link person_without_code person_without_provider"
    names = [
        *people.split(),
        "token_list",
        "two_factor",
        "admin:accounts_user_change",
        "admin:jobs_secret_delete",
    ]
    assert {permissions.rule(name).proof for name in names} == {Proof.ALWAYS}
    assert permissions.rule("job_bulk").proof is Proof.OF_MANY


def test_the_page_leads_back_to_where_one_was(client, ada):
    there = client.post(INVITE, INVITATION, headers={"Referer": f"http://testserver{INVITE}?a=b"})
    assert f'href="{INVITE}?a=b"' in there.content.decode()
