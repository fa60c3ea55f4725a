"""What the first start makes: tables, static files, the first administrator."""

import hashlib
import os
import secrets
import string

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.validators import validate_email
from django.db import connection, transaction
from redis import Redis

from chronos_site import env

# Without the letters and digits that are taken for one another.
ALPHABET = "".join(sorted({*string.ascii_lowercase, *string.digits} - {*"l1o0i"}))
# Parts of the packages' static files that no page asks for: most of what would be hashed and compressed.
UNUSED = ["bootstrap-*", "*.rtl.*", "*.esm.*", "htmx-4*", "htmax-*"]


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
    call_command("collectstatic", clear=True, ignore_patterns=UNUSED, interactive=False, verbosity=0)
    mark.write_text(sources)
    return True


def _static_sources() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(UNUSED):
            found = os.stat(storage.path(name))
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def make_first_administrator() -> tuple[str, str] | None:
    """An administrator with a random password where there is nobody yet; gives their e-mail and password.

    Raises ValidationError when CHRONOS_ADMIN_EMAIL is none.
    """
    people = get_user_model().objects
    email, password = env.text("CHRONOS_ADMIN_EMAIL", "admin@example.com"), _random_password()
    validate_email(email)
    with transaction.atomic():
        if people.exists():
            return None
        people.create_superuser(email, password)
    return email, password


def _random_password() -> str:
    """Twenty characters in groups that can be read out and typed: some hundred bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
