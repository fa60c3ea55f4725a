from types import SimpleNamespace

import pytest

from jobs.executors import guard
from jobs.executors.base import ExecutionError
from jobs.executors.databases import own, urls


@pytest.fixture
def ours(monkeypatch):
    """Has Chronos live in the database of such settings."""

    def live_in(**database):
        settings = SimpleNamespace(DATABASES={"default": database})
        monkeypatch.setattr(guard, "settings", settings)
        monkeypatch.setattr(own, "settings", settings)

    return live_in


def is_refused(url):
    try:
        own.refuse(urls.read(url))
    except ExecutionError as error:
        return error.error_class == "FORBIDDEN_ADDRESS"
    return False


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "", "/var/run/postgresql", "::1"])
@pytest.mark.parametrize("named", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_a_server_is_known_by_all_its_names(ours, host, named):
    ours(ENGINE="django.db.backends.postgresql", NAME="chronos", HOST=host, PORT="")
    assert is_refused(f"postgresql://reader@{named}/chronos")


def test_a_database_that_has_its_user_s_name_need_not_be_named(ours):
    ours(ENGINE="django.db.backends.postgresql", NAME="chronos", HOST="localhost", PORT=5433)
    assert is_refused("postgresql://chronos@localhost:5433")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader@localhost/shop",
        "postgresql://reader@localhost:5433/chronos",
        "postgresql://reader@192.0.2.1/chronos",
        "sqlite:////srv/chronos",
    ],
)
def test_another_database_is_not_ours(ours, url):
    ours(ENGINE="django.db.backends.postgresql", NAME="chronos", HOST="localhost", PORT="")
    assert not is_refused(url)


def test_a_file_is_known_by_all_its_names(ours, tmp_path):
    (tmp_path / "chronos.db").touch()
    (tmp_path / "other.db").hardlink_to(tmp_path / "chronos.db")
    ours(ENGINE="django.db.backends.sqlite3", NAME=str(tmp_path / "chronos.db"))
    assert is_refused(f"sqlite:///{tmp_path}/other.db")
    assert not is_refused(f"sqlite:///{tmp_path}/third.db")
