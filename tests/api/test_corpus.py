"""The requests of the corpus, posted as they are."""

import pytest

from jobs.transfer import documents
from jobs.transfer.importing import entries_of
from tests import factories
from tests.api.calling import Caller, errors

pytestmark = pytest.mark.django_db


def test_the_corpus_is_accepted_as_it_is(corpus, settings):
    settings.SCRIPT_ENABLED = True
    call, answers = Caller(factories.ada()), {}
    for entry in entries_of(documents.read(corpus.read_bytes())):
        answer = call.post("/jobs", entry.request)
        answers[entry.source] = answer.status_code if answer.status_code == 201 else errors(answer)
    assert {source: told for source, told in answers.items() if told != 201} == {}
