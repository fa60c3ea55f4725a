"""Two machines with one database and one Redis, of which one loses its network and comes back."""

import time
from contextlib import ExitStack, closing
from secrets import token_hex

import pytest
from django.db import connection

from chronos_site.valkey import socket_path
from runs.models import Process
from tests import factories
from tests.faults import books, load
from tests.faults.installation import LEASE_SECONDS, database_url, until
from tests.faults.machines import HERE, NETWORK, machines, possible
from tests.faults.proxy import Proxy

pytestmark = [
    pytest.mark.faults,
    pytest.mark.databases("postgresql"),
    pytest.mark.skipif(not possible(), reason="machines need root, iproute2 and network namespaces"),
]

WHOLE, BRIEF = LEASE_SECONDS + 5, 2


def password(store):
    """One that the store asks for from now on: without, it may not be reached over a network."""
    secret = token_hex()
    with store.client as client:
        client.config_set("requirepass", secret)
    return secret


@pytest.fixture
def two(chronos, store, effects):
    """Two machines, each with a scheduler and a worker."""
    told = connection.settings_dict
    with ExitStack() as lines, machines(2) as pair:

        def line(target):
            return lines.enter_context(closing(Proxy(target, HERE))).port

        database = line((told["HOST"], int(told["PORT"])))
        chronos.redis_url = f"redis://:{password(store)}@{HERE}:{line(str(socket_path(store.folder)))}/0"
        effects.address = f"{HERE}:{line(('127.0.0.1', effects.server_port))}"
        chronos.told = {
            "DATABASE_URL": database_url(database, HERE),
            "CHRONOS_ALLOWED_NETWORKS": NETWORK,
        }
        for machine in pair:
            chronos.scheduler(on=machine.on)
            chronos.worker(on=machine.on)
        until(lambda: Process.objects.count() == 4, "all up")
        yield pair
        # Their ends find the network still there.
        for machine in pair:
            machine.join()


def test_a_machine_that_loses_its_network_is_relieved_and_comes_back(two, chronos, effects):
    load.load(factories.alice(), effects, seconds=45, each=4)
    for machine, seconds in zip([*two, *two], (WHOLE, BRIEF, BRIEF, WHOLE), strict=True):
        calls = len(effects.seen)
        until(lambda calls=calls: len(effects.seen) > calls + 4, "under load")
        machine.cut_off()
        time.sleep(seconds)
        machine.join()
    chronos.told = {}
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)
