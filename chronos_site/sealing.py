"""Encryption at rest by the keys of CHRONOS_SECRETS_KEYS."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class NoKey(Exception):
    """There is no key to encrypt with; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__("This installation keeps no secrets: CHRONOS_SECRETS_KEYS holds no key.")


def sealed(value: str) -> str:
    """The value encrypted with the newest key. Raises NoKey."""
    return _keys().encrypt(value.encode()).decode()


def opened(token: str) -> str | None:
    """What was sealed; None when its key is gone."""
    try:
        return _keys().decrypt(token.encode()).decode()
    except (InvalidToken, NoKey):
        return None


def _keys() -> MultiFernet:
    if not settings.SECRETS_KEYS:
        raise NoKey
    return _fernets(tuple(settings.SECRETS_KEYS))


@lru_cache(maxsize=4)
def _fernets(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
