"""What the first start makes: data folder, `.env`, tables, static files, the first administrator."""

import hashlib
import os
import secrets
import string
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection, transaction
from redis import Redis

from chronos_site import env

# Without the letters and digits that are taken for one another.
ALPHABET = "".join(sorted({*string.ascii_lowercase, *string.digits} - {*"l1o0i"}))

SETTINGS = """\
# Settings of this installation. What is set in the environment comes before what stands here;
# docs/operating.md lists every setting. This file holds secrets: keep it to yourself.

# Signs sessions and links. Whoever changes it signs everybody out.
SECRET_KEY={secret_key}

# Where the data is. Without it: SQLite in the folder data/.
# DATABASE_URL=postgresql://chronos:password@127.0.0.1:5432/chronos

# Which Redis or Valkey to use. Without it: an embedded one, started by `make run`.
# REDIS_URL=redis://127.0.0.1:6379/0

# Private networks that jobs may connect to; public addresses are open to them anyway.
# This machine itself, to try things out: take it away where other people have accounts here.
CHRONOS_HTTP_ALLOWED_NETWORKS=127.0.0.0/8,::1

# Where the web process listens.
# CHRONOS_HOST=127.0.0.1
# CHRONOS_PORT=8000
"""


def make_data_folder(folder: Path) -> None:
    """The data folder, for nobody else to read.

    Raises OSError where it cannot be made or written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    probe = folder / ".writable"
    probe.touch()
    probe.unlink()


def make_env_file(file: Path) -> bool:
    """Write a fresh SECRET_KEY to `.env` unless there is one already; says whether it did.

    Raises OSError where it cannot be written.
    """
    if env.text("SECRET_KEY"):
        return False
    key = secrets.token_urlsafe(50)
    text = f"\nSECRET_KEY={key}\n" if file.exists() else SETTINGS.format(secret_key=key)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
        out.write(text)
    file.chmod(0o600)
    return True


def reach_database() -> None:
    """Connect once. Raises django.db.Error when the database does not answer or is not one of ours."""
    connection.ensure_connection()


def reach_redis() -> None:
    """Ask for a sign of life. Raises redis.RedisError, or ValueError for an address that is none."""
    with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as redis:
        redis.ping()


def collect_static_files() -> bool:
    """Gather, hash and compress the static files when one of them has changed; says whether it did."""
    mark = settings.STATIC_ROOT / ".sources"
    sources = _static_sources()
    if mark.exists() and mark.read_text() == sources:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(sources)
    return True


def _static_sources() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = os.stat(storage.path(name))
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def make_first_administrator() -> tuple[str, str] | None:
    """An administrator with a random password where there is nobody yet; gives their e-mail and password."""
    people = get_user_model().objects
    email, password = env.text("CHRONOS_ADMIN_EMAIL", "admin@example.com"), _random_password()
    with transaction.atomic():
        if people.exists():
            return None
        people.create_superuser(email, password)
    return email, password


def _random_password() -> str:
    """Twenty characters in groups that can be read out and typed: some hundred bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
