"""A dead letter's payload changed before its replay."""

from html import unescape

import pytest

from jobs.models import Job, JobVersion
from runs.models import DeadLetter, Run, Trigger
from tests import factories

pytestmark = pytest.mark.django_db

SECRET = "hunter2hunter2"


@pytest.fixture
def job():
    payload = {"http_url": "https://example.com/", "http_method": "GET", "http_headers": {"X-Key": SECRET}}
    return factories.job(type="HTTP", payload=payload)


@pytest.fixture
def event(job):
    return DeadLetter.objects.create(run=factories.run(job, "FAILURE"), job=job, failure_reason="x: y")


def address(event):
    return f"/dead-letters/{event.pk}/replay/changed/"


def fields(page, **over):
    """What the page's form sends, with changes."""
    form = page.context["draft"].payload
    shown = {form.add_prefix(name): form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value not in (None, False)}
    headers = {"payload-http_headers": f'{{"X-Key": "{SECRET}"}}'}
    return {**sent, **headers, "shown": "HTTP", "version": "1", **over}


def replays():
    return Run.objects.filter(trigger=Trigger.REPLAY)


def test_a_changed_payload_is_for_this_replay_alone(client, event):
    client.force_login(event.job.owner)
    page = client.get(address(event))
    sent = fields(page, **{"payload-http_url": "https://example.com/again"})
    response = client.post(address(event), sent)
    assert response["Location"] == f"/dead-letters/{event.pk}/"
    kept = JobVersion.objects.get(once=True)
    assert replays().get().version == kept.version
    assert kept.definition["payload"]["http_url"] == "https://example.com/again"
    assert kept.definition["payload"]["http_headers"] == {"X-Key": SECRET}
    assert Job.objects.get().payload.http_url == "https://example.com/"


def test_a_changed_payload_becomes_the_jobs_next_version(client, event):
    client.force_login(factories.bob())
    page = client.get(address(event))
    client.post(address(event), fields(page, keep="1", **{"payload-http_url": "https://example.com/again"}))
    assert Job.objects.get().payload.http_url == "https://example.com/again"
    assert replays().get().version == Job.objects.get().version == 2


def test_a_payload_that_makes_no_sense_is_told_at_its_field(client, event):
    client.force_login(event.job.owner)
    response = client.post(address(event), fields(client.get(address(event)), **{"payload-http_url": "no"}))
    assert response.status_code == 200
    assert response.context["draft"].payload.errors["http_url"]
    assert not replays().exists()


def test_what_somebody_saved_meanwhile_is_not_overwritten(client, event):
    client.force_login(event.job.owner)
    sent = fields(client.get(address(event)), keep="1", **{"payload-http_url": "https://example.com/again"})
    Job.objects.update(version=2)
    response = client.post(address(event), sent)
    assert response.status_code == 409
    assert "https://example.com/again" in unescape(response.content.decode())
    assert not replays().exists()


def test_others_do_not_get_there(client, event):
    client.force_login(factories.charlie())
    assert client.get(address(event)).status_code == 404
    assert client.post(address(event)).status_code == 404


def test_scripts_are_for_administrators(client, settings):
    settings.SCRIPT_ENABLED = True
    job = factories.script(factories.ada())
    event = DeadLetter.objects.create(run=factories.run(job, "FAILURE"), job=job, failure_reason="x: y")
    client.force_login(factories.bob())
    assert client.get(address(event)).status_code == 403
    assert client.post(address(event), {"payload-script_content": "#!/bin/sh"}).status_code == 403


@pytest.mark.parametrize("keep", ["", "1"])
def test_a_closed_event_is_refused_with_a_sentence_and_leaves_the_job_alone(client, event, keep):
    client.force_login(event.job.owner)
    url = {"payload-http_url": "https://example.com/again"}
    sent = fields(client.get(address(event)), keep=keep, **url)
    DeadLetter.objects.update(status="IGNORED")
    response = client.post(address(event), sent)
    assert response.status_code == 409
    assert "ignored already" in response.content.decode()
    assert list(JobVersion.objects.values_list("version", flat=True)) == [1]
    assert Job.objects.get().payload.http_url == "https://example.com/"


def test_the_page_of_the_job_shows_its_own_payload_and_marks_the_other(client, event):
    client.force_login(event.job.owner)
    client.post(
        address(event),
        fields(client.get(address(event)), **{"payload-http_url": "https://example.com/again"}),
    )
    shown = client.get(f"/jobs/{event.job_id}/")
    assert shown.context["versions"].current["payload"]["http_url"] == "https://example.com/"
    assert "for one replay" in shown.content.decode()
