"""`python -m chronos_site.product`: the whole product on one machine, until Ctrl-C."""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from django.core.exceptions import ImproperlyConfigured

from chronos_site import env, processes, valkey


class Refused(Exception):
    """The product cannot start; the message says why, in a sentence."""


def main() -> None:
    parser = ArgumentParser(prog="python -m chronos_site.product", description="Run Chronos on this machine.")
    parser.add_argument("--demo", action="store_true", help="add demo jobs and two weeks of history first")
    demo: bool = parser.parse_args().demo
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    try:
        sys.exit(run(demo=demo))
    except (Refused, ImproperlyConfigured) as error:
        sys.exit(f"Chronos cannot start. {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(*, demo: bool) -> int:
    """Prepare what is missing, then run every process of the Procfile until told to stop."""
    # Whatever we and our processes write is for nobody else, also in a folder that others may open.
    os.umask(0o077)
    data_dir = env.folder("CHRONOS_DATA_DIR", "data")
    _prepare(data_dir)
    with _alone(data_dir):
        _see_that_port_is_free()
        with _store(data_dir):
            _manage("first_start")
            if demo:
                _manage("demo")
            return processes.run()


def _prepare(data_dir: Path) -> None:
    try:
        _make_data_folder(data_dir)
        env.make_file()
    except OSError as error:
        raise Refused(f"{error.filename} cannot be written to: {error.strerror}.") from None


def _make_data_folder(folder: Path) -> None:
    """The data folder, for nobody else to read.

    Raises OSError where it cannot be made or written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Hold the data folder, so that nobody starts a second product on it."""
    with (data_dir / "running.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip()
            raise Refused(f"It is already running on {data_dir} (process {pid}).") from None
        _write_pid(lock)
        yield


def _write_pid(lock: TextIO) -> None:
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def _see_that_port_is_free() -> None:
    host, port = env.listening()
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or error
        raise Refused(
            f"Port {port} of {host} cannot be used: {told}. CHRONOS_PORT=8001 make run takes another."
        ) from None


@contextlib.contextmanager
def _store(data_dir: Path) -> Iterator[None]:
    """The embedded Valkey, up before and down after what uses it; nothing where REDIS_URL is set."""
    if env.text("REDIS_URL"):
        yield
        return
    # In a session of its own it does not hear the Ctrl-C that ends the others.
    command = [sys.executable, "-m", "chronos_site.valkey", str(data_dir)]
    keeper = subprocess.Popen(command, cwd=env.BASE_DIR, stdin=subprocess.PIPE, start_new_session=True)
    try:
        _await_store(data_dir, keeper)
        yield
    finally:
        keeper.terminate()
        keeper.wait()


def _await_store(data_dir: Path, keeper: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + valkey.START_SECONDS
    while not valkey.answers(valkey.socket_path(data_dir)):
        if keeper.poll() is not None:
            # It has said why.
            sys.exit(1)
        if time.monotonic() > give_up_at:
            raise Refused(f"The embedded Valkey does not start; {data_dir / 'valkey.log'} says why.")
        time.sleep(0.02)


def _manage(command: str) -> None:
    """Run a management command; what it says of a failure is enough."""
    # In a session of its own it is ended by us alone, not by Ctrl-C in the middle of a sentence.
    child = subprocess.Popen([sys.executable, "manage.py", command], cwd=env.BASE_DIR, start_new_session=True)
    try:
        code = child.wait()
    finally:
        child.terminate()
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
