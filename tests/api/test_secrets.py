"""Secrets by the API, for administrators: their values go in and never come out."""

import pytest

from audit.models import AuditEvent
from jobs.vault import Secret, reveal
from tests import factories
from tests.api.calling import Caller, errors
from tests.together import meeting

pytestmark = pytest.mark.django_db
PATH = "/secrets/api-key"


@pytest.fixture
def call():
    return Caller(factories.ada())


def test_a_secret_is_made_and_given_another_value(call):
    for value in ("one", "another"):
        answer = call("PUT", PATH, {"value": value, "description": "Of the shop"})
        assert (answer.status_code, value.encode() in answer.content) == (200, False)
        assert reveal(["api-key"], owner_id=0) == {"api-key": value}
    assert [each.action for each in AuditEvent.objects.filter(entity_type="Secret").order_by("id")] == [
        "SECRET_CREATED",
        "SECRET_CHANGED",
    ]


@pytest.mark.parametrize("name", ["no%20name", "%24name", "name%20", "n%C3%A4me"])
def test_a_name_that_no_placeholder_could_have_is_told(call, name):
    assert errors(call("PUT", f"/secrets/{name}", {"value": "x"}))["name"].startswith("Use up to 64 letters")
    assert not Secret.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_of_two_who_make_it_at_once_the_later_one_s_value_stays(call):
    def make():
        secret = Secret(name="api-key", changed_at=factories.NOON)
        secret.hide("theirs")
        secret.save()

    answer = meeting(make, lambda: call("PUT", PATH, {"value": "ours"}))
    assert (answer.status_code, reveal(["api-key"], owner_id=0)) == (200, {"api-key": "ours"})
