"""The diagnosis: what stands in it, what must not, and who gets it."""

import json

import pytest
from django.utils import timezone

from dashboard import diagnosis
from jobs.models import JobSchedule
from runs.models import Process
from runs.processes import beat
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
PARTS = {"versions", "settings", "processes", "queues", "stops", "checks", "last_errors"}


@pytest.fixture(autouse=True)
def engine(valkey):
    """One worker that is well."""
    beat("w-1", Process.Kind.WORKER, slots=8)


def downloaded(client, user):
    client.force_login(user)
    return client.get("/system/diagnosis.json")


@pytest.mark.parametrize(
    ("who", "code"), [(factories.charlie, 403), (factories.bob, 200), (factories.ada, 200)]
)
def test_operators_and_administrators_get_it_as_a_file(client, who, code):
    response = downloaded(client, who())
    assert response.status_code == code
    assert ("attachment" in response.get("Content-Disposition", "")) == (code == 200)


def test_it_tells_how_the_installation_is(client):
    told = downloaded(client, factories.bob()).json()
    assert told.keys() >= PARTS
    assert [each["name"] for each in told["processes"]] == ["w-1"]
    assert [each["name"] for each in told["queues"]] == ["high", "medium", "low"]
    assert {"database", "redis", "clock"} <= {each["name"] for each in told["checks"]}
    assert "django" in {name.lower() for name in told["versions"]["packages"]}


def test_no_secret_of_the_settings_leaves(client, settings):
    settings.SECRET_KEY = "s3cret-of-the-site-" * 3
    settings.METRICS_TOKEN = "s3cret-of-metrics"
    settings.EMAIL_HOST_PASSWORD = "s3cret-of-mail"
    settings.BROKERS = {"main": "amqp://user:s3cret@rabbit/"}
    settings.BASE_URL = "https://user:s3cret@chronos.example.com"
    text = downloaded(client, factories.bob()).content.decode()
    assert "s3cret" not in text
    assert json.loads(text)["settings"]["names_of_brokers"] == ["main"]


def test_errors_come_masked_and_without_the_names_of_jobs(client):
    job = factories.job(name="payroll-of-the-board")
    message = "GET https://user:s3cret@example.com/?token=s3cret failed\nsecond line"
    run = factories.run(job, "FAILURE", error_class="HTTP_500", error_message=message)
    text = downloaded(client, factories.bob()).content.decode()
    (error,) = json.loads(text)["last_errors"]
    assert (error["run"], error["error_class"]) == (run.pk, "HTTP_500")
    assert "s3cret" not in text
    assert "payroll" not in text


def test_a_schedule_out_of_the_plan_is_told_with_its_problem():
    job = factories.job()
    JobSchedule.objects.filter(job=job).update(problem="password=s3cret is no zone")
    (broken,) = diagnosis.read(timezone.now())["schedules_out_of_plan"]
    assert broken["job"] == job.pk
    assert "s3cret" not in broken["problem"]
