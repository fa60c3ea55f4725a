"""The product does not start on unsafe settings."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from chronos_site import checks

GOOD_KEY = "k9#mQ2v!xR7w@Lp4z$Tn8c%Yh3b^Jf6d&Gs1a*We5u(Ki0o)Zx-"


@pytest.fixture
def safe(settings):
    settings.DEBUG, settings.SECRET_KEY, settings.ALLOWED_HOSTS = False, GOOD_KEY, ["chronos.example.com"]
    return settings


def test_safe_settings_are_let_through(safe):
    checks.refuse_unsafe()
    assert checks.safe_settings() == checks.safe_key() == []


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("METRICS_TOKEN", "short", "CHRONOS_METRICS_TOKEN"),
        ("ALLOWED_HOSTS", ["*"], "CHRONOS_ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", ["chronos.example.com", "*"], "CHRONOS_ALLOWED_HOSTS"),
        ("DEBUG", True, "CHRONOS_DEBUG"),
        ("SECRETS_KEYS", [], "CHRONOS_SECRETS_KEYS"),
        ("REDIS_URL", "redis://cache:6379/0", "REDIS_URL"),
        ("REDIS_URL", "redis://10.0.0.9/0", "REDIS_URL"),
    ],
)
def test_one_unsafe_setting_is_enough_to_refuse(safe, name, value, word):
    setattr(safe, name, value)
    with pytest.raises(ImproperlyConfigured, match=word):
        checks.refuse_unsafe()
    assert [error.id for error in checks.safe_settings()] == ["chronos.E001"]


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://localhost/0",
        "redis://[::1]:6379",
        "redis://:s3cr3t@cache/0",
        "rediss://cache/0",
        "unix:///run/valkey.sock",
    ],
)
def test_a_store_that_strangers_cannot_reach_or_enter_is_let_through(safe, url):
    safe.REDIS_URL = url
    checks.refuse_unsafe()


@pytest.mark.parametrize("key", ["short", "a" * 60, "django-insecure-" + GOOD_KEY])
def test_a_key_that_is_easy_to_guess_is_refused_where_something_is_signed(safe, key):
    safe.SECRET_KEY = key
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        checks.refuse_unsafe()
    assert [error.id for error in checks.safe_key()] == ["chronos.E002"]
    assert checks.safe_settings() == []


@pytest.mark.parametrize("hosts", [["127.0.0.1"], ["localhost", "[::1]"], ["chronos.localhost"]])
def test_debugging_is_for_this_machine(safe, hosts):
    safe.DEBUG, safe.ALLOWED_HOSTS = True, hosts
    checks.refuse_unsafe()
