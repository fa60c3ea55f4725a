"""What a refusal looks like to who met it: it says what to do."""

import pytest

from accounts.actions import BACKEND
from tests import factories

pytestmark = pytest.mark.django_db


def shown(client, user, address):
    client.force_login(user, BACKEND)
    return " ".join(client.get(address).content.decode().split())


def test_who_lacks_a_role_is_told_theirs_and_whom_to_ask(client):
    page = shown(client, factories.alice(), "/system/")
    assert "alice@example.com, whose role is user." in page
    assert "ask an administrator" in page


def test_an_operator_who_finds_nothing_is_shown_to_the_trail(client):
    assert 'href="/audit/">Look in the audit trail' in shown(client, factories.bob(), "/jobs/gone/")


def test_a_user_who_finds_nothing_is_told_that_others_may_see_it(client):
    page = shown(client, factories.alice(), f"/jobs/{factories.job(factories.charlie()).pk}/")
    assert "operators see everyone's jobs" in page
    assert "Look in the audit trail" not in page
