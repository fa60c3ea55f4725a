"""What every test may lean on."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import TransactionTestCase
from redis import Redis

from chronos_site import collector
from notifications import known
from tests import emptying, servers
from tests import migrated as migrations
from tests.browser import chromium, visit  # noqa: F401 (fixtures)
from tests.migrated import migrated  # noqa: F401 (fixture)
from tests.peers import (  # noqa: F401 (fixtures)
    kafka_servers,
    mariadb_server,
    memcached_url,
    postgresql_server,
    rabbitmq_url,
    redis_server,
    redis_url,
)
from tests.product import product  # noqa: F401 (fixture)

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus" / "create_job_requests.json"

# What pytest-django's transactional tests end with; it has no other seam.
TransactionTestCase._fixture_teardown = lambda test: emptying.empty()


def pytest_collection_modifyitems(config, items):
    """Leave out tests that are marked for other databases than this one's."""
    here = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    elsewhere = [item for item in items if here not in databases_of(item)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


def pytest_collection_finish():
    # Ten thousand tests stay until the end.
    collector.settle()


def databases_of(item):
    mark = item.get_closest_marker("databases")
    return mark.args if mark and mark.args else ("sqlite3", "postgresql", "mysql")


def pytest_terminal_summary(terminalreporter):
    if skipped_though_required(terminalreporter):
        terminalreporter.write_line("CHRONOS_REQUIRE_SERVICES=1: a skipped test is a failure.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    # Of several processes only the first one reports; it knows what all of them skipped.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.exitstatus == pytest.ExitCode.OK and skipped_though_required(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skipped_though_required(reporter):
    return os.environ.get("CHRONOS_REQUIRE_SERVICES") == "1" and reporter.stats.get("skipped")


@pytest.fixture(scope="session")
def django_db_keepdb(request, django_db_modify_db_settings):
    """On SQLite the tests begin with a copy of a migrated database, which only has to be looked at."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        migrations.copy(request.getfixturevalue("migrated"), Path(database["TEST"]["NAME"]))
        return True
    return False


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Counts, stops and rules are remembered for seconds: not between tests."""
    cache.clear()
    known.forget()


@pytest.fixture(scope="session")
def valkey_server():
    """The embedded Valkey at the address that the settings name."""
    with servers.valkey(settings.DATA_DIR):
        yield


@pytest.fixture
def valkey(valkey_server):
    """A connection to an empty Valkey: the one that the queues use."""
    with Redis.from_url(settings.REDIS_URL) as connection:
        connection.flushall()
        yield connection


@pytest.fixture(scope="session")
def corpus():
    """The file with real job definitions, which the project does not contain."""
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS.name} is not beside this checkout")
    return CORPUS
