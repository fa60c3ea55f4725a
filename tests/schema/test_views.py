"""The two views say what the rows say, and are only read."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from chronos_site.database_views import ReadOnly
from jobs.models import JobSummary
from runs.models import ExecutionStats, Run
from tests.schema import rows

pytestmark = [pytest.mark.databases, pytest.mark.django_db]


def _run(hour: int, outcome: str | None, duration_ms: int | None) -> None:
    at = datetime(2026, 3, 2, hour, tzinfo=UTC)
    ended = at if outcome else None
    Run.objects.create(
        job_id=rows.JOB, scheduled_time=at, end_time=ended, outcome=outcome, duration_ms=duration_ms
    )


def test_the_summary_counts_a_jobs_runs():
    rows.one_everywhere()
    _run(22, "FAILURE", 500)
    _run(21, None, None)
    summary = JobSummary.objects.get(id=rows.JOB)
    assert (summary.total_runs, summary.avg_duration_ms) == (3, 750.0)
    assert summary.last_run_time == datetime(2026, 3, 2, 23, 30, 1, tzinfo=UTC)
    assert (summary.owner_email, summary.schedule_type) == ("alice@example.com", "INTERVAL")


def test_the_summary_lists_a_job_that_never_ran():
    rows.one_everywhere()
    Run.objects.all().delete()
    assert JobSummary.objects.values_list("total_runs", "last_run_time", "avg_duration_ms").get() == (
        0,
        None,
        None,
    )


def test_the_statistics_count_ended_runs_by_day_type_and_outcome():
    rows.one_everywhere()
    _run(22, "SUCCESS", 500)
    _run(21, "FAILURE", 7)
    _run(20, None, None)
    stats = ExecutionStats.objects.get(outcome="SUCCESS")
    assert (stats.execution_date, stats.job_type) == (date(2026, 3, 2), "HTTP")
    assert (stats.execution_count, stats.min_duration_ms, stats.max_duration_ms) == (2, 500, 1000)
    assert stats.avg_duration_ms == 750.0
    assert ExecutionStats.objects.count() == 2


def test_a_day_is_utcs_whatever_the_sessions_time_zone():
    rows.one_everywhere()
    if connection.vendor == "postgresql":  # the others keep times without a zone
        rows.sql("SET LOCAL TIME ZONE 'Asia/Tokyo'")
    assert ExecutionStats.objects.get().execution_date == date(2026, 3, 2)


@pytest.mark.parametrize("view", [JobSummary, ExecutionStats])
def test_a_view_is_only_read(view):
    rows.one_everywhere()
    row = view.objects.get()
    for write in (row.save, row.delete, view.objects.update, view.objects.all().delete, view.objects.create):
        with pytest.raises(ReadOnly):
            write()
