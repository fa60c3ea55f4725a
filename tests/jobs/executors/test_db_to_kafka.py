"""Streams from real databases to a Kafka cluster in another process."""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count

import psycopg
import pymysql
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.brokers import kafka
from jobs.executors.databases import urls
from jobs.executors.db_to_kafka import execute
from jobs.executors.streams import messages, position
from runs.storable import plain
from tests.factories import NOON

TOPICS = (f"stream-{number}" for number in count())
ROWS = [(1, "a", "2026-01-01 10:00:00"), (2, "b", "2026-01-01 11:00:00"), (3, "c", "2026-01-02 12:00:00")]
INSERT = "INSERT INTO orders VALUES (%s, %s, %s)"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def postgresql(postgresql_server):
    """The address of a table with three orders."""
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute("CREATE TABLE orders (id int, name text, changed_at timestamp)")
        connection.execute("GRANT SELECT ON orders TO reader")
        connection.cursor().executemany(INSERT, ROWS)
    return postgresql_server.replace("//chronos@", "//reader@")


@pytest.fixture
def mariadb(mariadb_server):
    place = urls.read(mariadb_server)
    with (
        pymysql.connect(
            host=place.host, port=place.port, user="chronos", password="chronos", database="chronos"
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("DROP TABLE IF EXISTS orders")
        cursor.execute("CREATE TABLE orders (id int, name longtext, changed_at datetime)")
        cursor.executemany(INSERT, ROWS)
        connection.commit()
    return mariadb_server.replace("//chronos:chronos@", "//reader@")


@pytest.fixture
def mariadb_admin(mariadb_server):
    place = urls.read(mariadb_server)

    def ask(statement):
        with (
            pymysql.connect(
                host=place.host, port=place.port, user="chronos", password="chronos", database="chronos"
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            connection.commit()

    return ask


@pytest.fixture
def sqlite(tmp_path, settings):
    settings.FILE_ROOTS = [tmp_path]
    with sqlite3.connect(tmp_path / "orders.db") as connection:
        connection.execute("CREATE TABLE orders (id int, name text, changed_at text)")
        connection.executemany(INSERT.replace("%s", "?"), ROWS)
    connection.close()
    return f"sqlite:///{tmp_path}/orders.db"


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def topic(kafka_servers, settings):
    """A topic of its own, in the cluster of the settings."""
    settings.BROKERS = {"kafka": f"kafka://{kafka_servers}"}
    return next(TOPICS)


def context(seconds=30.0, state=None, **values):
    return Context(
        "run-1", "job-1", "Orders", NOON, 1, time.monotonic() + seconds,
        log=lambda *_, **__: None, value=values.get, state=state or {},
    )  # fmt: skip


def stream(url, topic, query="SELECT * FROM orders ORDER BY id", *, within=None, options=None, **columns):
    payload = {"database_url": url, "query": query, "kafka_topic": topic, "metadata": options or {}}
    return execute(Payload({**payload, **columns}), within or context())


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        stream(*args, **kwargs)
    return caught.value


def sent(settings, topic, number):
    """So many messages of the topic: key, value and headers."""
    servers = kafka.cluster().servers
    reader = Consumer({"bootstrap.servers": servers, "group.id": topic})
    partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
    reader.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in partitions])
    found, give_up_at = [], time.monotonic() + 20
    while len(found) < number and time.monotonic() < give_up_at:
        message = reader.poll(0.2)
        if message is not None and not message.error():
            found.append((message.key(), message.value(), message.headers()))
    reader.close()
    return sorted(found, key=lambda each: each[1])


def values(settings, topic, number):
    return [json.loads(value) for _, value, _ in sent(settings, topic, number)]


def test_every_row_becomes_a_message(url, topic, settings):
    result = stream(url, topic)
    assert result.data == {"sent": 3, "failed": 0, "batches": 1}
    assert [each["name"] for each in values(settings, topic, 3)] == ["a", "b", "c"]


def test_a_message_has_a_key_and_headers(postgresql, topic, settings):
    stream(
        postgresql, topic, kafka_key_field="ID", options={"kafka_headers": {"source": "shop", "version": 2}}
    )
    key, _, headers = sent(settings, topic, 3)[0]
    assert (key, headers) == (b"1", [("source", b"shop"), ("version", b"2")])


@pytest.mark.parametrize("key", ["name", "title"])
def test_fields_are_renamed_and_left_out_and_the_key_knows_both_names(postgresql, topic, settings, key):
    stream(
        postgresql,
        topic,
        kafka_key_field=key,
        field_mappings={"name": "title"},
        excluded_fields=["changed_at"],
    )
    found = sent(settings, topic, 3)
    assert (found[0][0], json.loads(found[0][1])) == (b"a", {"id": 1, "title": "a"})


def test_an_excluded_column_may_still_be_the_key(postgresql, topic, settings):
    stream(postgresql, topic, kafka_key_field="id", excluded_fields=["id"])
    assert sorted(key for key, _, _ in sent(settings, topic, 3)) == [b"1", b"2", b"3"]


def test_each_message_can_tell_where_it_comes_from(postgresql, topic, settings):
    stream(postgresql, topic, include_metadata=True)
    origin = values(settings, topic, 3)[0]["_metadata"]
    assert origin.pop("processed_at").endswith("+00:00")
    assert origin == {"job_id": "job-1", "job_name": "Orders", "run_id": "run-1"}


def test_parameters_and_placeholders_are_bound(url, topic, settings):
    query = "SELECT * FROM orders WHERE id > ? AND name <> {{ param:name }}"
    within = context(**{"param:name": "b' OR '1'='1"})
    stream(url, topic, query, parameters={"id": 1}, within=within)
    assert [each["id"] for each in values(settings, topic, 2)] == [2, 3]


@pytest.mark.parametrize("column", ["id", "changed_at", "name"])
def test_the_next_run_goes_on_behind_the_last_one(url, topic, settings, column):
    first = context()
    stream(url, topic, within=first, max_rows=2, options={"offset_field": column})
    second = context(state=json.loads(json.dumps(first.remembered)))
    result = stream(url, topic, within=second, options={"offset_field": column})
    assert result.data["sent"] == 1
    assert [each["id"] for each in values(settings, topic, 3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("column", "start"), [("id", "1"), ("changed_at", "2026-01-01 10:00:00"), ("name", "a")]
)
def test_the_job_says_where_the_first_run_starts(url, topic, column, start):
    options = {"offset_field": column, "last_processed_value": start}
    assert stream(url, topic, options=options).data["sent"] == 2


def test_a_new_start_comes_before_what_was_remembered(url, topic):
    first = context()
    stream(url, topic, within=first, options={"offset_field": "id", "last_processed_value": "2"})
    second = context(state=first.remembered)
    options = {"offset_field": "id", "last_processed_value": "0"}
    assert stream(url, topic, within=second, options=options).data["sent"] == 3


@pytest.mark.parametrize("mark", ["?", ":offset", ":last_processed_value"])
def test_the_query_itself_may_ask_for_the_position(url, topic, mark):
    query = f"SELECT * FROM orders WHERE changed_at > {mark} ORDER BY changed_at ASC -- newest last"
    options = {"offset_field": "changed_at", "last_processed_value": "2026-01-01 10:30:00"}
    first = context()
    assert stream(url, topic, query, within=first, options=options).data["sent"] == 2
    second = context(state=first.remembered)
    assert stream(url, topic, query, within=second, options=options).data["sent"] == 0


def test_a_position_is_bound_and_never_pasted(postgresql, topic):
    options = {"offset_field": "name", "last_processed_value": "a' OR '1'='1"}
    assert stream(postgresql, topic, options=options).data["sent"] == 2


@pytest.mark.parametrize("column", ['id"; DROP TABLE orders; --', "id) OR (1=1"])
def test_a_column_s_name_is_no_code(url, topic, column):
    with pytest.raises(ExecutionError):
        stream(url, topic, options={"offset_field": column, "last_processed_value": "0"})
    assert stream(url, topic).data["sent"] == 3


def test_rows_that_share_a_position_are_neither_lost_nor_sent_twice(postgresql, postgresql_server, topic):
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("UPDATE orders SET changed_at = '2026-01-01' WHERE id < 3")
    first = context()
    options = {"offset_field": "changed_at"}
    assert stream(postgresql, topic, within=first, max_rows=1, options=options).data["sent"] == 2
    assert (
        stream(postgresql, topic, within=context(state=first.remembered), options=options).data["sent"] == 1
    )


def test_a_run_that_fails_remembers_what_was_acknowledged(postgresql, postgresql_server, topic):
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("UPDATE orders SET name = repeat('x', 2000000) WHERE id = 3")
    within = context()
    failure = refusal(postgresql, topic, within=within, batch_size=1, options={"offset_field": "id"})
    assert (failure.error_class, failure.result["sent"], failure.result["failed"]) == ("KAFKA_ERROR", 2, 1)
    assert within.remembered["offset"] == 2


def test_a_run_that_fails_among_rows_that_share_a_position_goes_back_to_the_first_of_them(
    postgresql, postgresql_server, topic
):
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("UPDATE orders SET changed_at = '2026-01-01' WHERE id > 1")
        connection.execute("UPDATE orders SET name = repeat('x', 2000000) WHERE id = 3")
    within = context()
    refusal(postgresql, topic, within=within, batch_size=1, options={"offset_field": "changed_at"})
    assert within.remembered == {}


def test_rows_that_fail_go_to_the_dead_letters(postgresql, postgresql_server, topic, settings):
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("UPDATE orders SET name = repeat('x', 2000000) WHERE id = 2")
    options = {"dead_letter_topic": f"{topic}-dlq"}
    result = stream(postgresql, topic, skip_on_error=True, options=options)
    assert (result.data["sent"], result.data["failed"]) == (2, 1)
    (letter,) = values(settings, f"{topic}-dlq", 1)
    assert letter["row_excerpt"].startswith("[2, 'xxx")
    assert (letter["topic"], "too large" in letter["error"]) == (topic, True)


def test_a_row_that_no_message_can_hold_fails_alone(sqlite, topic, monkeypatch):
    # No database that we reach gives such text; a driver might.
    monkeypatch.setattr(messages, "plain", lambda value: "\ud800" if value == "b" else value)
    result = stream(sqlite, topic, skip_on_error=True)
    assert (result.data["sent"], result.data["failed"]) == (2, 1)


def test_a_query_that_would_stand_still_is_refused(sqlite, topic):
    options = {"offset_field": "id"}
    error = refusal(sqlite, topic, "SELECT * FROM orders ORDER BY id LIMIT 2", options=options)
    assert error.message == position.STANDS_STILL
    asking = "SELECT * FROM orders WHERE id > :offset ORDER BY id LIMIT 2"
    assert stream(sqlite, topic, asking, options={**options, "last_processed_value": "1"}).data["sent"] == 2


def test_text_that_differs_in_case_alone_has_one_position(mariadb, mariadb_admin, topic):
    mariadb_admin("UPDATE orders SET name = 'A' WHERE id = 2")
    first = context()
    stream(mariadb, topic, within=first, options={"offset_field": "name"}, max_rows=1)
    second = stream(mariadb, topic, within=context(state=first.remembered), options={"offset_field": "name"})
    assert second.data["sent"] == 1


def test_a_number_too_large_for_json_is_remembered_whole(mariadb, mariadb_admin, topic):
    mariadb_admin("ALTER TABLE orders MODIFY id bigint unsigned")
    mariadb_admin(f"UPDATE orders SET id = {2**63} + id")
    first = context()
    stream(mariadb, topic, within=first, options={"offset_field": "id"}, max_rows=2)
    kept = plain(first.remembered)
    rest = stream(mariadb, topic, within=context(state=kept), options={"offset_field": "id"})
    assert (kept["offset"], rest.data["sent"]) == (str(2**63 + 2), 1)


def test_rows_without_a_position_are_told_of(postgresql, postgresql_server, topic):
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("UPDATE orders SET changed_at = NULL WHERE id = 2")
    lines = []
    within = replace(context(), log=lambda level, message, **_: lines.append(message))
    stream(postgresql, topic, within=within, options={"offset_field": "changed_at"})
    assert "1 row without changed_at: a later run sees no such row." in lines


def test_a_cancellation_wakes_who_looks_for_servers(postgresql, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", slow(socket.getaddrinfo, answered))
    within = context()
    threading.Timer(0.3, within.cancel).start()
    try:
        with pytest.raises(Cancelled):
            stream(postgresql, "t", within=within, options={"bootstrap_servers": "silent.example:9092"})
    finally:
        answered.set()
    assert within.remaining > 27


def slow(real, answered):
    """Look hosts up, but for one whose name server does not answer."""

    def getaddrinfo(host, *args, **options):
        if host == "silent.example" and not options.get("flags"):
            answered.wait(20)
        return real(host, *args, **options)

    return getaddrinfo


def test_a_column_that_is_not_there_is_told(postgresql, topic):
    assert (
        refusal(postgresql, topic, kafka_key_field="nr").message
        == "The query gives no column nr for the key."
    )


def test_a_query_that_changes_something_is_refused(postgresql, topic):
    query = "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone"
    assert refusal(postgresql.replace("reader", "writer"), topic, query).error_class in (
        "READ_ONLY_VIOLATION", "PERMISSION_DENIED",
    )  # fmt: skip


def test_a_query_may_take_its_time_once_rows_come(postgresql, topic):
    slow = "SELECT id, repeat('x', 400), pg_sleep(0.004)::text FROM generate_series(1, 400) AS id"
    assert stream(postgresql, topic, slow, query_timeout_seconds=1).data["sent"] == 400


def test_a_query_that_gives_no_row_in_time_is_ended(postgresql, topic):
    failure = refusal(postgresql, topic, "SELECT pg_sleep(30)", query_timeout_seconds=1)
    assert failure.error_class == "TIMEOUT"


def test_the_job_names_its_own_servers(postgresql, kafka_servers, settings):
    settings.BROKERS = {}
    topic = next(TOPICS)
    options = {"bootstrap_servers": kafka_servers}
    assert stream(postgresql, topic, options=options).data["sent"] == 3


def test_servers_that_a_job_names_must_be_allowed(postgresql, kafka_servers, settings):
    settings.ALLOWED_NETWORKS = []
    failure = refusal(postgresql, "orders", options={"bootstrap_servers": kafka_servers})
    assert failure.error_class == "FORBIDDEN_ADDRESS"


def test_brokers_that_servers_lead_to_must_be_allowed_too(sqlite, kafka_servers, settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.2/32"]
    with passing_on("127.0.0.2", int(kafka_servers.rpartition(":")[2])) as port:
        failure = refusal(sqlite, "orders", options={"bootstrap_servers": f"127.0.0.2:{port}"})
    assert (failure.error_class, "127.0.0.1" in failure.message) == ("FORBIDDEN_ADDRESS", True)


@contextmanager
def passing_on(host, to):
    """A port there whose connections end at a port of this machine."""
    with socket.create_server((host, 0)) as listener:
        threading.Thread(target=pass_on, args=(listener, to), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def pass_on(listener, to):
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", to))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=copy, args=pair, daemon=True).start()


def copy(source, target):
    with suppress(OSError), source, target:
        while data := source.recv(65536):
            target.sendall(data)


def test_without_any_kafka_there_is_nothing_to_send_to(postgresql, settings):
    settings.BROKERS = {"queue": "amqp://localhost/"}
    assert refusal(postgresql, "orders").message.startswith("The job names no Kafka servers")


def test_servers_that_do_not_answer_are_told(postgresql):
    options = {"bootstrap_servers": "127.0.0.1:1", "connection_timeout_seconds": 1}
    failure = refusal(postgresql, "orders", options=options)
    assert (failure.error_class, "127.0.0.1:1" in failure.message) == ("CONNECTION_ERROR", True)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


def test_a_cancellation_ends_a_stream(postgresql, topic):
    within = context()
    threading.Timer(0.5, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        stream(postgresql, topic, ENDLESS, within=within)
    assert time.monotonic() - started < 5


def test_the_run_s_time_is_a_stream_s_limit(postgresql, topic):
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        stream(postgresql, topic, ENDLESS, within=context(1.0))
    assert time.monotonic() - started < 4


def test_a_cancellation_wakes_who_waits_for_servers(postgresql):
    within = context()
    threading.Timer(0.3, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        stream(postgresql, "orders", within=within, options={"bootstrap_servers": "127.0.0.1:1"})
    assert time.monotonic() - started < 5


def test_memory_does_not_grow_with_the_rows(postgresql_server):
    words = [sys.executable, "-m", "bench", "stream", "--rows", "60000", "--batch", "1000", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["memory_grown_mb"] < 8
