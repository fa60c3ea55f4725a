"""A backup is whole, private, and comes back as it was."""

import contextlib
import stat
from datetime import timedelta
from io import StringIO
from threading import Event, Semaphore, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditEvent
from jobs.models import Job, JobPayload, JobSchedule, JobVersion
from runs.backup import BackupFailed, back_up, restore
from runs.fire import fire
from runs.models import Process, Run
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.fixture
def backup(tmp_path):
    """A backup of one job, that is gone from the database afterwards."""
    factories.job(factories.alice(), name="Nightly")
    path = back_up(tmp_path, at=NOON)
    Job.objects.all().delete()
    return path


def test_only_its_owner_reads_it_and_its_name_tells_the_moment(backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert backup.name.startswith(f"chronos-{NOON:%Y%m%d-%H%M%S}.")


def test_a_file_that_is_there_is_left_alone(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    with pytest.raises(BackupFailed, match="overwrites nothing"):
        back_up(kept, at=NOON)
    assert kept.read_text() == "mine"


def test_what_is_restored_is_what_was_there(backup):
    restore(backup, replace=True, force=False)
    assert Job.objects.get().name == "Nightly"
    assert Job.objects.get().owner.email == "alice@example.com"


@pytest.mark.usefixtures("valkey")
def test_the_command_puts_it_back_and_asks_the_doctor(backup):
    said = StringIO()
    with contextlib.suppress(SystemExit, CommandError):
        call_command("restore", backup, replace=True, stdout=said)
    assert Job.objects.get().name == "Nightly"
    assert "Restored. Ticks missed since the backup follow each job's misfire policy." in said.getvalue()
    assert "ok       migrations" in said.getvalue()


def test_a_backup_in_the_midst_of_writing_holds_whole_transactions(tmp_path):
    owner, stop, made = factories.alice(), Event(), Semaphore(0)

    def write():
        while not stop.is_set():
            factories.job(owner)
            made.release()
        connection.close()

    writer = Thread(target=write)
    writer.start()
    for _ in range(3):
        made.acquire(timeout=30)
    path = back_up(tmp_path, at=NOON)
    stop.set()
    writer.join()
    assert restored(path) >= 3


def restored(path):
    """How many jobs come back; each with all that belongs to it."""
    written = Job.objects.count()
    restore(path, replace=True, force=False)
    jobs = Job.objects.count()
    assert jobs <= written
    assert [model.objects.count() for model in (JobSchedule, JobPayload, JobVersion)] == [jobs] * 3
    assert AuditEvent.objects.filter(action="JOB_CREATED").count() == jobs
    return jobs


def test_a_database_that_holds_something_is_not_lost_unasked(backup):
    factories.job(factories.bob(), name="Later")
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", backup)
    assert Job.objects.get().name == "Later"


def test_nothing_is_restored_under_processes_that_run(backup):
    Process.objects.create(name="w", kind=Process.Kind.WORKER, host="here", pid=1)
    with pytest.raises(BackupFailed, match="are running"):
        restore(backup, replace=True, force=False)
    restore(backup, replace=True, force=True)
    assert Job.objects.get().name == "Nightly"


def test_a_file_of_another_kind_changes_nothing(tmp_path):
    (tmp_path / "text").write_text("no backup")
    with pytest.raises(BackupFailed, match="is no backup of a"):
        restore(tmp_path / "text", replace=True, force=False)


@pytest.mark.databases("sqlite3")
def test_a_damaged_file_changes_nothing(backup):
    factories.job(factories.bob(), name="Later")
    whole = backup.read_bytes()
    backup.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupFailed, match="is damaged"):
        restore(backup, replace=True, force=False)
    assert Job.objects.get().name == "Later"


def test_the_table_of_a_newer_state_does_not_stay(backup):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE of_later (id integer)")
    restore(backup, replace=True, force=False)
    assert "of_later" not in connection.introspection.table_names()


def test_what_ran_after_the_backup_is_missed_once_by_the_misfire_policy(tmp_path):
    job = factories.job(factories.alice())
    schedule = job.schedule
    due = schedule.next_fire_at
    path = back_up(tmp_path, at=NOON)
    fire(due)
    assert Run.objects.filter(job=job).count() == 1
    restore(path, replace=True, force=False)
    assert Run.objects.count() == 0
    fire(due + timedelta(seconds=1))
    fire(due + timedelta(seconds=1))
    assert Run.objects.filter(job=job, scheduled_time=due).count() == 1
