"""Servers that jobs talk to, one of each for all tests."""

import contextlib
from pathlib import Path

import psycopg
import pymysql
import pytest

from tests import servers


@pytest.fixture(scope="session")
def postgresql_server():
    """The address of a PostgreSQL database as its superuser, with a role `reader` and a role `writer`."""
    if not servers.POSTGRESQL.found:
        pytest.skip("PostgreSQL is not here")
    with servers.postgresql() as url:
        with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE chronos")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN PASSWORD 's3cret'")
            connection.execute("GRANT CREATE ON SCHEMA public TO writer")
        yield url


@pytest.fixture(scope="session")
def mariadb_server():
    """The address of a MariaDB database as its superuser, with a user `reader` and a user `writer`."""
    if not servers.MARIADB.found:
        pytest.skip("MariaDB is not here")
    with servers.mariadb() as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        with pymysql.connect(
            host="127.0.0.1", port=port, user="chronos", password="chronos"
        ) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE chronos")
            cursor.execute("CREATE USER reader@'%'")
            cursor.execute("CREATE USER writer@'%' IDENTIFIED BY 's3cret'")
            cursor.execute("GRANT SELECT, EXECUTE, SHOW VIEW ON chronos.* TO reader@'%'")
            cursor.execute("GRANT ALL ON chronos.* TO writer@'%'")
        yield url
