"""Everything that matches, as a file."""

import csv
import json

import pytest
import yaml

from dashboard import job_export
from jobs.models import JobTag
from jobs.transfer.importing import entries_of
from runs.models import Run
from tests import factories
from tests.factories import alice, bob, charlie, job

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def owner():
    return alice()


def exported(client, user, query):
    client.force_login(user)
    response = client.get(f"/jobs/export/?{query}")
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def rows(text):
    return list(csv.DictReader(text.splitlines(keepends=True)))


def test_a_table_has_a_line_for_each_job_that_matches(client, owner, monkeypatch):
    monkeypatch.setattr(job_export, "CHUNK", 2)
    for n in range(5):
        job(owner, name=f"probe-{n}")
    job(owner, name="other")
    job(charlie(), name="probe-of-another")
    told = rows(exported(client, owner, "format=csv&q=probe"))
    assert [row["name"] for row in told] == [f"probe-{n}" for n in range(5)]


def test_a_line_says_how_the_job_is_and_how_its_last_run_went(client, owner):
    one = job(owner, name="probe")
    JobTag.objects.bulk_create(JobTag(job=one, name=name) for name in ("night", "billing"))
    run = factories.run(one, "FAILURE", error_message="pool exhausted")
    (row,) = rows(exported(client, owner, "format=csv"))
    assert (row["id"], row["owner"], row["tags"]) == (one.pk, owner.email, "billing, night")
    assert (row["last outcome"], row["last error"]) == ("FAILURE", "pool exhausted")
    assert row["last end"] == f"{run.end_time:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1", "@SUM(1)", " =1"])
def test_no_text_is_a_formula_to_a_spreadsheet(client, owner, text):
    factories.run(job(owner, name=text), "FAILURE", error_message=text)
    (row,) = rows(exported(client, owner, "format=csv"))
    assert row["name"] == row["last error"] == f"'{text}"


@pytest.mark.parametrize(("file_format", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
@pytest.mark.parametrize("names", [[], ["one"], ["one", "two: {", "three\nlines"]])
def test_definitions_come_as_a_document_that_imports(client, owner, file_format, read, names):
    for name in names:
        job(owner, name=name, description=f"{name}\n# text")
    document = read(exported(client, owner, f"format={file_format}"))
    assert document["format"] == "chronos-jobs/1"
    assert [each["name"] for each in document["jobs"]] == names
    if names:
        assert len(entries_of(document)) == len(names)


@pytest.mark.parametrize("file_format", ["csv", "json", "yaml"])
def test_no_secret_leaves(client, owner, file_format):
    url = "https://user:s3cret@example.com/"
    job(owner, type="HTTP", payload={"http_url": url, "http_method": "GET"})
    assert "s3cret" not in exported(client, bob(), f"format={file_format}")


def test_many_jobs_cost_few_queries(client, owner, django_assert_max_num_queries):
    for n in range(12):
        job(owner, name=f"job-{n}", retry={"max_attempts": 3})
    client.force_login(owner)
    with django_assert_max_num_queries(5):
        b"".join(client.get("/jobs/export/?format=yaml").streaming_content)
    assert not Run.objects.exists()


@pytest.mark.parametrize("query", ["", "format=xls", "format="])
def test_a_format_that_is_not_known_is_refused(client, owner, query):
    client.force_login(owner)
    assert client.get(f"/jobs/export/?{query}").status_code == 400


def test_nobody_exports_without_signing_in(client):
    assert client.get("/jobs/export/?format=csv").status_code == 302


def picked(client, user, **sent):
    client.force_login(user)
    return client.post("/jobs/export/", {"format": "csv", **sent})


def names(response):
    return [row["name"] for row in rows(b"".join(response.streaming_content).decode())]


def test_jobs_that_were_picked_come_alone(client, owner):
    one, _, three = (job(owner, name=name) for name in ("one", "two", "three"))
    assert names(picked(client, owner, id=[three.pk, one.pk, "no-id"])) == ["one", "three"]


def test_all_that_match_may_be_selected_as_well(client, owner):
    for name in ("probe-1", "probe-2", "other"):
        job(owner, name=name)
    assert names(picked(client, owner, all="1", matching="?q=probe")) == ["probe-1", "probe-2"]


def test_what_others_own_cannot_be_picked(client, owner):
    theirs = job(charlie())
    response = picked(client, owner, id=[theirs.pk], next="/jobs/?q=x")
    assert (response.status_code, response["Location"]) == (302, "/jobs/?q=x")


def test_a_format_that_is_not_known_is_refused_for_a_selection_too(client, owner):
    assert picked(client, owner, format="xls").status_code == 400
