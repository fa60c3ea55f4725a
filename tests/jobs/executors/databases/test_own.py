import pytest

from jobs.executors.databases import own, urls

OURS = {"NAME": "chronos", "USER": "chronos"}


def is_ours(url, engine="postgresql", **over):
    ours = {**OURS, "ENGINE": f"django.db.backends.{engine}", "HOST": "localhost", "PORT": "", **over}
    return own.is_the_same(urls.read(url), ours)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "", "/var/run/postgresql", "::1"])
@pytest.mark.parametrize("named", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_a_server_is_known_by_all_its_names(host, named):
    assert is_ours(f"postgresql://reader@{named}/chronos", HOST=host)
    assert is_ours(f"jdbc:mysql://{named}:3307/Chronos", "mysql", HOST=host, PORT=3307)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader@localhost/shop",
        "postgresql://reader@localhost:5433/chronos",
        "postgresql://reader@192.0.2.1/chronos",
        "mysql://reader@localhost:5432/chronos",
    ],
)
def test_another_database_is_not_ours(url):
    assert not is_ours(url)


def test_a_file_is_known_by_all_its_names(tmp_path):
    (tmp_path / "chronos.db").touch()
    (tmp_path / "other.db").hardlink_to(tmp_path / "chronos.db")
    named = {"engine": "sqlite3", "NAME": str(tmp_path / "chronos.db")}
    assert is_ours(f"sqlite:///{tmp_path}/other.db", **named)
    assert not is_ours(f"sqlite:///{tmp_path}/third.db", **named)
