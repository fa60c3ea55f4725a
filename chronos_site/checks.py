"""What must not be so where the product is in use."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks.security.base import SECRET_KEY_INSECURE_PREFIX
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 10


def unsafe() -> list[str]:
    """What makes the settings unsafe, a sentence each; nothing when they are safe."""
    return [sentence for sentence in (_debug(), _hosts(), _key()) if sentence]


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured with every reason not to start."""
    if reasons := unsafe():
        raise ImproperlyConfigured(" ".join(reasons))


@checks.register(checks.Tags.security)
def safe_settings(**kwargs: Any) -> list[checks.CheckMessage]:
    """Management commands, the scheduler's and the worker's among them, do not start on unsafe settings."""
    return [checks.Error(sentence, id="chronos.E001") for sentence in unsafe()]


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
