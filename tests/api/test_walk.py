"""Every operation of the document, without a token, with one that does not reach, and as everybody."""

import json

import pytest

from api.models import Scope
from api.root import api
from runs.artefacts import Artefact
from runs.models import DeadLetter
from tests import factories
from tests.accounts.test_permissions import world
from tests.api.calling import Caller

pytestmark = pytest.mark.django_db

DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
OPERATIONS = [
    (each["operationId"], method.upper(), path.removeprefix("/api"))
    for path, methods in DOCUMENT["paths"].items()
    for method, each in methods.items()
]
# What an operation needs in its body to get as far as the thing it is about.
BODIES = {
    "resolve_dead_letter": {"notes": "done"},
    "ignore_dead_letter": {"notes": "done"},
    "put_secret": {"value": "x"},
    "change_rule": {},
    "change_contact": {},
    "mute_rule": {"until": "2099-01-01T00:00:00Z"},
}
EVERYBODYS = {"get_me", "get_day", "list_audit_events"}
OF_ADMINISTRATORS = {
    "list_people",
    "invite_person",
    "get_person",
    "change_person",
    "list_secrets",
    "put_secret",
    "delete_secret",
}


def path_of(path, ids):
    return path.format(**ids, name="NAME")


def call(caller, operation, method, path):
    return caller(method, path, BODIES.get(operation))


@pytest.fixture
def ids():
    return world(factories.alice())


@pytest.mark.parametrize(("operation", "method", "path"), OPERATIONS)
def test_nobody_without_a_token_and_no_token_beyond_its_scope(operation, method, path, ids):
    path = path_of(path, ids)
    assert call(Caller(None), operation, method, path).status_code == 401
    reading = Caller(factories.ada(), Scope.READ)
    allowed = method == "GET" and operation not in OF_ADMINISTRATORS
    assert (call(reading, operation, method, path).status_code == 403) is not allowed


@pytest.mark.parametrize(("operation", "method", "path"), OPERATIONS)
def test_others_things_are_not_there(operation, method, path, ids):
    charlie = Caller(factories.charlie())
    answer = call(charlie, operation, method, path_of(path, ids))
    if operation in OF_ADMINISTRATORS:
        assert answer.status_code == 403
    elif "{" in path:
        assert answer.status_code == 404
    elif method == "GET" and operation not in EVERYBODYS:
        assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_what_is_not_there_is_a_problem_too():
    call = Caller(factories.alice())
    for path in ("/nowhere", "/jobs/short", "/jobs/01J00000000000000000000000"):
        answer = call.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_the_document_is_there_for_everybody(client):
    document = client.get("/api/openapi.json").json()
    assert document["info"]["title"] == "Chronos"
    assert len(OPERATIONS) > 25


def test_lists_of_the_api_cost_a_constant_number_of_queries(ids, django_assert_max_num_queries):
    ada = Caller(factories.ada())
    assert DeadLetter.objects.exists()
    assert Artefact.objects.exists()
    for operation, method, path in OPERATIONS:
        if method == "GET" and "{" not in path:
            with django_assert_max_num_queries(15):
                assert call(ada, operation, method, path).status_code == 200, operation
