"""The real servers that jobs talk to."""

import psycopg
import pymysql
import pytest
from redis import Redis

from jobs.executors.databases import urls
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


@pytest.fixture(scope="session")
def postgresql_server():
    """A PostgreSQL database, as its superuser; `reader` may read there, `writer` may change things too."""
    if not servers.POSTGRESQL.found:
        pytest.skip("PostgreSQL is not here")
    with servers.postgresql() as url:
        with psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE chronos")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN")
            connection.execute("GRANT CREATE ON SCHEMA public TO writer")
        yield url


@pytest.fixture(scope="session")
def mariadb_server():
    """A MariaDB database, as its superuser; `reader` may read there, `writer` may change things too."""
    if not servers.MARIADB.found:
        pytest.skip("MariaDB is not here")
    with servers.mariadb() as url:
        place = urls.read(url)
        with (
            pymysql.connect(
                host="127.0.0.1", port=place.port, user="chronos", password="chronos"
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("CREATE DATABASE chronos")
            cursor.execute("CREATE USER reader@'%'")
            cursor.execute("CREATE USER writer@'%' IDENTIFIED BY 's3cret'")
            cursor.execute("GRANT SELECT, SHOW VIEW ON chronos.* TO reader@'%'")
            cursor.execute("GRANT ALL ON chronos.* TO writer@'%'")
        yield url
