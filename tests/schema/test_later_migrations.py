"""Rules, triggers and views outlive what later migrations do to the tables."""

from contextlib import contextmanager

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, migrations, models
from django.db.migrations.executor import MigrationExecutor

from chronos_site.schema import set_null
from tests.schema import reading, rows

pytestmark = [pytest.mark.databases, pytest.mark.django_db(transaction=True)]


@contextmanager
def _migrated(app, *operations):
    """The database after one more migration of the app, taken back at the end."""
    before = MigrationExecutor(connection).loader.project_state()
    migration = migrations.Migration("later", app)
    migration.operations = list(operations)
    with connection.schema_editor(atomic=True) as editor:
        migration.apply(before.clone(), editor)
    try:
        yield
    finally:
        with connection.schema_editor(atomic=True) as editor:
            migration.unapply(before.clone(), editor)


def _assert_everything_still_holds():
    assert rows.sql("SELECT total_runs, owner_email FROM job_summary") == [(1, "alice@example.com")]
    assert rows.sql("SELECT execution_count FROM execution_stats") == [(1,)]
    for table, column in (("users", "roles"), ("jobs", "priority")):
        rows.sql(f"UPDATE {table} SET updated_at = '2001-01-01 00:00:00'")
        rows.sql(f"UPDATE {table} SET {column} = 'HIGH'")
        assert rows.sql(f"SELECT COUNT(*) FROM {table} WHERE updated_at < '2002-01-01'") == [(0,)]
    with pytest.raises(IntegrityError, match="chk_payload_type_consistency"):
        rows.sql("UPDATE job_payloads SET type = 'SCRIPT'")
    rows.sql("DELETE FROM users")
    assert rows.count("jobs") == rows.count("job_runs") == rows.count("job_run_logs") == 0


text = models.CharField(max_length=20, default="new")


@pytest.mark.parametrize(
    ("app", "operation"),
    [
        ("accounts", migrations.AddField("user", "later", text)),
        ("jobs", migrations.AddField("job", "later", text)),
        ("jobs", migrations.AddField("jobpayload", "later", text)),
        ("runs", migrations.AddField("run", "later", text)),
        ("accounts", migrations.AlterField("user", "email", models.EmailField(max_length=320, unique=True))),
        ("jobs", migrations.AlterField("job", "name", models.CharField(max_length=400))),
        ("jobs", migrations.AlterField("job", "type", models.CharField(max_length=60))),
        ("jobs", migrations.AlterField("job", "id", models.CharField(max_length=40, primary_key=True))),
        ("jobs", migrations.AlterField("jobpayload", "type", models.CharField(max_length=60))),
        ("runs", migrations.AlterField("run", "id", models.CharField(max_length=40, primary_key=True))),
        (
            "runs",
            migrations.AlterField("run", "duration_ms", models.DecimalField(max_digits=20, decimal_places=3)),
        ),
        ("runs", migrations.RemoveField("run", "result")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.describe().replace(" ", "-"),
)
def test_a_changed_table_keeps_its_rules(app, operation):
    table = apps.get_model(app, operation.model_name)._meta.db_table
    before = reading.live(table)
    rows.one_everywhere()
    with _migrated(app, operation):
        assert reading.live(table) != before
        _assert_everything_still_holds()
    assert reading.live() == reading.stated()


def test_a_foreign_key_added_later_has_its_rule_in_the_database():
    first = models.ForeignKey("runs.run", on_delete=set_null, null=True, related_name="+")
    with _migrated("runs", migrations.AddField("deadletter", "first", first)):
        assert "foreign key (first_id) references job_runs on delete set null" in reading.live()["dlq_events"]


def test_migrations_go_back_to_nothing_and_come_again():
    before = reading.live()
    for app in ("accounts", "audit"):
        call_command("migrate", app, "zero", verbosity=0)
    try:
        assert reading.live() == {}
    finally:
        call_command("migrate", verbosity=0)
    assert reading.live() == before
