"""Generated requests: nothing that the document allows or forbids breaks the API or is answered otherwise."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chronos_site.wsgi import application
from tests import factories
from tests.accounts.test_permissions import world
from tests.api.calling import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# All that a definition may say in turn is tens of thousands of requests: of these, some at random are asked.
DEFINING = ["create_job", "replace_job", "change_job", "apply_jobs"]
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)
definitions = schemathesis.openapi.from_wsgi("/api/openapi.json", application)
definitions.config.phases.update(phases=["examples", "fuzzing"])
HOW = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@pytest.fixture
def token(monkeypatch):
    # As Django's own test client does it: the connection is the test's, not the request's.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    monkeypatch.setattr("api.keys.MOST_REQUESTS", 100_000)
    world(factories.charlie())
    yield Caller(factories.ada()).text
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@schema.exclude(operation_id=DEFINING).parametrize()
@settings(max_examples=8, **HOW)
def test_whatever_is_asked_the_answer_is_one_of_the_documents(case, token):
    validate(case, token)


@definitions.include(operation_id=DEFINING).parametrize()
@settings(max_examples=60, **HOW)
def test_whatever_a_definition_says_the_answer_is_one_of_the_documents(case, token):
    validate(case, token)


def validate(case, token):
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    case.call_and_validate(checks=CHECKS, headers=headers)
