"""`python -m chronos_site.product`: the whole product on one machine, until Ctrl-C."""

import contextlib
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

from chronos_site import env, first_start, processes, valkey


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
    for make, what in ((first_start.make_data_folder, data_dir), (first_start.make_env_file, env.FILE)):
        try:
            make(what)
        except OSError as error:
            raise Refused(f"{what} cannot be written to: {error.strerror}.") from None


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
        if keeper.poll() is not None or time.monotonic() > give_up_at:
            raise Refused(f"The embedded Valkey does not start; {data_dir / 'valkey.log'} says why.")
        time.sleep(0.02)


def _manage(command: str) -> None:
    """Run a management command; what it says of a failure is enough."""
    done = subprocess.run([sys.executable, "manage.py", command], cwd=env.BASE_DIR, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
