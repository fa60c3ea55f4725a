"""The audit trail in the admin."""

import pytest

from accounts.actions import BACKEND
from audit.models import record
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/audit/auditevent/"


@pytest.fixture
def ada(client):
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    return ada


def test_an_event_is_found_by_its_entity_its_person_and_its_action(client, ada):
    alice = factories.alice()
    job = factories.job(alice)
    event = record(alice, "JOB_PRAISED", job, details={"stars": 5})
    record(None, "SOMETHING_ELSE", alice)
    for term in (event.pk, event.pk.lower(), "alice@example.com", "Job_praised"):
        assert list(client.get(LIST, {"q": term}).context["cl"].result_list) == [event]
    assert event in client.get(LIST, {"q": job.pk}).context["cl"].result_list
    assert not client.get(LIST, {"q": "nobody"}).context["cl"].result_list


def test_events_are_filtered_by_what_they_are_about(client, ada):
    alice = factories.alice()
    event = record(None, "USER_SEEN", alice)
    assert event in client.get(LIST, {"entity_type": "User"}).context["cl"].result_list
    assert event not in client.get(LIST, {"entity_type": "Job"}).context["cl"].result_list
