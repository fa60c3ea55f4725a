"""docs/api.md says what is so."""

import re
import shlex

import pytest
from django.conf import settings

from api.root import api
from jobs.models import Job
from tests import factories
from tests.api.calling import Caller

pytestmark = pytest.mark.django_db
TEXT = (settings.BASE_DIR / "docs/api.md").read_text()


def test_its_examples_work():
    call = Caller(factories.alice())
    for example in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        words = shlex.split(example)
        [path] = [word.partition("/api")[2] for word in words if "/api/" in word]
        body = words[words.index("-d") + 1].encode() if "-d" in words else None
        assert call("POST" if body else "GET", path, body).status_code in (200, 201)
    assert Job.objects.get().name == "greet"


def test_every_address_that_it_names_is_one_of_the_document():
    paths = {re.sub(r"\{\w+\}", "ID", path) for path in api.get_openapi_schema(path_prefix="/api/")["paths"]}
    paths = {path.replace("/secrets/ID", "/secrets/NAME") for path in paths} | {"/api/openapi.json"}
    named = set(re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) (/api/[\w/:.-]+)", TEXT))
    assert named - paths == set()


def test_the_document_is_written_once_for_all_who_ask():
    assert api.get_openapi_schema() is api.get_openapi_schema(path_prefix="/api/")
