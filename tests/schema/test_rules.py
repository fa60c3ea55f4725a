"""What the database sees to itself, whoever writes."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chronos_site.schema import new_ulid
from jobs.models import Job, JobPayload
from runs.models import DeadLetter, Run
from tests.schema import rows

pytestmark = [pytest.mark.databases, pytest.mark.django_db]

OWNED = [
    "job_schedules",
    "job_payloads",
    "retry_policies",
    "job_versions",
    "job_runs",
    "job_run_logs",
    "dlq_events",
]


def _more_runs(number: int) -> None:
    for hour in range(number):
        run = new_ulid()
        rows.sql(
            f"INSERT INTO job_runs (id, job_id, scheduled_time, replay_of_id) "
            f"VALUES ('{run}', '{rows.JOB}', '2026-03-03 {hour:02}:00:00', '{rows.RUN}')"
        )
        rows.sql(f"INSERT INTO job_run_logs (run_id, message) VALUES ('{run}', 'one'), ('{run}', 'two')")
    rows.sql(
        f"INSERT INTO job_versions (job_id, version, definition, note) VALUES ('{rows.JOB}', 1, '{{}}', '')"
    )


def test_a_deleted_job_takes_all_it_owns_along_and_leaves_its_notifications():
    rows.one_everywhere()
    _more_runs(3)
    Job.objects.get().delete()
    assert {table: rows.count(table) for table in OWNED} == dict.fromkeys(OWNED, 0)
    assert rows.sql("SELECT job_id FROM notifications") == [(None,)]


@pytest.mark.parametrize("runs", [1, 20])
def test_a_job_is_deleted_without_reading_its_runs(runs):
    rows.one_everywhere()
    _more_runs(runs)
    with CaptureQueriesContext(connection) as queries:
        Job.objects.filter(pk=rows.JOB).delete()
    assert [query["sql"].split()[0] for query in queries if "SAVEPOINT" not in query["sql"]] == [
        "SELECT",
        "DELETE",
    ]
    assert rows.count("job_run_logs") == 0


def test_plain_sql_that_deletes_a_user_takes_their_jobs_along():
    rows.one_everywhere()
    _more_runs(2)
    rows.sql("DELETE FROM users")
    assert {table: rows.count(table) for table in ["jobs", "notifications", *OWNED]} == dict.fromkeys(
        ["jobs", "notifications", *OWNED], 0
    )


def test_a_deleted_user_takes_their_jobs_along():
    rows.one_everywhere()
    User.objects.get().delete()
    assert rows.count("jobs") == rows.count("job_runs") == rows.count("notifications") == 0


def test_a_dead_letter_and_a_replay_outlive_their_run():
    rows.one_everywhere()
    _more_runs(1)
    Run.objects.get(pk=rows.RUN).delete()
    assert DeadLetter.objects.get().run is None
    assert Run.objects.get().replay_of is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM jobs",
        "DELETE FROM users",
        "DELETE FROM job_runs",
        "INSERT INTO job_run_logs (run_id, message) VALUES ('01HZYNOBODY', 'lost')",
        "UPDATE job_runs SET job_id = '01HZYNOBODY'",
    ],
)
def test_plain_sql_leaves_no_orphan(statement):
    rows.one_everywhere()
    try:
        with transaction.atomic():
            rows.sql(statement)
    except IntegrityError:
        pass
    connection.check_constraints()
    assert not rows.sql("SELECT 1 FROM job_runs WHERE job_id NOT IN (SELECT id FROM jobs)")
    assert not rows.sql("SELECT 1 FROM job_run_logs WHERE run_id NOT IN (SELECT id FROM job_runs)")


@pytest.mark.parametrize("table", ["users", "jobs"])
def test_plain_sql_moves_updated_at(table):
    rows.one_everywhere()
    column = {"users": "roles", "jobs": "status"}[table]
    value = {"users": "ADMIN", "jobs": "SCHEDULED"}[table]
    rows.sql(f"UPDATE {table} SET updated_at = '2001-01-01 00:00:00'")
    rows.sql(f"UPDATE {table} SET {column} = '{value}'")
    assert rows.sql(f"SELECT COUNT(*) FROM {table} WHERE updated_at > '2026-01-01'") == [(1,)]
    assert rows.sql(f"SELECT {column} FROM {table}") == [(value,)]


@pytest.mark.parametrize("table", ["users", "jobs"])
def test_a_stated_updated_at_stays(table):
    rows.one_everywhere()
    rows.sql(f"UPDATE {table} SET updated_at = '2001-01-01 00:00:00'")
    assert rows.sql(f"SELECT COUNT(*) FROM {table} WHERE updated_at < '2001-01-02'") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE job_payloads SET type = 'SCRIPT'",
        f"""INSERT INTO job_payloads (job_id, type) SELECT '{rows.JOB}', 'SCRIPT' FROM users
            WHERE NOT EXISTS (SELECT 1 FROM job_payloads)""",
        "INSERT INTO job_payloads (job_id, type) VALUES ('01HZYNOBODY', 'HTTP')",
    ],
)
def test_a_payload_of_another_type_than_its_job_is_refused(statement):
    rows.one_everywhere()
    if "NOT EXISTS" in statement:
        rows.sql("DELETE FROM job_payloads")
    with pytest.raises(IntegrityError, match="chk_payload_type_consistency"), transaction.atomic():
        rows.sql(statement)


def test_a_payload_follows_its_jobs_type():
    rows.one_everywhere()
    rows.sql("UPDATE jobs SET type = 'SCRIPT'")
    assert rows.sql("SELECT type FROM job_payloads") == [("SCRIPT",)]


def test_job_and_payload_change_their_type_together():
    rows.one_everywhere()
    job = Job.objects.get()
    with transaction.atomic():
        job.type = "DUMMY"
        job.save()
        JobPayload.objects.update_or_create(job=job, defaults={"type": "DUMMY", "http_url": None})
    assert JobPayload.objects.get().type == Job.objects.get().type == "DUMMY"


def test_the_model_names_the_field_of_a_payload_of_another_type():
    rows.one_everywhere()
    payload = JobPayload.objects.get()
    payload.type = "SCRIPT"
    with pytest.raises(ValidationError) as refused:
        payload.full_clean()
    assert "type" in refused.value.error_dict


def test_an_id_is_found_in_its_own_case_only():
    rows.one_everywhere()
    assert not Job.objects.filter(pk=rows.JOB.lower()).exists()
    assert not Job.objects.filter(pk="é").exists()


def test_a_name_may_be_in_any_script():
    rows.one_everywhere()
    Job.objects.update(name="Ночной 夜 🌙")
    assert Job.objects.get().name == "Ночной 夜 🌙"


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql")
def test_a_transaction_that_stands_still_does_not_hold_its_locks_for_ever():
    connection.close()
    assert rows.sql("SHOW idle_in_transaction_session_timeout") == [("30s",)]
