"""Each measurement, small: it runs and ends with its JSON. How fast is not asked here."""

import json
import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from tests import migrated as migrations

# Of the throw-away database, which is made anew and migrated, one sees enough; the others are given a copy.
WITH_A_DATABASE_OF_ITS_OWN = "throughput"
SMALL = {
    "throughput": ["--runs", "300", "--jobs", "20"],
    "schedules": ["--size", "200"],
    "http": ["--jobs", "10"],
    "latency": ["--clicks", "2"],
    "memory": ["--jobs", "20", "--runs", "20"],
    "idle": ["--size", "20", "--seconds", "1"],
    "held": ["--minutes", "0.1", "--rate", "4", "--readers", "2", "--think", "1"],
}
TELLS = {
    "throughput": {"runs_per_second", "raw_limit_per_second", "database", "workers"},
    "schedules": {"seconds_to_last", "raw_limit_seconds"},
    "http": {"seconds_to_last_outcome", "raw_limit_seconds"},
    "latency": {"median_ms", "p95_ms", "raw_limit_ms"},
    "memory": {"web_mb", "scheduler_mb", "worker_1_mb", "worker_2_mb", "raw_limit_mb"},
    "idle": {"cpu_percent", "memory_mb", "raw_limit_memory_mb"},
    "held": {"runs", "late_p50_ms", "pages", "bytes_per_run"},
}


@pytest.fixture(scope="module")
def measurements(request, migrated, tmp_path_factory):
    """All that are asked for at once, for most of their time they wait."""
    folder = tmp_path_factory.mktemp("bench")
    asked = {item.callspec.params["name"] for item in request.session.items if item.path == request.path}
    command = [sys.executable, "-m", "bench"]

    def database(name):
        if name == WITH_A_DATABASE_OF_ITS_OWN:
            return "sqlite"
        migrations.copy(migrated, folder / name)
        return f"sqlite:///{folder / name}"

    started = {
        name: subprocess.Popen(
            [*command, name, "--json", "--database", database(name), *words],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for name, words in SMALL.items()
        if name in asked
    }
    try:
        yield started
    finally:
        for process in started.values():
            if process.returncode is None:
                # Whoever holds its output would keep us waiting.
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


@pytest.mark.parametrize("name", SMALL)
def test_it_ends_with_what_it_measured_on_the_last_line(measurements, name):
    output, said = measurements[name].communicate(timeout=400)
    assert measurements[name].returncode == 0, said
    found = json.loads(output.splitlines()[-1])
    assert found.keys() >= TELLS[name]
    assert all(found[key] for key in TELLS[name] - {"cpu_percent"})
