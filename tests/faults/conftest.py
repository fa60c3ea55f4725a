import threading
from contextlib import closing

import pytest
from django.conf import settings

from tests.faults.effects import Effects
from tests.faults.installation import Installation


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
