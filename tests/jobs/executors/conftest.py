"""The real servers that jobs talk to."""

import pytest
from redis import Redis

from tests import servers


def _url_of(service, server):
    if not service.found:
        pytest.skip(f"{service.name} is not here")
    with server() as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_url():
    yield from _url_of(servers.RABBITMQ, servers.rabbitmq)


@pytest.fixture(scope="session")
def memcached_url():
    yield from _url_of(servers.MEMCACHED, servers.memcached)


@pytest.fixture(scope="session")
def kafka_servers():
    """The bootstrap servers of a cluster."""
    with servers.kafka() as found:
        yield found


@pytest.fixture(scope="session")
def redis_server():
    with servers.valkey_by_tcp() as url:
        yield url


@pytest.fixture
def redis_url(redis_server):
    """A Valkey that holds nothing, by TCP."""
    with Redis.from_url(redis_server) as connection:
        connection.flushall()
    return redis_server
