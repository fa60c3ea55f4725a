"""The engine on a machine that has nothing but the addresses of the database and of Redis."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from runs.models import Process, Run
from tests import factories
from tests.faults.installation import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases("sqlite3")]

PATIENCE_SECONDS = 30


def start(*words, **other):
    """A command in an environment with two variables, and with no `.env`."""
    environment = {
        "PATH": os.environ["PATH"],
        "CHRONOS_ENV_FILE": os.devnull,
        "DATABASE_URL": f"sqlite:///{settings.DATABASES['default']['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "CHRONOS_SECRETS_KEYS": ",".join(settings.SECRETS_KEYS),
        **other,
    }
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stop(process):
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, said


def test_scheduler_and_worker_need_the_database_and_redis_alone(valkey):
    run = factories.run(factories.job(), "PENDING")
    engine = [start("manage.py", "scheduler"), start("manage.py", "worker")]
    try:
        until(Run.objects.ended().filter(pk=run.pk).exists, "ended")
        run.refresh_from_db()
        assert run.outcome == "SUCCESS"
        doctor = start("manage.py", "doctor")
        said, _ = doctor.communicate(timeout=PATIENCE_SECONDS)
        assert doctor.returncode == 0, said
    finally:
        ends = [stop(process) for process in engine]
    assert [code for code, _ in ends] == [0, 0], ends
    assert set(Process.objects.values_list("kind", flat=True)) == {"SCHEDULER", "WORKER"}


def test_the_doctor_tells_of_a_database_that_is_away(valkey):
    doctor = start("manage.py", "doctor", DATABASE_URL="postgresql://chronos:secret@127.0.0.1:1/chronos")
    said, _ = doctor.communicate(timeout=PATIENCE_SECONDS)
    assert doctor.returncode == 1
    assert "broken   database: The database answers." in said
    assert "secret" not in said


def test_the_web_process_refuses_to_start_without_a_key(valkey):
    web = start("-m", "gunicorn", "--config", "python:chronos_site.gunicorn_config", "chronos_site.wsgi")
    said, _ = web.communicate(timeout=PATIENCE_SECONDS)
    assert web.returncode != 0
    assert "SECRET_KEY" in said
