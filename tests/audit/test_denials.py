"""What somebody tried and may not do is written down, and nobody floods the trail."""

import pytest

from accounts.actions import BACKEND
from audit import denials
from audit.models import AuditEvent
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def charlie(client):
    charlie = factories.charlie()
    client.force_login(charlie, BACKEND)
    return charlie


def denied():
    return AuditEvent.objects.filter(action="DENIED")


def test_an_attempt_on_anothers_job_is_recorded(client, charlie):
    job = factories.job()
    assert client.post(f"/jobs/{job.pk}/pause/", REMOTE_ADDR="10.0.0.7").status_code == 404
    event = denied().get()
    assert (event.entity_type, event.entity_id, event.user_email) == ("Job", job.pk, charlie.email)
    assert (event.address, event.via) == ("10.0.0.7", "SESSION")
    assert event.details == {"page": "job_pause", "answer": 404}


@pytest.mark.parametrize("somebody", [factories.bob, factories.ada])
def test_what_the_administration_refuses_is_recorded_by_the_things_own_name(client, somebody):
    job = factories.job()
    entry = AuditEvent.objects.filter(entity_id=job.pk).earliest("pk")
    client.force_login(user := somebody(), BACKEND)
    assert client.post(f"/admin/audit/auditevent/{entry.pk}/change/", {"action": "X"}).status_code == 403
    event = denied().get()
    assert (event.entity_type, event.entity_id, event.user_email) == ("AuditEvent", entry.pk, user.email)
    assert event.details == {"page": "admin:audit_auditevent_change", "answer": 403}


def test_what_only_looks_is_not_recorded(client, charlie):
    assert client.get(f"/jobs/{factories.job().pk}/").status_code == 404
    assert not denied().exists()


def test_what_may_be_done_is_no_denial(client, charlie):
    job = factories.job(charlie)
    assert client.post(f"/jobs/{job.pk}/pause/").status_code == 302
    assert not denied().exists()


def test_nobody_unknown_writes_into_the_trail(client):
    client.post("/nowhere/")
    assert not denied().exists()


def test_attempts_without_end_are_recorded_a_few_times(client, charlie):
    for _ in range(denials.MOST + 3):
        client.post("/nowhere/")
    assert denied().count() == denials.MOST
