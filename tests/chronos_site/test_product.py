"""`make run`'s program, started for real: up in order, down in order, and one sentence when it cannot."""

import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
import requests

from tests import migrated as migrations
from tests import product as products

TRACE = "Traceback (most recent call last)"


@pytest.fixture
def launch(tmp_path, migrated):
    """Start a product with one worker; whatever still runs at the end is stopped."""
    started = []
    database = tmp_path / "data" / "chronos.sqlite3"

    def start(*words, tables=True, **settings):
        if tables and not database.exists():
            migrations.copy(migrated, database)
        started.append(products.start(tmp_path, *words, **{"CHRONOS_WORKERS": "1", **settings}))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


def processes_of(folder):
    """Everything that runs with the product's data folder in its environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            mine = entry.name.isdecimal() and str(folder).encode() in (entry / "environ").read_bytes()
            if mine:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def those_of(folder, command):
    return {pid for pid, words in processes_of(folder).items() if f"manage.py {command}" in words}


def await_that(condition, seconds=90):
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def ready(running):
    try:
        return requests.get(f"{running.url}/readyz", timeout=5).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_it_becomes_ready_and_stops_within_seconds_without_a_trace(launch, tmp_path, number):
    running = launch()
    await_that(lambda: ready(running))
    assert running.stop(number) == 0
    assert processes_of(tmp_path) == {}
    assert TRACE not in running.output
    # What does not stop by itself is killed after ten seconds, and that is said.
    assert "SIGKILL" not in running.output


def test_nothing_fires_before_web_can_be_called(launch, tmp_path):
    running = launch()
    await_that(lambda: those_of(tmp_path, "scheduler"))
    socket.create_connection(("127.0.0.1", running.port), timeout=1).close()


def test_asked_to_stop_while_it_starts_it_leaves_nothing_running(launch, tmp_path):
    running = launch()
    running.await_output("started (pid=")
    running.stop()
    assert processes_of(tmp_path) == {}


def test_a_second_start_keeps_the_data_and_tells_no_password(launch, tmp_path):
    first = launch()
    first.await_output("Chronos is ready")
    password = first.password
    first.stop()
    second = launch(port=first.port)
    second.await_output("Chronos is ready")
    assert "password" not in second.output
    with requests.Session() as browser:
        browser.get(f"{second.url}/sign-in/")
        token = browser.cookies["chronos_csrf"]
        form = {"email": second.email, "password": password, "csrfmiddlewaretoken": token}
        browser.post(f"{second.url}/sign-in/", form, headers={"Referer": second.url})
        assert browser.cookies.get("chronos_session")


def test_in_an_empty_folder_it_makes_what_it_keeps_for_nobody_else(launch, tmp_path):
    running = launch(tables=False)
    await_that(lambda: ready(running))
    data = tmp_path / "data"
    kept = [tmp_path / ".env", data, data / "chronos.sqlite3"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept}
    assert modes == {".env": 0o600, "data": 0o700, "chronos.sqlite3": 0o600}


def test_a_process_that_dies_is_started_again(launch, tmp_path):
    running = launch()
    await_that(lambda: ready(running))
    (worker,) = those_of(tmp_path, "worker")
    os.kill(worker, signal.SIGKILL)
    running.await_output("ended with code -9; starting it again")
    await_that(lambda: those_of(tmp_path, "worker") - {worker})


def test_when_it_is_killed_its_processes_end_too(launch, tmp_path):
    running = launch()
    await_that(lambda: ready(running))
    running.process.kill()
    await_that(lambda: processes_of(tmp_path) == {})


def test_one_data_folder_is_for_one_product(launch):
    first = launch()
    await_that(lambda: ready(first))
    second = launch()
    assert second.process.wait(30) == 1
    told = f"It is already running on {first.folder / 'data'} (process {first.process.pid})."
    assert second.output == f"Chronos cannot start. {told}\n"
    await_that(lambda: ready(first))


def test_a_taken_port_is_one_sentence(launch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = launch(port=taken.getsockname()[1])
        assert running.process.wait(30) == 1
    assert running.output.startswith(
        f"Chronos cannot start. Port {running.port} of 127.0.0.1 cannot be used:"
    )
    assert len(running.output.splitlines()) == 1


@pytest.mark.parametrize("setting", ["CHRONOS_DATA_DIR", "CHRONOS_ENV_FILE"])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(launch, setting):
    # Not even root writes there.
    running = launch(**{setting: "/proc/chronos"})
    assert running.process.wait(30) == 1
    assert running.output.startswith("Chronos cannot start. /proc/chronos cannot be written to:")
    assert len(running.output.splitlines()) == 1


def test_with_a_redis_of_ones_own_none_is_started(launch, tmp_path, valkey_server, settings):
    running = launch(REDIS_URL=settings.REDIS_URL)
    await_that(lambda: ready(running))
    assert not [words for words in processes_of(tmp_path).values() if "valkey" in words]


def test_a_monitor_on_this_machine_reads_its_figures(product):
    answer = requests.get(f"{product.url}/metrics", timeout=10)
    assert answer.status_code == 200
    assert "\nchronos_schedulers_alive " in answer.text
    passed_on = requests.get(f"{product.url}/metrics", headers={"X-Forwarded-For": "10.0.0.7"}, timeout=10)
    assert passed_on.status_code == 403
