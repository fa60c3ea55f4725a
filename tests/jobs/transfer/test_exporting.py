"""What is exported imports back to the same definition."""

import pytest

from jobs import definition
from jobs.executors import TYPES
from jobs.models import Job
from jobs.transfer import documents, exporting
from jobs.transfer.importing import Import, entries_of
from jobs.transfer.requests import read
from tests import factories
from tests.factories import NOON
from tests.jobs.executors.payloads import FULL, SMALL
from tests.jobs.transfer.requests import dummy, http, of_type

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def imported(owner, document):
    asked = Import(owner, by=None, at=NOON, allow_duplicates=True)
    return [verdict.job.pk for verdict in asked.carry_out(entries_of(document))]


def definitions(ids):
    return [definition.of(Job.objects.get(pk=pk)) for pk in ids]


@pytest.mark.parametrize("file_format", ["json", "yaml"])
@pytest.mark.parametrize("examples", [SMALL, FULL], ids=["small", "full"])
def test_every_type_comes_back_as_it_went(settings, file_format, examples):
    settings.SCRIPT_ENABLED = True
    owner = factories.ada()
    first = imported(owner, [of_type(code, examples[code]) for code in TYPES])
    text = documents.write(exporting.document(Job.objects.all(), with_secrets=True), file_format)
    second = imported(owner, documents.read(text.encode(), file_format))
    assert definitions(second) == definitions(first)


def test_a_job_with_everything_said_comes_back_as_it_went():
    request = dummy(
        name="nightly ✓",
        description="First line.\n\n  Runbook:\n- call bob",
        tags=["billing", "night"],
        safeToRepeat=False,
        schedule={
            "scheduleType": "CRON",
            "cronExpression": "0 30 2 * * ?",
            "timezone": "Europe/Berlin",
            "misfirePolicy": "RESCHEDULE",
            "overlapPolicy": "CANCEL_RUNNING",
            "startsAt": "2026-03-01T00:00:00.250+01:00",
            "endsAt": "2027-03-01T00:00:00+01:00",
            "jitterSeconds": 20,
            "startWithinSeconds": 60,
            "endBy": "06:00",
        },
        retryPolicy={
            "maxAttempts": 4,
            "backoffStrategy": "EXPONENTIAL",
            "backoffSeconds": 0,
            "jitter": True,
            "retryOn": ["5XX"],
        },
    )
    owner = factories.alice()
    [first] = definitions(imported(owner, request))
    assert definitions(imported(owner, exporting.request(first))) == [first]
    assert (first["description"], first["tags"]) == (request["description"], ["billing", "night"])
    assert (first["schedule"]["start_within_seconds"], first["schedule"]["end_by"]) == (60, "06:00")


def test_chronos_writes_the_keys_of_the_request_format():
    document = exporting.document([factories.job(**read(http(timeoutSeconds=30)).definition)])
    assert document["format"] == "chronos-jobs/1"
    assert document["jobs"][0]["payload"] == {
        "type": "HTTP",
        "httpMethod": "GET",
        "httpUrl": "https://billing.example.com/export",
        "timeoutSeconds": 30,
    }


def test_parameters_keep_their_order_for_the_question_marks():
    query = {**SMALL["DATABASE"], "query": "SELECT ?, ?, ?", "parameters": {"zz": 1, "b": 2, "aaa": 3}}
    imported(factories.alice(), of_type("DATABASE", query))
    document = exporting.document(Job.objects.all())
    assert list(document["jobs"][0]["payload"]["parameters"]) == ["zz", "b", "aaa"]


def test_secrets_stay_here_unless_asked_for():
    imported(factories.alice(), http(headers={"Authorization": "Bearer s3cret"}))
    shown, whole = (
        exporting.document(Job.objects.all(), with_secrets=asked)["jobs"][0]["payload"]["httpHeaders"]
        for asked in (False, True)
    )
    assert (shown, whole) == ({"Authorization": "***"}, {"Authorization": "Bearer s3cret"})
