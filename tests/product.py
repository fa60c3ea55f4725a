"""The product as a person starts it, in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests import migrated as migrations
from tests import servers

START_SECONDS = 90
STOP_SECONDS = 30


@dataclass
class Product:
    """A product that runs; `output` is what stands on its terminal."""

    folder: Path
    port: int
    process: subprocess.Popen

    email = "admin@example.com"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self):
        return (self.folder / "output").read_text()

    @property
    def password(self):
        return re.search(r"password +(\S+)", self.output)[1]

    def await_output(self, text, seconds=START_SECONDS):
        give_up_at = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < give_up_at, f"no {text!r} in:\n{self.output}"
            assert self.process.poll() is None, f"ended before {text!r}:\n{self.output}"
            time.sleep(0.05)

    def stop(self, number=signal.SIGINT):
        """As Ctrl-C does: a signal to everything that runs in the foreground."""
        os.killpg(self.process.pid, number)
        return self.process.wait(STOP_SECONDS)


def start(folder, *words, port=None, **environment):
    """`python -m chronos_site.product` with nothing of the developer's environment or `.env`."""
    port = port or servers.free_port()
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CHRONOS_DATA_DIR": str(folder / "data"),
        "CHRONOS_ENV_FILE": str(folder / ".env"),
        "CHRONOS_PORT": str(port),
    }
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "chronos_site.product", *words],
            cwd=settings.BASE_DIR,
            env=own | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Product(folder, port, process)


@pytest.fixture(scope="session")
def product(tmp_path_factory, migrated):
    """The running product: `url`, and the first administrator's `email` and `password`."""
    folder = tmp_path_factory.mktemp("product")
    migrations.copy(migrated, folder / "data" / "chronos.sqlite3")
    running = start(folder)
    try:
        running.await_output("Chronos is ready")
        yield running
    finally:
        running.stop()
