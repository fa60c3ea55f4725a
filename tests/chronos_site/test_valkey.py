"""The embedded Valkey: private, durable, up again when it dies, gone when nobody needs it."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis import Redis

from chronos_site import valkey as embedded
from tests import servers


def await_that(condition, seconds=15):
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def server_of(path):
    with Redis(unix_socket_path=str(path)) as connection:
        return connection.info("server")["process_id"]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_address_of_ones_own_goes_before_the_embedded_server(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379/1")
    assert embedded.url(Path("/srv/data")) == "redis://cache:6379/1"


def test_the_embedded_server_is_a_socket_in_the_data_folder(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert embedded.url(Path("/srv/my data")) == "unix:///srv/my%20data/valkey.sock"


def test_an_address_of_another_kind_is_refused_without_its_password(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "amqp://u:hunter2@broker/")
    with pytest.raises(ImproperlyConfigured) as refused:
        embedded.url(Path("/srv/data"))
    assert "hunter2" not in str(refused.value)


def test_a_folder_too_deep_for_a_socket_gets_a_short_one_of_its_own():
    deep, deeper = Path("/srv") / ("x" * 120), Path("/srv") / ("x" * 121)
    short = embedded.socket_path(deep)
    assert len(os.fsencode(short)) <= embedded.LONGEST_PATH
    assert short == embedded.socket_path(deep) != embedded.socket_path(deeper)


def test_in_a_folder_too_deep_for_a_socket_it_works_all_the_same(tmp_path):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    with servers.valkey(deep):
        folder = embedded.socket_path(deep).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()


def test_a_folder_that_others_can_open_is_not_used_for_the_socket(tmp_path):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    planted = embedded.socket_path(deep).parent
    planted.mkdir(mode=0o755)
    command = [sys.executable, "-m", "chronos_site.valkey", str(deep)]
    refused = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    planted.rmdir()
    assert refused.returncode == 1
    assert refused.stderr.strip() == f"{planted} must be a folder that belongs to you alone (chmod 700)."


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="chronos-") as name:
        yield Path(name)


def test_it_listens_on_a_private_socket_and_no_port(folder):
    with servers.valkey(folder), Redis(unix_socket_path=str(folder / "valkey.sock")) as connection:
        told = connection.config_get("port", "appendfsync", "maxmemory-policy", "save")
        assert stat.S_IMODE((folder / "valkey.sock").stat().st_mode) == 0o700
    assert told == {"port": "0", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""}


def test_it_starts_again_when_killed_and_keeps_what_it_had(folder):
    path = folder / "valkey.sock"
    with servers.valkey(folder):
        with Redis(unix_socket_path=str(path)) as connection:
            connection.set("kept", "yes")
            connection.execute_command("WAITAOF", 1, 0, 5000)
        os.kill(server_of(path), signal.SIGKILL)
        await_that(lambda: embedded.answers(path))
        with Redis(unix_socket_path=str(path)) as connection:
            assert connection.get("kept") == b"yes"


def test_it_ends_when_whoever_started_it_is_gone(folder):
    command = [sys.executable, "-m", "chronos_site.valkey", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as keeper:
        await_that(lambda: embedded.answers(folder / "valkey.sock"))
        server = server_of(folder / "valkey.sock")
        keeper.stdin.close()
        assert keeper.wait(15) == 0
    assert not alive(server)
