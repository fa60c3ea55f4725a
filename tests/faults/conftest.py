import tempfile
import threading
from contextlib import closing
from pathlib import Path

import dj_database_url
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tests import servers
from tests.faults.effects import Effects
from tests.faults.installation import Installation
from tests.faults.postgres import Postgres
from tests.faults.store import Store


@pytest.fixture
def effects():
    with Effects() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def chronos(transactional_db, valkey, tmp_path):
    """An installation without processes yet."""
    with closing(Installation(tmp_path, settings.REDIS_URL)) as running:
        yield running


@pytest.fixture
def store():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Store(Path(folder))
        store.start()
        yield store
        store.stop()


@pytest.fixture
def postgres(transactional_db):
    """A PostgreSQL server with our tables that the test may stop; the test's connection leads to it."""
    kept = dict(connection.settings_dict)
    with servers.prepared_postgresql() as prepared:
        connection.close()
        connection.settings_dict.update(dj_database_url.parse(prepared.url) | {"ENGINE": kept["ENGINE"]})
        with closing(Postgres(prepared)) as server:
            server.start()
            call_command("migrate", verbosity=0)
            yield server
        connection.close()
    connection.settings_dict.update(kept)
