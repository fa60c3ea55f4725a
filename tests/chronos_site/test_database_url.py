"""One URL says which database, and what is safe on each comes along."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from chronos_site import env
from chronos_site.database_url import database


def read(monkeypatch, url, default=Path("/srv/chronos.sqlite3")):
    monkeypatch.setenv("DATABASE_URL", url)
    return database("DATABASE_URL", default)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("", "/srv/chronos.sqlite3"),
        ("sqlite:////var/lib/chronos.db", "/var/lib/chronos.db"),
        ("sqlite:///here.db", str(env.BASE_DIR / "here.db")),
        ("sqlite:////with%20a%20blank.db", "/with a blank.db"),
        ("sqlite://:memory:", ":memory:"),
    ],
)
def test_sqlite_is_a_file(monkeypatch, url, file):
    assert read(monkeypatch, url)["NAME"] == file


def test_the_default_file_may_have_any_name(monkeypatch):
    odd = Path("/srv/50% & ?/#1.sqlite3")
    assert read(monkeypatch, "", odd)["NAME"] == str(odd)


@pytest.mark.parametrize(
    ("scheme", "engine"),
    [("postgres", "postgresql"), ("postgresql", "postgresql"), ("mysql", "mysql"), ("MariaDB", "mysql")],
)
def test_a_server_is_known_by_its_usual_names(monkeypatch, scheme, engine):
    config = read(monkeypatch, f"{scheme}://u:p%40ss%2Fw%23rd@db:1234/chronos")
    assert config["ENGINE"].endswith(engine)
    assert (config["USER"], config["PASSWORD"], config["HOST"]) == ("u", "p@ss/w#rd", "db")
    assert (config["PORT"], config["NAME"]) == (1234, "chronos")


def test_options_of_the_url_reach_the_driver(monkeypatch):
    options = read(monkeypatch, "postgresql://db/chronos?sslmode=require&connect_timeout=3")["OPTIONS"]
    assert (options["sslmode"], options["connect_timeout"]) == ("require", 3)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("chronos.db", "use sqlite:///"),
        ("oracle://u:hunter2@db/chronos", "starts with 'oracle'"),
        ("sqlite://chronos.db", "three slashes"),
        ("postgresql://u:hunter2@db", "names no database"),
        ("postgresql://u:hunter2/x@db/chronos", "special characters"),
        ("postgresql://u:hunter2[@db/chronos", "special characters"),
        ("mysql://u:hunter2@db:port/chronos", "special characters"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_its_password(monkeypatch, url, sentence):
    with pytest.raises(ImproperlyConfigured) as refused:
        read(monkeypatch, url)
    assert sentence in str(refused.value)
    assert "hunter2" not in str(refused.value)


def asked(question):
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.databases("sqlite3")
def test_sqlite_reads_while_it_writes_and_holds_foreign_keys():
    assert asked("PRAGMA journal_mode") == "wal"
    assert asked("PRAGMA foreign_keys") == 1
    assert asked("PRAGMA busy_timeout") == 20_000
    assert asked("PRAGMA synchronous") == 1
    assert connection.transaction_mode == "IMMEDIATE"


@pytest.mark.django_db
@pytest.mark.databases("postgresql", "mysql")
def test_a_servers_clock_is_utc_and_others_work_is_seen_when_committed():
    level = "SHOW transaction_isolation" if connection.vendor == "postgresql" else "SELECT @@tx_isolation"
    zone = "SHOW timezone" if connection.vendor == "postgresql" else "SELECT @@time_zone"
    assert asked(level).lower().replace("-", " ") == "read committed"
    assert asked(zone) in ("UTC", "+00:00")


@pytest.mark.django_db
@pytest.mark.databases("mysql")
def test_mariadb_refuses_what_does_not_fit_and_knows_every_character():
    assert "STRICT_TRANS_TABLES" in asked("SELECT @@sql_mode")
    assert asked("SELECT @@character_set_connection") == "utf8mb4"
    assert asked("SELECT '\N{ALARM CLOCK}'") == "\N{ALARM CLOCK}"
