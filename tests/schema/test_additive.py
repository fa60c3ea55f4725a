"""Processes of the version before go on while the tables are already those of the new one.

From the first release on a migration only adds: what it takes away or narrows, an older process still uses.
"""

import re

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

# The last migration of each app that no release has been without.
AT_FIRST_RELEASE = {
    "accounts": 3,
    "api": 1,
    "audit": 3,
    "dashboard": 1,
    "jobs": 7,
    "notifications": 2,
    "runs": 10,
}
# A migration that may do more than add, and why no older process minds: {("runs", "0011_name"): "why"}.
ALLOWED: dict[tuple[str, str], str] = {}

TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
    migrations.AlterField,
    migrations.AddConstraint,
)


def complaint(operation):
    """Why a process of the version before could stumble over the operation; nothing where it cannot."""
    if isinstance(operation, TAKES_AWAY):
        return f"{type(operation).__name__} {operation.describe()}"
    if isinstance(operation, migrations.AddField) and not _may_be_left_out(operation.field):
        return f"{operation.describe()}: an older process leaves it out"
    return ""


def _may_be_left_out(field):
    return field.null or field.many_to_many or field.has_db_default()


def later():
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        # Those of libraries are theirs.
        if app in AT_FIRST_RELEASE and int(re.match(r"\d+", name)[0]) > AT_FIRST_RELEASE[app]:
            yield app, name, migration


def test_after_the_first_release_migrations_only_add():
    found = {
        f"{app}.{name}: {said}"
        for app, name, migration in later()
        if (app, name) not in ALLOWED
        for said in map(complaint, migration.operations)
        if said
    }
    assert found == set()


def test_every_app_with_tables_of_ours_is_watched():
    ours = {app.label for app in apps.get_app_configs() if "site-packages" not in app.path}
    assert {app for app, _ in MigrationLoader(None).disk_migrations} & ours == set(AT_FIRST_RELEASE)


text = models.CharField(max_length=9, default="")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("run", "worker"),
        migrations.RenameField("run", "worker", "by"),
        migrations.AlterField("run", "worker", text),
        migrations.DeleteModel("Run"),
        migrations.AddField("run", "later", text),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_what_an_older_process_stumbles_over_is_found(operation):
    assert complaint(operation)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("run", "later", models.CharField(max_length=9, default="", db_default="")),
        migrations.AddField("run", "later", models.IntegerField(null=True)),
        migrations.AddIndex("run", models.Index(fields=["worker"], name="later")),
        migrations.CreateModel("Later", [("id", models.AutoField(primary_key=True))]),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_what_only_adds_is_fine(operation):
    assert not complaint(operation)
