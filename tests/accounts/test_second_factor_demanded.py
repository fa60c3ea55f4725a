"""Two-factor that is demanded of a role: nothing opens before it is on."""

import pyotp
import pytest

from accounts import second_factor
from accounts.actions import BACKEND
from accounts.checks import demanded_roles_exist
from accounts.models import User
from tests import factories
from tests.api.calling import Caller

pytestmark = pytest.mark.django_db

PAGE = "/account/two-factor/"


@pytest.fixture(autouse=True)
def demanded(settings):
    settings.REQUIRE_SECOND_FACTOR = ["ADMIN", "OPERATOR"]


@pytest.fixture
def bob(client):
    user = factories.bob()
    client.force_login(user, BACKEND)
    return user


def on(user):
    second_factor.switch_on(user, second_factor.new_key(), 0)


def test_who_lacks_it_is_led_to_where_it_is_switched_on(client, bob):
    for path in ("/", "/jobs/", "/people/", "/account/tokens/", "/account/password/"):
        assert client.get(path).headers["Location"] == PAGE
    assert "Your role asks for two-factor" in client.get(PAGE).content.decode()


def test_nothing_is_changed_without_it_either(client, bob):
    job = factories.job(bob)
    assert client.post(f"/jobs/{job.pk}/run-now/").headers["Location"] == PAGE
    assert not job.runs.exists()


def test_parts_of_pages_are_refused(client, bob):
    assert client.get("/pulse/", headers={"HX-Request": "true"}).status_code == 403


def test_once_it_is_on_everything_opens(client, bob):
    key = client.get(PAGE) and client.session["totp_offered"]
    assert "Recovery codes" in client.post(PAGE, {"code": pyotp.TOTP(key).now()}).content.decode()
    assert client.get("/jobs/").status_code == 200


def test_who_has_it_cannot_switch_it_off(client, bob):
    on(bob)
    assert 'value="off"' not in client.get(PAGE).content.decode()
    refused = client.post(PAGE, {"do": "off", "password": factories.PASSWORD})
    assert "cannot be switched off" in refused.content.decode()
    assert User.objects.get(pk=bob.pk).totp


def test_who_lacks_it_may_sign_out(client, bob):
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"


def test_other_roles_need_none(client):
    client.force_login(factories.alice(), BACKEND)
    assert client.get("/jobs/").status_code == 200


def test_a_role_that_is_given_is_asked_for_it_at_the_next_request(client):
    alice = factories.alice()
    client.force_login(alice, BACKEND)
    User.objects.filter(pk=alice.pk).update(roles="USER,ADMIN")
    assert client.get("/jobs/").headers["Location"] == PAGE


def test_tokens_of_who_lacks_it_are_refused_with_the_reason():
    bob = factories.bob()
    call = Caller(bob)
    refused = call.get("/jobs")
    assert refused.status_code == 403
    assert "two-factor" in refused.json()["detail"]
    on(bob)
    assert call.get("/jobs").status_code == 200


def test_a_name_that_is_no_role_is_told_at_start(settings):
    assert demanded_roles_exist() == []
    settings.REQUIRE_SECOND_FACTOR = ["ADMIN", "BOSS"]
    assert ["'BOSS'" in error.msg for error in demanded_roles_exist()] == [True]
