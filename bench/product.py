"""The product around a measurement: Django in the measuring process, real processes beside it."""

import atexit
import base64
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from time import monotonic, sleep

import requests

from bench import servers

START_SECONDS = 60
STOP_SECONDS = 60
ROOT = Path(__file__).resolve().parent.parent
KEY = "only for measurements, long enough and not a secret at all 0123456789"


def set_up(database: str, *, pages: bool = False, key: str = KEY) -> None:
    """Make Django ready on the database, migrated; call it once, before any model is imported.

    Processes that are started afterwards use the same database and data folder. The key signs sessions.
    """
    folder = tempfile.mkdtemp(prefix="chronos-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.pop("REDIS_URL", None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "chronos_site.settings",
        "DATABASE_URL": database,
        "SECRET_KEY": key,
        "CHRONOS_ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "CHRONOS_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CHRONOS_DATA_DIR": folder,
        "CHRONOS_ENV_FILE": os.devnull,
        "CHRONOS_SECRETS_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    if pages:
        call_command("collectstatic", interactive=False, verbosity=0)


@contextmanager
def store() -> Iterator[None]:
    """The embedded Valkey in the data folder, where the product looks for it."""
    from django.conf import settings

    from chronos_site.valkey import answers, socket_path

    command = [sys.executable, "-m", "chronos_site.valkey", str(settings.DATA_DIR)]
    # In a session of its own it is still there when Ctrl-C ends the processes that use it.
    keeper = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
    with keeper:
        try:
            wait_for("the embedded Valkey", lambda: answers(socket_path(settings.DATA_DIR)), [keeper])
            yield
        finally:
            keeper.terminate()


@contextmanager
def engine(*commands: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The engine's processes (`scheduler`, `worker`, as often as named), alive by the database's word."""
    from runs.models import Process

    with processes(*([sys.executable, "manage.py", command] for command in commands)) as started:
        ids = {process.pid for process in started}
        wait_for(
            ", ".join(commands),
            lambda: set(Process.objects.filter(stopped_at=None).values_list("pid", flat=True)) >= ids,
            started,
        )
        yield started


def monotonic_at(due: datetime) -> float:
    """The monotonic clock's reading at an instant ahead, by which all rows had to be in place."""
    ahead = (due - datetime.now(UTC)).total_seconds()
    if ahead < 0:
        raise SystemExit("The machine is too busy: it was due before everything was in place.")
    return monotonic() + ahead


@contextmanager
def nothing() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the product's settings and models loaded and sleeps."""
    words = "import django; django.setup(); print(flush=True); import time; time.sleep(3600)"
    process = subprocess.Popen([sys.executable, "-c", words], cwd=ROOT, stdout=subprocess.PIPE)
    with process:
        try:
            next(iter(process.stdout or ()))
            yield process
        finally:
            process.terminate()


@contextmanager
def web() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The web process as the Procfile starts it, and its address."""
    from chronos_site import env

    port = servers.free_port()
    os.environ["CHRONOS_PORT"] = str(port)
    words = ["-m", "gunicorn", "--config", "python:chronos_site.gunicorn_config", "chronos_site.wsgi"]
    with processes([sys.executable, *words]) as started:
        wait_for("the web process", lambda: servers.listens(port), started)
        yield started[0], env.address()


def signed_in(email: str) -> requests.Session:
    """A browser, as far as the web process can tell, whose person has signed in."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    client = Client()
    client.force_login(User.objects.get(email=email))
    person = requests.Session()
    person.cookies.set(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)
    # Whoever can set the cookie is believed when the header says the same.
    token = "m" * 32
    person.cookies.set(settings.CSRF_COOKIE_NAME, token)
    person.headers["X-CSRFToken"] = token
    return person


@contextmanager
def processes(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes in the product's folder, ended by SIGTERM."""
    started = [
        subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for words in commands
    ]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            _see_it_end(process)


def _see_it_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def doctor() -> list[str]:
    """What the doctor finds; nothing when all is well."""
    from django.core.management import CommandError, call_command

    said = StringIO()
    try:
        call_command("doctor", stdout=said, stderr=said)
    except (CommandError, SystemExit) as found:
        broken = [line for line in said.getvalue().splitlines() if not line.startswith("ok ")]
        return broken or [str(found)]
    return []


def wait_for(
    what: str,
    done: Callable[[], bool],
    needed: list[subprocess.Popen[bytes]] | None = None,
    *,
    seconds: float = START_SECONDS,
    pause: float = 0.05,
) -> None:
    """Ask until it is done; give up the measurement when it takes too long or what it needs has ended."""
    give_up_at = monotonic() + seconds
    while not done():
        if monotonic() > give_up_at or any(process.poll() is not None for process in needed or ()):
            raise SystemExit(f"Waited in vain for {what}.")
        sleep(pause)
