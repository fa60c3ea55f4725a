"""Chronos as it runs in production: schedulers and workers as processes, on the test's own database."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

PATIENCE_SECONDS = 45
LEASE_SECONDS = 5
GRACE_SECONDS = 2


def until(condition, what, seconds=PATIENCE_SECONDS):
    """Wait for the condition; gives what it gives."""
    give_up_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return found


def database_url(port=None, host="127.0.0.1"):
    """The address of the database that the test itself works on, by another port where one is given."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    place = f"{host}:{port}" if port else f"{told['HOST']}:{told['PORT']}"
    return f"{connection.vendor}://{told['USER']}@{place}/{told['NAME']}"


@dataclass
class Part:
    """A scheduler or a worker, and what it wrote."""

    process: subprocess.Popen
    output: Path

    @property
    def pid(self):
        return self.process.pid

    @property
    def alive(self):
        return self.process.poll() is None

    @property
    def horse(self):
        """The process that the worker forked, if there is one."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def send(self, number):
        os.kill(self.pid, number)

    def ends(self, seconds=PATIENCE_SECONDS):
        return self.process.wait(seconds)


@dataclass
class Installation:
    folder: Path
    redis_url: str
    parts: list = field(default_factory=list)
    # What its processes are told beside what all of them are.
    told: dict = field(default_factory=dict)

    @property
    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONWARNINGS": "default",
            "CHRONOS_DATA_DIR": str(self.folder),
            "CHRONOS_ENV_FILE": os.devnull,
            "CHRONOS_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CHRONOS_LEASE_SECONDS": str(LEASE_SECONDS),
            "CHRONOS_STOP_GRACE_SECONDS": str(GRACE_SECONDS),
            "SECRET_KEY": settings.SECRET_KEY,
            "DATABASE_URL": database_url(),
            "REDIS_URL": self.redis_url,
            "CHRONOS_SECRETS_KEYS": ",".join(settings.SECRETS_KEYS),
            **self.told,
        }

    @property
    def pids(self):
        """What runs of it, also what its workers forked."""
        alive = [part for part in self.parts if part.alive]
        return [pid for part in alive for pid in (part.pid, part.horse) if pid]

    def manage(self, command):
        """Run another command; gives how it ended and what it wrote."""
        words = [sys.executable, "manage.py", command]
        return subprocess.run(
            words, cwd=settings.BASE_DIR, env=self.environment, capture_output=True, text=True, check=False
        )

    def scheduler(self, **where):
        return self._start("scheduler", **where)

    def worker(self, **where):
        return self._start("worker", **where)

    def _start(self, command, *, on=(), clock=None):
        """Start it on another machine, whose command is given, or with the clock that a file tells."""
        output = self.folder / f"{command}-{len(self.parts)}"
        shifted = ("-m", "tests.faults.shifted", str(clock)) if clock else ()
        with output.open("wb") as out:
            process = subprocess.Popen(
                [*on, sys.executable, *shifted, "manage.py", command],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.parts.append(Part(process, output))
        return self.parts[-1]

    def close(self):
        """Kill what still runs, also what a worker forked; what they all wrote is shown if the test fails."""
        for part in self.parts:
            if part.alive and part.horse:
                os.kill(part.horse, signal.SIGKILL)
            part.process.kill()
            part.process.wait()
            print(f"--- {part.output.name}\n{part.output.read_text()}")
