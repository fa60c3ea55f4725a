"""What must not be so where the product is in use."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks.security.base import SECRET_KEY_INSECURE_PREFIX
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 10
SHORTEST_TOKEN = 20


# What signs for people needs a key that nobody guesses; the engine signs nothing.
SIGNING = "signing"


def unsafe() -> list[str]:
    """What makes the settings unsafe for any process, a sentence each; nothing when they are safe."""
    return [sentence for sentence in (_debug(), _hosts(), _token(), _store(), _secrets()) if sentence]


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured with every reason why the web process must not start."""
    if reasons := [*unsafe(), *filter(None, [_key()])]:
        raise ImproperlyConfigured(" ".join(reasons))


@checks.register(checks.Tags.security)
def safe_settings(**kwargs: Any) -> list[checks.CheckMessage]:
    """Management commands, the scheduler's and the worker's among them, do not start on unsafe settings."""
    return [checks.Error(sentence, id="chronos.E001") for sentence in unsafe()]


@checks.register(SIGNING)
def safe_key(**kwargs: Any) -> list[checks.CheckMessage]:
    """Nor on a key that is easy to guess; those of the engine, which sign nothing, do not ask for this."""
    return [checks.Error(sentence, id="chronos.E002") for sentence in filter(None, [_key()])]


def _debug() -> str:
    public = [host for host in settings.ALLOWED_HOSTS if not _is_local(host)]
    if settings.DEBUG and public:
        return f"CHRONOS_DEBUG would show code to whoever reaches {public[0]}; it is for this machine only."
    return ""


def _is_local(host: str) -> bool:
    return host in ("127.0.0.1", "[::1]", "testserver") or host.rpartition(".")[2] == "localhost"


def _hosts() -> str:
    if "*" in settings.ALLOWED_HOSTS:
        return "CHRONOS_ALLOWED_HOSTS is *; name the hosts that people use to reach Chronos."
    return ""


def _token() -> str:
    token: str = settings.METRICS_TOKEN
    if token and len(token) < SHORTEST_TOKEN:
        return f"CHRONOS_METRICS_TOKEN is too easy to guess: it needs {SHORTEST_TOKEN} characters."
    return ""


def _store() -> str:
    found = urlsplit(settings.REDIS_URL)
    if settings.DEBUG or found.scheme != "redis" or found.password or _is_this_machine(found.hostname or ""):
        return ""
    return (
        f"REDIS_URL leads to {found.hostname} without a password and without TLS; whoever is in that network"
        " could start and stop work."
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


def _secrets() -> str:
    if settings.DEBUG or settings.SECRETS_KEYS:
        return ""
    return (
        "CHRONOS_SECRETS_KEYS holds no key, so that passwords of jobs would be stored in the clear."
        " `make run` writes one to .env; keep the same one on every machine."
    )


def _key() -> str:
    key: str = settings.SECRET_KEY
    if (
        len(key) < SHORTEST_KEY
        or len(set(key)) < FEWEST_CHARACTERS
        or key.startswith(SECRET_KEY_INSECURE_PREFIX)
    ):
        return (
            f"SECRET_KEY is too easy to guess: it needs {SHORTEST_KEY} random characters. "
            "`make run` writes one to .env; keep the same one on every machine."
        )
    return ""
