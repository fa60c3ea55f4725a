"""What people do with runs from a page: happy, forbidden, illegal."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from jobs.models import Job, JobSchedule
from runs.models import Run
from tests.factories import alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


def post(client, user, name: str, target, **data):
    client.force_login(user)
    return client.post(reverse(name, args=[target.pk]), data)


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def waiting(probe):
    return run(probe, "PENDING")


# run now


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_run_now_starts_a_run_and_goes_to_it(client, owner, probe, who):
    user = owner if who == "owner" else bob()
    response = post(client, user, "job_run_now", probe)
    made = Run.objects.get(job=probe)
    assert made.trigger == "MANUAL"
    assert response["Location"] == reverse("run_detail", args=[made.pk])
    assert AuditEvent.objects.filter(action="JOB_TRIGGERED", user_email=user.email).exists()


def test_a_second_click_goes_to_the_run_that_waits_already(client, owner, probe):
    first = post(client, owner, "job_run_now", probe)
    second = post(client, owner, "job_run_now", probe)
    assert first["Location"] == second["Location"]
    assert said(second) == ["A run by hand was waiting already: this is it."]


def test_others_cannot_run_a_job(client, probe):
    assert post(client, charlie(), "job_run_now", probe).status_code == 404
    assert not Run.objects.exists()


# cancel a job


def test_cancelling_a_job_stops_it_for_good(client, owner, probe, waiting):
    response = post(client, owner, "job_cancel", probe, note="No longer needed")
    probe.refresh_from_db()
    waiting.refresh_from_db()
    assert (probe.status, waiting.outcome) == ("CANCELLED", "CANCELLED")
    assert JobSchedule.objects.get(job=probe).next_fire_at is None
    assert AuditEvent.objects.get(action="JOB_CANCELLED").details["note"] == "No longer needed"
    assert response["Location"] == reverse("job_detail", args=[probe.pk])


def test_a_note_of_any_kind_is_kept_as_far_as_it_goes(client, owner, probe):
    post(client, owner, "job_cancel", probe, note="\x00 too long " * 100)
    note = AuditEvent.objects.get(action="JOB_CANCELLED").details["note"]
    assert note.startswith("too long")
    assert len(note) <= 255


def test_others_cannot_cancel_a_job(client, probe):
    assert post(client, charlie(), "job_cancel", probe).status_code == 404
    assert Job.objects.get(pk=probe.pk).status == "SCHEDULED"


def test_a_job_that_has_ended_cannot_be_cancelled(client, owner, probe):
    post(client, owner, "job_cancel", probe)
    response = post(client, owner, "job_cancel", probe)
    assert response.status_code == 409
    assert "smoke-probe is cancelled: it cannot be cancelled." in response.content.decode()


def test_the_way_back_is_kept_unless_it_leads_away(client, owner, probe):
    response = post(client, owner, "job_cancel", probe, next="/jobs/?status=RUNNING")
    assert response["Location"] == "/jobs/?status=RUNNING"
    other = job(owner, name="other")
    response = post(client, owner, "job_cancel", other, next="https://elsewhere.example/")
    assert response["Location"] == reverse("job_detail", args=[other.pk])


# cancel a run


def test_cancelling_a_waiting_run_ends_it(client, owner, waiting):
    response = post(client, owner, "run_cancel", waiting)
    waiting.refresh_from_db()
    assert waiting.outcome == "CANCELLED"
    assert response["Location"] == reverse("run_detail", args=[waiting.pk])
    assert said(response) == ["Cancelled before it started."]


def test_a_running_run_is_asked_to_stop(client, owner, probe):
    active = run(probe, "RUNNING")
    response = post(client, owner, "run_cancel", active, next="/")
    active.refresh_from_db()
    assert active.outcome is None
    assert active.cancel_requested_at is not None
    assert response["Location"] == "/"
    assert "Asked to stop" in said(response)[0]


def test_others_cannot_cancel_a_run(client, waiting):
    assert post(client, charlie(), "run_cancel", waiting).status_code == 404
    waiting.refresh_from_db()
    assert waiting.outcome is None


def test_a_run_that_has_ended_cannot_be_cancelled(client, owner, probe):
    response = post(client, owner, "run_cancel", run(probe, "FAILURE"))
    assert response.status_code == 409
    assert "The run has ended already: failed." in response.content.decode()


# all of them


@pytest.mark.parametrize(
    ("name", "looked_at"), [("job_run_now", 302), ("job_cancel", 405), ("run_cancel", 405)]
)
def test_they_take_nothing_but_a_protected_post(owner, probe, waiting, name, looked_at):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    url = reverse(name, args=[waiting.pk if name == "run_cancel" else probe.pk])
    assert client.get(url).status_code == looked_at
    assert client.post(url).status_code == 403
    assert Run.objects.filter(outcome=None).count() == 1


@pytest.mark.parametrize("name", ["job_run_now", "job_cancel", "run_cancel"])
def test_nobody_does_anything_without_signing_in(client, probe, waiting, name):
    response = client.post(reverse(name, args=[waiting.pk if name == "run_cancel" else probe.pk]))
    assert response["Location"].startswith("/sign-in/")
