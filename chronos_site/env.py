"""What the environment says, read once and refused in a sentence when it makes no sense."""

import base64
import json
import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

BASE_DIR = Path(__file__).resolve().parent.parent
FILE = Path(os.environ.get("CHRONOS_ENV_FILE") or BASE_DIR / ".env")

load_dotenv(FILE)

TEMPLATE = """\
# Settings of this installation. What is set in the environment comes before what stands here;
# docs/operating.md lists every setting. This file holds secrets: keep it to yourself.

# Signs sessions and links. Whoever changes it signs everybody out.
SECRET_KEY={secret_key}

# Encrypts what may hold a secret, the newest key first. Without them it is lost.
CHRONOS_SECRETS_KEYS={secrets_key}

# Where the data is. Without it: SQLite in the folder data/.
# DATABASE_URL=postgresql://chronos:password@127.0.0.1:5432/chronos

# Which Redis or Valkey to use. Without it: an embedded one, started by `make run`.
# REDIS_URL=redis://127.0.0.1:6379/0

# Private networks that jobs may connect to; public addresses are open to them anyway.
# This machine itself, to try things out: take it away where other people have accounts here.
CHRONOS_ALLOWED_NETWORKS=127.0.0.0/8,::1

# Where the web process listens.
# CHRONOS_HOST=127.0.0.1
# CHRONOS_PORT=8000
"""

KEY_BYTES = 32
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable's text without surrounding blanks, or the default."""
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool = False) -> bool:
    """True or false from 1/0, true/false, yes/no, on/off in any case.

    Raises ImproperlyConfigured for anything else.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; use 1 or 0.")


def number(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole number of at least `least` and at most `most`.

    Raises ImproperlyConfigured for anything else.
    """
    value = text(name)
    if not value:
        return default
    if not value.isdecimal() or int(value) < least or (most is not None and int(value) > most):
        bounds = f"at least {least}" if most is None else f"{least} to {most}"
        raise ImproperlyConfigured(f"{name} is {value!r}; use a whole number of {bounds}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """The comma-separated words of the variable, blanks and empty ones dropped."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def folder(name: str, default: str) -> Path:
    """An absolute folder; a relative one counts from the project's, whatever the working directory is."""
    return BASE_DIR / Path(text(name) or default).expanduser()


def one_of(name: str, *choices: str) -> str:
    """One of the choices in any case, the first by default.

    Raises ImproperlyConfigured for anything else.
    """
    value = text(name)
    chosen = {choice.lower(): choice for choice in choices}.get(value.lower() or choices[0].lower())
    if chosen is None:
        raise ImproperlyConfigured(f"{name} is {value!r}; use {', '.join(choices[:-1])} or {choices[-1]}.")
    return chosen


def networks(name: str) -> list[str]:
    """IP networks such as 10.0.0.0/8 or single addresses, separated by commas.

    Raises ImproperlyConfigured for anything else.
    """
    found = words(name)
    for each in found:
        try:
            ip_network(each, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} names {each!r}, which is no network such as 10.0.0.0/8."
            ) from None
    return found


def folders(name: str, default: Path) -> list[Path]:
    """Folders separated by colons, each whole as `folder` makes it."""
    found = [part for part in text(name).split(os.pathsep) if part.strip()]
    return [BASE_DIR / Path(part.strip()).expanduser() for part in found] or [default]


def files(name: str) -> list[Path]:
    """Files separated by colons, each whole as `folder` makes it.

    Raises ImproperlyConfigured for one that is not there.
    """
    found = [
        BASE_DIR / Path(part.strip()).expanduser() for part in text(name).split(os.pathsep) if part.strip()
    ]
    for each in found:
        if not each.is_file():
            raise ImproperlyConfigured(f"{name} names {each}, which is no file.")
    return found


def addresses(name: str, *schemes: str) -> dict[str, str]:
    """URLs by name, as a JSON object: {"orders": "amqp://user:password@rabbitmq/"}.

    Raises ImproperlyConfigured for anything else, without showing what may be a password.
    """
    found = _json(name)
    if not isinstance(found, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object of names and URLs.")
    for key, url in found.items():
        if not isinstance(url, str) or url.partition("://")[0] not in schemes:
            raise ImproperlyConfigured(f"{name}: the URL of {key!r} must start with {_or(schemes)}.")
    return found


def _or(schemes: tuple[str, ...]) -> str:
    shown = [f"{each}://" for each in schemes]
    return f"{', '.join(shown[:-1])} or {shown[-1]}"


def listening() -> tuple[str, int]:
    """Host and port of the web process."""
    general = number("PORT", 8000, least=1, most=65535)
    return text("CHRONOS_HOST", "127.0.0.1"), number("CHRONOS_PORT", general, least=1, most=65535)


def address() -> str:
    """What to open in a browser on this machine."""
    host, port = listening()
    # The addresses that mean every interface are none that a browser can open.
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def words_by_name(name: str) -> dict[str, str]:
    """Words by name, as a JSON object: {"chronos-admins": "ADMIN"}.

    Raises ImproperlyConfigured for anything else.
    """
    found = _json(name)
    if not isinstance(found, dict) or not all(isinstance(word, str) for word in found.values()):
        raise ImproperlyConfigured(f"{name} is no JSON object of texts.")
    return found


def _json(name: str) -> Any:
    """What the text says, an empty object where there is none. Raises ImproperlyConfigured."""
    try:
        return json.loads(text(name) or "{}")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is no JSON: {error}.") from None


def base_url(name: str) -> str:
    """Where people open Chronos, with a slash at its end; without a word about it, on this machine.

    Raises ImproperlyConfigured for what is no address of the web.
    """
    value = text(name) or address()
    if not value.startswith(("https://", "http://")) or any(map(str.isspace, value)):
        raise ImproperlyConfigured(
            f"{name} is {value!r}; use an address such as https://chronos.example.com/."
        )
    return value.rstrip("/") + "/"


def keys(name: str) -> list[str]:
    """Fernet keys separated by commas: 32 bytes each, as URL-safe Base64.

    Raises ImproperlyConfigured for anything else, without showing it.
    """
    found = words(name)
    for number, key in enumerate(found, 1):
        try:
            fits = len(base64.urlsafe_b64decode(key)) == KEY_BYTES
        except ValueError:
            fits = False
        if not fits:
            raise ImproperlyConfigured(f"{name}: key {number} is no Fernet key, 32 bytes in URL-safe Base64.")
    return found


def make_file() -> None:
    """Write fresh keys to `.env` unless they are there already.

    Raises OSError where it cannot be written.
    """
    signing = secrets.token_urlsafe(50)
    encrypting = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    fresh = {"SECRET_KEY": signing, "CHRONOS_SECRETS_KEYS": encrypting}
    missing = {name: key for name, key in fresh.items() if not text(name)}
    if not missing or (not FILE.exists() and "SECRET_KEY" not in missing):
        return
    lines = "".join(f"\n{name}={key}\n" for name, key in missing.items())
    if not FILE.exists():
        lines = TEMPLATE.format(secret_key=signing, secrets_key=encrypting)
    with open(os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
        out.write(lines)
    FILE.chmod(0o600)
