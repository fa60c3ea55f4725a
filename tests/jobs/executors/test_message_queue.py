"""Message jobs against a real RabbitMQ, Redis and Kafka cluster."""

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

import amqp
import pytest
import trustme
from redis import Redis

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.message_queue import execute
from tests.factories import NOON

NAMES = (f"queue-{number}" for number in count())


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def queue():
    return next(NAMES)


@pytest.fixture
def rabbitmq(rabbitmq_url, settings):
    """The RabbitMQ of the settings, with a connection to it."""
    settings.BROKERS = {"rabbit": rabbitmq_url}
    with amqp.Connection(f"127.0.0.1:{urlsplit(rabbitmq_url).port}") as connection:
        yield connection.channel()


@pytest.fixture
def redis(redis_url, settings):
    settings.BROKERS = {"redis": redis_url}
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def kafka(kafka_servers, settings):
    settings.BROKERS = {"kafka": f"kafka://{kafka_servers}"}


@pytest.fixture(params=["rabbitmq", "redis", "kafka"])
def broker(request):
    """Each of them in turn; `declare` is what makes a queue there."""
    request.getfixturevalue(request.param)
    return {"declare": True} if request.param == "rabbitmq" else {}


def context(seconds=40.0):
    return Context(
        "run-1", "job-1", "Orders", NOON, 1, time.monotonic() + seconds, log=lambda *_, **__: None
    )  # fmt: skip


def run(operation, queue, config=None, *, within=None, **columns):
    names = ("message_body", "message_group_id", "batch_size")
    options = {name: columns.pop(name) for name in list(columns) if name not in names}
    payload = {"operation_type": operation, "queue_name": queue, "queue_config": config, "metadata": options}
    return execute(Payload({**payload, **columns}), within or context())


def produce(queue, body="Hello", config=None, **columns):
    return run("PRODUCE", queue, config, message_body=body, **columns)


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        run(*args, **kwargs)
    return caught.value


def bodies(result):
    return [each["body"] for each in result.data["messages"]]


def test_what_is_produced_is_consumed_once(broker, queue):
    for body in ("one", "zwei ü"):
        produce(queue, body, broker)
    first = run("CONSUME", queue, broker)
    assert sorted(bodies(first)) == ["one", "zwei ü"]
    assert first.summary == f"2 messages taken from {queue}"
    assert run("CONSUME", queue, broker).data["count"] == 0


def test_a_message_goes_to_each_queue_of_a_list(broker, queue):
    other = next(NAMES)
    produce(f"{queue}, {other}", "both", broker)
    assert bodies(run("CONSUME", queue, broker)) == bodies(run("CONSUME", other, broker)) == ["both"]


def test_no_more_than_a_batch_is_taken(broker, queue):
    for number in range(5):
        produce(queue, str(number), broker)
    assert run("CONSUME", queue, broker, batch_size=3).data["count"] == 3
    assert run("CONSUME", queue, broker).data["count"] == 2


def test_dead_letters_are_moved_and_counted(broker, queue):
    target = next(NAMES)
    produce(target, "first", broker)
    for number in range(3):
        produce(queue, str(number), broker)
    moved = run("MOVE_DLQ", queue, {**broker, "targetQueue": target})
    assert moved.data == {"moved": 3, "target": target}
    assert sorted(bodies(run("CONSUME", target, broker))) == ["0", "1", "2", "first"]
    assert run("CONSUME", queue, broker).data["count"] == 0


@pytest.mark.parametrize("broker", ["rabbitmq", "redis"], indirect=True)
def test_a_queue_is_purged_and_counted(broker, queue):
    for number in range(3):
        produce(queue, str(number), broker)
    assert run("PURGE", queue, broker).data == {"purged": {queue: 3}}
    assert run("CONSUME", queue, broker).data["count"] == 0


def test_where_nothing_is_nothing_is_taken(redis, queue):
    assert run("CONSUME", queue).summary == f"0 messages taken from {queue}"


def declared(channel, queue, **options):
    channel.queue_declare(queue, durable=True, auto_delete=False, **options)
    return queue


def test_a_queue_that_is_missing_is_a_failure_and_is_not_made(rabbitmq, queue):
    for operation in ("PRODUCE", "CONSUME", "PURGE"):
        assert refusal(operation, queue, message_body="Hello").error_class == "QUEUE_MISSING"
    with pytest.raises(amqp.NotFound):
        rabbitmq.queue_declare(queue, passive=True)


def test_a_queue_that_is_made_and_its_message_outlive_the_broker(rabbitmq, queue):
    produce(queue, config={"declare": True})
    declared(rabbitmq, queue)
    assert rabbitmq.basic_get(queue).properties["delivery_mode"] == 2


def test_an_exchange_that_is_missing_is_made_and_the_queue_bound_to_it(rabbitmq, queue):
    said = {"exchange": f"{queue}.exchange", "routing_key": "email.new"}
    options = {"message_deduplication_id": "n-17", "message_priority": 4, "message_ttl_seconds": 60}
    headers = {"message_headers": {"source": "chronos"}, "message_attributes": {"type": "email"}}
    produce(queue, message_group_id="group", **said, **options, **headers, persistent=False)
    message = rabbitmq.basic_get(queue)
    told = {name: message.properties[name] for name in ("message_id", "priority", "expiration")}
    assert told == {"message_id": "n-17", "priority": 4, "expiration": "60000"}
    assert message.properties["delivery_mode"] == 1
    expected = {"source": "chronos", "type": "email", "message-group-id": "group"}
    assert message.properties["application_headers"] == expected


def test_an_exchange_that_is_there_is_used_as_it_is(rabbitmq, queue):
    exchange, bound = f"{queue}.exchange", declared(rabbitmq, next(NAMES))
    rabbitmq.exchange_declare(exchange, "fanout", durable=False, auto_delete=False)
    rabbitmq.queue_bind(bound, exchange)
    produce(queue, config={"exchange": exchange, "routingKey": "any"})
    assert rabbitmq.basic_get(bound).body == b"Hello"
    with pytest.raises(amqp.NotFound):
        rabbitmq.queue_declare(queue, passive=True)


def test_a_message_that_no_queue_gets_is_a_failure(rabbitmq, queue):
    rabbitmq.exchange_declare(f"{queue}.exchange", "direct", durable=True, auto_delete=False)
    config = {"exchange": f"{queue}.exchange", "routingKey": "nobody", "declare": False}
    failure = refusal("PRODUCE", queue, config, message_body="Hello")
    assert failure.error_class == "UNROUTABLE"


def test_a_message_that_a_full_queue_refuses_is_a_failure(rabbitmq, queue):
    declared(rabbitmq, queue, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    produce(queue)
    failure = refusal("PRODUCE", queue, message_body="Hello")
    assert (failure.error_class, "may be full" in failure.message) == ("BROKER_ERROR", True)


def test_dead_letters_keep_what_was_known_of_them(rabbitmq, queue):
    target = declared(rabbitmq, next(NAMES))
    options = {"message_deduplication_id": "n-17", "message_headers": {"source": "chronos"}}
    produce(queue, config={"declare": True}, **options)
    run("MOVE_DLQ", queue, {"targetQueue": target})
    message = rabbitmq.basic_get(target)
    assert message.properties["message_id"] == "n-17"
    assert message.properties["application_headers"] == {"source": "chronos"}


def test_dead_letters_stay_when_they_cannot_be_moved(rabbitmq, queue):
    produce(queue, config={"declare": True})
    assert refusal("MOVE_DLQ", queue, {"targetQueue": "not-there"}).error_class == "QUEUE_MISSING"
    assert run("CONSUME", queue).data["count"] == 1


def test_dead_letters_that_come_back_are_not_moved_again(rabbitmq, queue):
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue, "x-message-ttl": 0}
    target = declared(rabbitmq, next(NAMES), arguments=back)
    for _ in range(3):
        produce(queue, config={"declare": True})
    assert run("MOVE_DLQ", queue, {"targetQueue": target}).data["moved"] == 3


def test_what_does_not_fit_with_one_run_stays_in_the_queue(broker, queue, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    for number in range(3):
        produce(queue, str(number) * 400_000, broker)
    first = run("CONSUME", queue, broker)
    assert (first.data["count"], first.data["not_shown"]) == (2, 2)
    assert len(first.artefacts[0].content.splitlines()) == 2
    assert run("CONSUME", queue, broker).data["count"] == 1


def test_messages_that_are_no_text_are_kept_as_base64(redis, queue):
    redis.rpush(queue, b"\xff\x00")
    assert run("CONSUME", queue).data["messages"][0]["body_base64"] == "/wA="


def test_what_a_run_that_was_lost_had_taken_comes_first(redis, queue):
    redis.rpush(f"{queue}:taken:job-1", "lost")
    redis.rpush(queue, "next")
    assert bodies(run("CONSUME", queue)) == ["lost", "next"]
    assert redis.keys(f"{queue}*") == []


def test_a_key_that_is_no_list_is_told(redis, queue):
    redis.set(queue, "text")
    failure = refusal("PRODUCE", queue, message_body="Hello")
    assert (failure.error_class, "wrong kind" in failure.message) == ("BROKER_ERROR", True)


def test_kafka_gets_key_and_headers(kafka, queue):
    config = {"messageKey": "user-1", "headers": {"version": 1.0}}
    produce(queue, "Hello", config, message_deduplication_id="n-17")
    told = run("CONSUME", queue).data["messages"][0]
    assert (told["key"], told["headers"]["version"]) == ("user-1", "1.0")
    assert told["headers"]["message-id"] == "n-17"


@pytest.mark.parametrize("acks", ["1", "all"])
def test_kafka_takes_its_producers_options(kafka, queue, acks):
    options = {"batchSize": 16384, "lingerMs": 5, "compressionType": "gzip", "retries": 0}
    produce(queue, config={"acks": acks, "maxInFlightRequestsPerConnection": 5, **options})
    assert run("CONSUME", queue).data["count"] == 1


def test_each_group_comes_to_its_own_place(kafka, queue):
    produce(queue)
    assert run("CONSUME", queue, {"groupId": f"{queue}-a"}).data["count"] == 1
    assert run("CONSUME", queue, {"groupId": f"{queue}-b"}).data["count"] == 1


def test_who_begins_at_the_latest_misses_nothing_that_comes_later(kafka, queue):
    config = {"groupId": queue, "autoOffsetReset": "latest"}
    produce(queue, "before")
    assert run("CONSUME", queue, config).data["count"] == 0
    produce(queue, "after")
    assert bodies(run("CONSUME", queue, config)) == ["after"]


def test_a_topic_that_is_missing_is_a_failure(kafka, queue):
    assert refusal("CONSUME", queue).error_class == "QUEUE_MISSING"


def test_brokers_that_cannot_purge_say_so(kafka, queue):
    produce(queue)
    failure = refusal("PURGE", queue)
    assert (failure.error_class, "not supported" in failure.message) == ("KAFKA_ERROR", True)


def nowhere(kind, port):
    if kind == "KAFKA":
        return {"type": kind, "bootstrapServers": f"127.0.0.1:{port}"}
    return {"type": kind, "host": "127.0.0.1", "port": port}


KINDS = ["RABBITMQ", "REDIS", "KAFKA"]


@pytest.fixture
def silent():
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_that_is_not_there_is_told_soon(kind, queue):
    started = time.monotonic()
    failure = refusal("PRODUCE", queue, nowhere(kind, 1), message_body="Hello")
    assert failure.error_class == "CONNECTION_ERROR"
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_that_says_nothing_is_told_soon(kind, queue, silent):
    started = time.monotonic()
    failure = refusal("PRODUCE", queue, nowhere(kind, silent), message_body="Hello")
    assert failure.error_class == "CONNECTION_ERROR"
    assert time.monotonic() - started < 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_cancelled_waits_for_no_broker(kind, queue, silent):
    within = context()
    threading.Timer(0.5, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run("PRODUCE", queue, nowhere(kind, silent), within=within, message_body="Hello")
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_ends_with_its_time(kind, queue, silent):
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run("CONSUME", queue, nowhere(kind, silent), within=context(1))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "localhost"])
def test_a_broker_that_a_job_names_is_where_jobs_may_go(kind, host, queue, settings):
    settings.ALLOWED_NETWORKS = []
    config = {"type": kind, "host": host.strip("[]"), "port": 9}
    if kind == "KAFKA":
        config = {"type": kind, "brokers": f"{host}:9"}
    assert refusal("PRODUCE", queue, config, message_body="Hello").error_class == "FORBIDDEN_ADDRESS"


def test_the_administrators_brokers_may_be_anywhere(broker, queue, settings):
    settings.ALLOWED_NETWORKS = []
    assert produce(queue, config=broker).data["sent_to"] == [queue]


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_nobody_knows_is_told(kind, queue):
    config = {"type": kind, "host": "nowhere.invalid"}
    if kind == "KAFKA":
        config = {"type": kind, "brokers": "nowhere.invalid:9092"}
    assert refusal("PRODUCE", queue, config, message_body="Hello").error_class == "DNS_ERROR"


@pytest.mark.parametrize("said", [{"password": "s3cret-word"}, {"vhost": "not-there"}])
def test_a_broker_that_refuses_the_user_is_told_without_the_password(rabbitmq, rabbitmq_url, queue, said):
    config = {"host": "127.0.0.1", "port": urlsplit(rabbitmq_url).port, "username": "guest", **said}
    failure = refusal("PRODUCE", queue, config, message_body="Hello")
    assert failure.error_class == "BROKER_REFUSED"
    assert "s3cret-word" not in failure.message


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """An authority that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


@contextmanager
def over_tls(authority, name, port):
    """The port of a server that speaks TLS in the name, for the one at the other port."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        thread = threading.Thread(target=relay, args=(server, tls, port))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


def relay(server, tls, port):
    with (
        suppress(OSError),
        tls.wrap_socket(server.accept()[0], server_side=True) as near,
        socket.create_connection(("127.0.0.1", port)) as far,
    ):
        back = threading.Thread(target=pump, args=(far, near))
        back.start()
        pump(near, far)
        back.join()


def pump(source, target):
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("kind", ["RABBITMQ", "REDIS"])
@pytest.mark.parametrize(("name", "outcome"), [("localhost", "sent"), ("other.example", "TLS_ERROR")])
def test_tls_is_spoken_with_a_server_of_the_right_name(
    kind, name, outcome, trusted, queue, rabbitmq_url, redis_url
):
    port = urlsplit(rabbitmq_url if kind == "RABBITMQ" else redis_url).port
    with over_tls(trusted, name, port) as near:
        config = {"type": kind, "host": "localhost", "port": near, "ssl": True}
        config |= {"declare": True} if kind == "RABBITMQ" else {}
        try:
            found = produce(queue, config=config) and "sent"
        except ExecutionError as failure:
            found = failure.error_class
    assert found == outcome


def test_tls_is_not_given_up_where_a_broker_knows_none(rabbitmq, rabbitmq_url, queue):
    url = rabbitmq_url.replace("amqp:", "amqps:")
    assert refusal("PRODUCE", queue, {"url": url}, message_body="Hello").error_class == "TLS_ERROR"


@pytest.mark.parametrize(
    ("brokers", "config", "sentence"),
    [
        ({}, None, "has none that it could mean."),
        ({"a": "amqp://a/", "b": "amqp://b/"}, None, "has 2 that it could mean: a, b."),
        ({"a": "amqp://a/"}, {"broker": "b"}, "There is no broker b in CHRONOS_BROKERS; it has a."),
        ({"a": "amqp://a/"}, {"broker": "a", "type": "KAFKA"}, "The broker a is no Kafka."),
        ({"a": "amqp://a/"}, {"type": "REDIS", "url": "http://b/"}, "does not say where its Redis is"),
        ({"a": "redis://a/"}, {"db": 3}, "The job says no host: leave out db, or say it all."),
        ({}, {"url": "http://b/"}, "The url is none of a broker."),
        ({"a": "redis://a/"}, {"autoAck": True}, "Redis knows nothing of 'autoAck'"),
    ],
)
def test_a_job_says_which_broker_it_means(brokers, config, sentence, queue, settings):
    settings.BROKERS = brokers
    failure = refusal("CONSUME", queue, config)
    assert (failure.error_class, sentence in failure.message) == ("BROKER_ERROR", True), failure.message


def test_what_a_broker_cannot_carry_is_not_dropped(redis, queue):
    failure = refusal("PRODUCE", queue, message_body="Hello", message_headers={"source": "chronos"})
    assert failure.message == "Redis knows no headers."
    assert redis.keys() == []


def test_a_broker_may_be_called_by_its_name(redis, redis_url, queue, settings):
    settings.BROKERS = {"orders": redis_url, "other": "amqp://other/"}
    produce(queue, config={"broker": "orders"})
    assert redis.lrange(queue, 0, -1) == [b"Hello"]
