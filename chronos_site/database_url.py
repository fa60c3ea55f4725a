"""Django's database settings from one URL, with what each engine needs to be safe."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from chronos_site import env

_STRICT = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"


def database(name: str, default_file: Path) -> dict[str, Any]:
    """Django's settings for the database that the URL names, with what each engine needs to be safe.

    sqlite:///relative/path and sqlite:////absolute/path; postgresql:// (postgres://);
    mysql:// (mariadb://). Special characters in user and password are percent-encoded.
    Without a URL, SQLite in the default file.

    Raises ImproperlyConfigured for a URL that cannot be meant; the URL, which may hold a password,
    is not in the message.
    """
    url = env.text(name) or "sqlite:///" + quote(str(default_file))
    scheme, _, rest = url.partition("://")
    engine = _ENGINES.get(scheme.lower())
    if engine is None:
        raise ImproperlyConfigured(
            f"{name} starts with {scheme[:20]!r}; use sqlite:///, postgresql:// or mysql://."
        )
    return _SAFE[engine](name, _parsed(name, f"{engine}://{rest}"))


def _parsed(name: str, url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True))
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is not a URL; special characters in user and password are written as %40 and the like."
        ) from None
    config["ENGINE"] = config["ENGINE"].replace("django.db.backends", "chronos_site.databases")
    config.setdefault("OPTIONS", {})
    return config


def _safe_sqlite(name: str, config: dict[str, Any]) -> dict[str, Any]:
    if config.get("HOST"):
        raise ImproperlyConfigured(
            f"{name} needs three slashes before a relative path and four before an absolute one: "
            "sqlite:///chronos.sqlite3 or sqlite:////srv/chronos.sqlite3."
        )
    if config["NAME"] != ":memory:":
        config["NAME"] = str(env.BASE_DIR / config["NAME"])
    config["OPTIONS"] |= {
        # A transaction that reads before it writes would fail at the write when another one came between.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # After a crash of the machine the last moment may be lost, but nothing is torn.
        "init_command": "; ".join(
            ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA journal_size_limit=67108864"]
        ),
    }
    return config


def _safe_postgresql(name: str, config: dict[str, Any]) -> dict[str, Any]:
    _require_name(name, config)
    config["OPTIONS"] = {
        "connect_timeout": 10,
        "application_name": "chronos",
        # A server that is cut off is noticed before the leases of what runs are over.
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 15_000,
        # What is asked again and again is planned once: planning is half of what a page's queries cost.
        "server_side_binding": True,
        "prepare_threshold": 2,
    } | config["OPTIONS"]
    return config


def _safe_mysql(name: str, config: dict[str, Any]) -> dict[str, Any]:
    _require_name(name, config)
    config["OPTIONS"] |= {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        # CURRENT_TIMESTAMP, in defaults too, must be the UTC that Django stores, and a value
        # that does not fit must be refused, not cut.
        "init_command": f"SET time_zone = '+00:00', sql_mode = '{_STRICT}'",
    }
    return config


def _require_name(name: str, config: dict[str, Any]) -> None:
    if not config["NAME"]:
        raise ImproperlyConfigured(f"{name} names no database; it ends in /name.")


_ENGINES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_SAFE = {"sqlite": _safe_sqlite, "postgresql": _safe_postgresql, "mysql": _safe_mysql}
