"""Every request of the corpus run to its end, against real servers: what its title promises comes true."""

import json
import os
import tempfile
import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
from confluent_kafka import Producer
from cryptography.fernet import Fernet
from redis import Redis

from jobs.transfer import documents
from jobs.transfer.importing import Import, entries_of
from jobs.vault import Secret
from runs import actions
from runs import drain as drains
from runs.drain import Drainer
from runs.models import DeadLetter, Run
from tests import factories
from tests.factories import NOON
from tests.runs.corpus import Places, Site

pytestmark = pytest.mark.django_db

# Outcome of the last attempt, attempts, error class, and the dead letter of an occurrence that gave up.
#
# What fails without being meant to fails for a reason that its sentence gives: `key` and `current_time` are
# words of MySQL's own (cache#12, database#6); Oracle keeps no session read only (database#12) and nobody has
# SQL Server (db-to-kafka#8) nor keys of Amazon here, and so no secrets that hold them (message-queue#11); a
# `?` asks for a parameter that is not given (GUIDE#11, #13); and nothing says what to warm keys with that are
# not there (retry#9).
OUTCOMES = """
README.txt#1               SUCCESS 1
README.txt#3               SUCCESS 1
cache-jobs.txt#2           SUCCESS 1
cache-jobs.txt#4           SUCCESS 1
cache-jobs.txt#6           SUCCESS 1
cache-jobs.txt#8           SUCCESS 1
cache-jobs.txt#10          SUCCESS 1
cache-jobs.txt#12          FAILURE 4 SYNTAX_ERROR dead letter
database-jobs.txt#2        SUCCESS 1
database-jobs.txt#4        SUCCESS 1
database-jobs.txt#6        FAILURE 5 SYNTAX_ERROR dead letter
database-jobs.txt#8        SUCCESS 1
database-jobs.txt#10       SUCCESS 1
database-jobs.txt#12       FAILURE 3 DATABASE_ERROR dead letter
db-to-kafka-jobs.txt#2     SUCCESS 1
db-to-kafka-jobs.txt#4     SUCCESS 1
db-to-kafka-jobs.txt#6     SUCCESS 1
db-to-kafka-jobs.txt#8     FAILURE 5 DNS_ERROR dead letter
db-to-kafka-jobs.txt#10    SUCCESS 1
dummy-jobs.txt#2           SUCCESS 1
dummy-jobs.txt#4           SUCCESS 2
dummy-jobs.txt#6           SUCCESS 1
dummy-jobs.txt#8           SUCCESS 1
dummy-jobs.txt#10          SUCCESS 1
dummy-jobs.txt#12          SUCCESS 1
dummy-jobs.txt#14          TIMEOUT 2 TIMEOUT dead letter
file-system-jobs.txt#1     SUCCESS 1
file-system-jobs.txt#3     SUCCESS 1
file-system-jobs.txt#5     SUCCESS 1
file-system-jobs.txt#7     SUCCESS 1
file-system-jobs.txt#9     SUCCESS 1
file-system-jobs.txt#11    SUCCESS 1
http-jobs.txt#1            SUCCESS 1
http-jobs.txt#3            SUCCESS 1
http-jobs.txt#5            SUCCESS 1
http-jobs.txt#7            SUCCESS 1
http-jobs.txt#9            TIMEOUT 4 TIMEOUT dead letter
message-queue-jobs.txt#1   SUCCESS 1
message-queue-jobs.txt#3   SUCCESS 1
message-queue-jobs.txt#5   SUCCESS 1
message-queue-jobs.txt#7   SUCCESS 1
message-queue-jobs.txt#9   SUCCESS 1
message-queue-jobs.txt#11  FAILURE 1 PLACEHOLDER_ERROR dead letter
retry-jobs.txt#1           FAILURE 3 HTTP_500 dead letter
retry-jobs.txt#3           FAILURE 10 CONNECTION_ERROR dead letter
retry-jobs.txt#5           FAILURE 1 HTTP_404 dead letter
retry-jobs.txt#7           SUCCESS 1
retry-jobs.txt#9           FAILURE 1 CACHE_SOURCE_MISSING dead letter
script-jobs.txt#1          SUCCESS 1
script-jobs.txt#3          SUCCESS 1
script-jobs.txt#5          SUCCESS 1
script-jobs.txt#7          SUCCESS 1
script-jobs.txt#9          SUCCESS 1
script-jobs.txt#11         SUCCESS 1
CURL_EXAMPLES_GUIDE.md#1   SUCCESS 1
CURL_EXAMPLES_GUIDE.md#3   SUCCESS 1
CURL_EXAMPLES_GUIDE.md#5   SUCCESS 1
CURL_EXAMPLES_GUIDE.md#7   SUCCESS 1
CURL_EXAMPLES_GUIDE.md#9   SUCCESS 1
CURL_EXAMPLES_GUIDE.md#11  FAILURE 1 PARAMETER_ERROR dead letter
CURL_EXAMPLES_GUIDE.md#13  FAILURE 3 PARAMETER_ERROR dead letter
"""


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def mysql(mariadb_server):
    """The databases that the requests name, with the tables they ask."""
    place = urlsplit(mariadb_server)
    with _mariadb(place) as cursor:
        for statement in MYSQL.split(";\n"):
            cursor.execute(statement)
    yield f"mysql://visitor:v1s1tor@127.0.0.1:{place.port}"
    with _mariadb(place) as cursor:
        cursor.execute("DROP USER visitor@'%'")
        for name in ("chronos_db", "myapp", "analytics"):
            cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def _mariadb(place):
    with (
        pymysql.connect(
            host="127.0.0.1", port=place.port, user="chronos", password="chronos", autocommit=True
        ) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


MYSQL = """
CREATE DATABASE chronos_db;
CREATE TABLE chronos_db.jobs (id VARCHAR(26) PRIMARY KEY, name VARCHAR(255), type VARCHAR(50),
    status VARCHAR(50), priority VARCHAR(20), created_at TIMESTAMP NOT NULL DEFAULT NOW());
INSERT INTO chronos_db.jobs VALUES ('J1', 'nightly', 'HTTP', 'SCHEDULED', 'HIGH', NOW()),
    ('J2', 'broken', 'HTTP', 'FAILED', 'LOW', NOW());
CREATE TABLE chronos_db.job_runs (id VARCHAR(26) PRIMARY KEY, job_id VARCHAR(26),
    scheduled_time DATETIME, start_time DATETIME, end_time DATETIME, attempt INT, outcome VARCHAR(20),
    duration_ms BIGINT);
INSERT INTO chronos_db.job_runs VALUES ('R1', 'J1', NOW(), NOW(), NOW(), 1, 'SUCCESS', 1200);
CREATE TABLE chronos_db.users (id BIGINT PRIMARY KEY, name VARCHAR(255), email VARCHAR(255),
    status VARCHAR(20));
INSERT INTO chronos_db.users VALUES (1, 'Mara', 'mara@example.com', 'ACTIVE');
CREATE TABLE chronos_db.config (`key` VARCHAR(50), `value` VARCHAR(50), category VARCHAR(50));
CREATE TABLE chronos_db.audit_events (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT,
    action VARCHAR(50), entity_type VARCHAR(50), entity_id VARCHAR(255), created_at DATETIME, details JSON);
INSERT INTO chronos_db.audit_events (user_id, action, created_at) VALUES (1, 'SIGNED_IN', NOW());
CREATE DATABASE myapp;
CREATE TABLE myapp.users (id INT PRIMARY KEY, active BOOL);
INSERT INTO myapp.users VALUES (1, true);
CREATE DATABASE analytics;
CREATE TABLE analytics.user_events (id INT PRIMARY KEY, user_id INT, event_type VARCHAR(20),
    created_at DATETIME);
INSERT INTO analytics.user_events VALUES (1, 1, 'LOGIN', NOW());
CREATE USER visitor@'%' IDENTIFIED BY 'v1s1tor';
GRANT ALL ON chronos_db.* TO visitor@'%';
GRANT ALL ON myapp.* TO visitor@'%';
GRANT ALL ON analytics.* TO visitor@'%'"""


@pytest.fixture
def postgres(postgresql_server):
    root = postgresql_server.rpartition("/")[0]
    with psycopg.connect(f"{root}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE userdb")
    with psycopg.connect(f"{root}/userdb") as connection:
        connection.execute(
            "CREATE TABLE users (id int, email text, status text, updated_at timestamp);"
            "CREATE TABLE user_preferences (user_id int, preferences jsonb);"
            "INSERT INTO users VALUES (1, 'mara@example.com', 'active', now());"
            "GRANT SELECT ON users, user_preferences TO reader"
        )
    yield root.replace("chronos@", "reader@")
    with psycopg.connect(f"{root}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE userdb")


@pytest.fixture
def files(tmp_path, settings):
    """The folders that the requests name, below one of our own."""
    settings.FILE_ROOTS = [tmp_path]
    week_ago = NOON.timestamp() - 30 * 86_400
    for name in (
        "tmp/source-config.properties",
        "tmp/temp-files/old.tmp",
        "tmp/temp-files/new.txt",
        "tmp/logs/app/today.log",
        "tmp/config/app.yml",
        "tmp/uploads/order.csv",
        "tmp/sensitive-data/contract.pdf",
        "app/config/application.yml",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id,name\n1,first\n")
        os.utime(path, (week_ago, week_ago))
    return tmp_path


@pytest.fixture
def scratch():
    """A folder that scripts may write to, whoever they run as."""
    with tempfile.TemporaryDirectory(prefix="chronos-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o777)
        yield Path(name)


@pytest.fixture
def topics(kafka_servers):
    """The cluster, with a message in each topic that the requests take from, whichever of them runs first."""
    producer = Producer({"bootstrap.servers": kafka_servers})
    for name in ("failed-events.dlq", "chronos-events"):
        producer.produce(name, b"{}")
    assert producer.flush(30) == 0
    return kafka_servers


@pytest.fixture
def cached(redis_url):
    """The cache, with what one of the requests wants kept warm; what another one wants is not there."""
    with Redis.from_url(redis_url) as connection:
        for name in ("popular", "recent", "trending"):
            connection.set(f"user:user:{name}", "1")
    return redis_url


@pytest.fixture
def places(site, mysql, postgres, topics, rabbitmq_url, cached, files, scratch, settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.SCRIPT_ENABLED = True
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    settings.BROKERS = {"events": f"kafka://{topics}"}
    settings.NAMED_DATABASES = {"mysql": f"{mysql}/chronos_db"}
    regions = ("job", "session", "temp", "performance", "application", "user")
    settings.CACHE_REGIONS = {f"{name}-cache": f"{cached}/0?prefix={name}:" for name in regions}
    return Places(site, mysql, postgres, topics, urlsplit(rabbitmq_url).port, files, scratch)


@pytest.fixture(autouse=True)
def short_of_patience(monkeypatch):
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.1)


def brought(corpus, places):
    """The jobs of all requests by their sources."""
    entries = json.loads(corpus.read_text())
    for entry in entries:
        entry["job"] = places.pointed(entry["job"])
    text = json.dumps(entries).encode()
    ada = factories.ada()
    key = Secret(name="ENCRYPTION_KEY", owner=ada)
    key.hide("correct horse battery")
    key.save()
    verdicts = Import(ada, by=None, at=NOON, allow_duplicates=True).carry_out(
        entries_of(documents.read(text, "json"))
    )
    return {verdict.source: verdict.job for verdict in verdicts}


def run_to_the_end(jobs):
    """One run of each by hand, and its retries without their waits."""
    for job in jobs:
        actions.run_now(job, by=None, at=NOON)
    while Run.objects.pending().exists():
        Run.objects.pending().update(available_at=NOON)
        Drainer("w-1").run()


def told(source, job):
    last = Run.objects.filter(job=job).order_by("-attempt").first()
    letters = DeadLetter.objects.filter(job=job).count()
    words = [last.outcome, str(last.attempt), last.error_class or "", "dead letter" * letters]
    return f"{source:<27}{' '.join(filter(None, words))}"


def test_every_request_ends_as_its_title_says(corpus, places):
    jobs = brought(corpus, places)
    run_to_the_end(jobs.values())
    found = "\n".join(told(source, job) for source, job in jobs.items())
    details = "\n".join(
        f"{run.job.name}: {run.error_class}: {run.error_message}"
        for run in Run.objects.exclude(outcome="SUCCESS").select_related("job")
    )
    assert found == OUTCOMES.strip(), f"The outcomes are now:\n{found}\n\n{details}"
