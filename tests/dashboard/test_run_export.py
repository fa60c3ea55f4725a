"""The runs of a list as CSV."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.urls import reverse

from dashboard import run_export
from tests.factories import NOON, alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db


def exported(client, user, query: str = "") -> list[dict[str, str]]:
    client.force_login(user)
    file = client.get(reverse("run_export") + query)
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(file.getvalue().decode())))


@pytest.fixture
def probe():
    return job(alice())


@pytest.mark.parametrize("query", ["", "?outcome=SUCCESS", "?job={job}"])
def test_all_pages_of_the_list_come_in_its_order(client, probe, query, monkeypatch):
    monkeypatch.setattr(run_export, "PAGE", 2)
    made = [run(probe, at=NOON + timedelta(minutes=n)).pk for n in range(5)]
    assert [row["id"] for row in exported(client, bob(), query.format(job=probe.pk))] == made[::-1]


def test_a_row_says_what_the_list_says_and_more(client, probe):
    run(probe, "FAILURE", took=2, error_class="HTTP_503", error_message="=cmd()\nmore", worker_id="w")
    (row,) = exported(client, probe.owner)
    assert (row["state"], row["duration ms"], row["priority"]) == ("FAILURE", "2000", "MEDIUM")
    assert row["error"] == "'=cmd()"
    assert row["due"] == "2026-03-02T12:00:00Z"


def test_nobody_gets_runs_that_are_not_theirs(client, probe):
    run(probe)
    assert exported(client, charlie()) == []


def test_there_is_an_end_to_it(client, probe, monkeypatch):
    monkeypatch.setattr(run_export, "PAGE", 2)
    monkeypatch.setattr(run_export, "MOST", 4)
    for n in range(6):
        run(probe, at=NOON + timedelta(minutes=n))
    assert len(exported(client, probe.owner)) == 4
