"""Runs, logs and dead letters in the admin: found quickly, never changed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.actions import BACKEND
from runs.models import ExecutionStats, Run
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/runs/run/"


@pytest.fixture
def ada(client):
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    return ada


def run(job, number=1, **fields) -> Run:
    return Run.objects.create(
        job=job, **{"scheduled_time": factories.NOON + timedelta(minutes=number), **fields}
    )


def found(client, address=LIST, **query) -> list:
    return list(client.get(address, query).context["cl"].result_list)


@pytest.mark.databases
def test_each_state_lists_its_own_runs(client, ada):
    job, at = factories.job(), factories.NOON
    runs = {
        "PENDING": run(job, 1),
        "RUNNING": run(job, 2, start_time=at),
        "SUCCESS": run(job, 3, start_time=at, end_time=at, outcome="SUCCESS"),
        "FAILURE": run(job, 4, start_time=at, end_time=at, outcome="FAILURE"),
        "TIMEOUT": run(job, 5, start_time=at, end_time=at, outcome="TIMEOUT"),
        "CANCELLED": run(job, 6, end_time=at, outcome="CANCELLED"),
        "SKIPPED": run(job, 7, end_time=at, outcome="CANCELLED", skip_reason="MISFIRE"),
    }
    for state, expected in runs.items():
        assert found(client, state=state) == [expected]
        assert expected.state == state
    assert len(found(client)) == len(found(client, state="nonsense")) == 7


def test_newest_runs_come_first(client, ada):
    job = factories.job()
    runs = [run(job, number) for number in range(1, 4)]
    assert found(client) == sorted(runs, key=lambda each: each.pk, reverse=True)


def test_a_run_is_found_by_its_id_its_job_and_its_worker(client, ada):
    alice = factories.alice()
    job, other = factories.job(alice, name="report"), factories.job(alice, name="cleanup")
    wanted, _ = run(job, worker_id="here:1"), run(other)
    for term in (wanted.pk, wanted.pk.lower(), job.pk, "REPO", "here:1"):
        assert found(client, q=term) == [wanted]
    assert found(client, q="nothing like it") == []


def test_a_runs_page_leads_to_its_log(client, ada):
    wanted = run(factories.job(), result={"status": 200})
    wanted.logs.create(message="x" * 1000, level="ERROR")
    page = client.get(f"{LIST}{wanted.pk}/change/").content.decode()
    assert f"/admin/runs/runlog/?q={wanted.pk}" in page
    assert "&quot;status&quot;: 200" in page
    logs = client.get("/admin/runs/runlog/", {"q": wanted.pk})
    assert len(logs.context["cl"].result_list) == 1
    assert "x" * 201 not in logs.content.decode()


def test_a_dead_letter_is_found_by_its_job_and_its_run(client, ada):
    job = factories.job()
    letter = run(job).dead_letters.create(job=job, failure_reason="HTTP_503")
    for term in (letter.pk, letter.run_id, job.pk, "smoke"):
        assert found(client, "/admin/runs/deadletter/", q=term) == [letter]


@pytest.mark.databases
def test_the_statistics_of_a_day_are_those_of_the_view(client, ada):
    job, day = factories.job(), datetime(2026, 3, 2, tzinfo=UTC)
    for minutes, outcome in (
        (0, "SUCCESS"),
        (1, "SUCCESS"),
        (1439, "FAILURE"),
        (-1, "SUCCESS"),
        (1440, "SUCCESS"),
    ):
        at = day + timedelta(minutes=minutes)
        Run.objects.create(
            job=job, scheduled_time=at, end_time=at, outcome=outcome, duration_ms=100 + abs(minutes)
        )
    run(job, 5)
    columns = [field.name for field in ExecutionStats._meta.concrete_fields]
    shown = client.get("/admin/runs/executionstats/", {"day": "2026-03-02"}).context["rows"]
    view = ExecutionStats.objects.filter(execution_date=day.date())
    assert [[getattr(row, name) for name in columns] for row in shown] == [
        list(row) for row in view.order_by("job_type", "outcome").values_list(*columns)
    ]
    assert [row.execution_count for row in shown] == [1, 2]


@pytest.mark.parametrize("day", ["", "nonsense", "2026-02-30", "2026-13-01"])
def test_the_statistics_are_todays_without_another_day(client, ada, day):
    response = client.get("/admin/runs/executionstats/", {"day": day})
    assert response.context["day"] == timezone.now().date()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_calendar_s_ends_are_days_like_others(client, ada, day):
    response = client.get("/admin/runs/executionstats/", {"day": day})
    assert (response.context["day"].isoformat(), response.context["rows"]) == (day, [])


def test_statistics_are_on_the_front_page_and_have_no_others(client, ada):
    assert "/admin/runs/executionstats/" in client.get("/admin/").content.decode()
    assert client.get("/admin/runs/executionstats/add/").status_code == 404
