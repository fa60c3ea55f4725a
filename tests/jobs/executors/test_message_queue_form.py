import pytest

from jobs.executors import TYPES
from tests.jobs.executors.payloads import errors, full, small


def test_producing_needs_a_message():
    assert errors(small("MESSAGE_QUEUE", messageBody=None)) == {"message_body": "Say what to send."}


@pytest.mark.parametrize("operation", ["CONSUME", "purge"])
def test_the_others_need_none(operation):
    assert errors(small("MESSAGE_QUEUE", operationType=operation, messageBody=None)) == {}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (None, 'Name the queue to move to: "targetQueue": "orders".'),
        ({"targetQueue": 5}, 'Name the queue to move to: "targetQueue": "orders".'),
        ({"targetQueue": " "}, 'Name the queue to move to: "targetQueue": "orders".'),
        ({"targetQueue": "orders"}, "The target is the queue itself."),
    ],
)
def test_dead_letters_are_moved_to_another_queue(config, sentence):
    assert errors(small("MESSAGE_QUEUE", operationType="MOVE_DLQ", queueConfig=config)) == {
        "queue_config": sentence
    }


@pytest.mark.parametrize(
    ("broker", "name", "sentence"),
    [
        ("KAFKA", "orders new", "'orders new' is no topic name:"),
        ("kafka", "x" * 250, "is no topic name:"),
        ("KAFKA", "..", "'..' is no topic name:"),
        ("SQS", "orders.new", "'orders.new' is no SQS queue:"),
        ("SQS", "x" * 76 + ".fifo", "is no SQS queue:"),
        ("RABBITMQ", "a,,b", "A name between the commas is missing."),
        ("RABBITMQ", "a\tb", "This holds a control character."),
        ("REDIS", "x" * 256, "Ensure this value has at most 255 characters"),
    ],
)
def test_names_follow_the_rules_of_the_broker(broker, name, sentence):
    found = errors(small("MESSAGE_QUEUE", queueName=name, queueConfig={"type": broker}))
    assert found.keys() == {"queue_name"}
    assert sentence in found["queue_name"]


@pytest.mark.parametrize(
    ("broker", "name"),
    [
        ("KAFKA", "failed-events.dlq"),
        ("SQS", "x" * 75 + ".fifo"),
        ("SQS", "orders_new-2"),
        ("RABBITMQ", "orders new/à la carte"),
        ("KAFKA", "orders, invoices"),
    ],
)
def test_names_that_brokers_take_pass(broker, name):
    assert errors(small("MESSAGE_QUEUE", queueName=name, queueConfig={"type": broker})) == {}


@pytest.mark.parametrize("broker", ["PIGEON", 5, ["KAFKA"], {"a": 1}])
def test_an_unknown_broker_is_refused(broker):
    found = errors(small("MESSAGE_QUEUE", queueConfig={"type": broker}))
    assert "is none of KAFKA, RABBITMQ, REDIS, SQS." in found["queue_config"]


def test_the_message_is_kept_as_it_is():
    checked = small("MESSAGE_QUEUE", messageBody='  {"a": 1}\r\n')
    assert checked.is_valid()
    assert checked.columns()["message_body"] == '  {"a": 1}\n'


@pytest.mark.parametrize(
    ("key", "value"),
    [("batchSize", 0), ("priority", 10), ("timeToLiveSeconds", 0), ("visibilityTimeoutSeconds", 43_201)],
)
def test_numbers_are_within_what_brokers_take(key, value):
    assert errors(full("MESSAGE_QUEUE", **{key: value})).keys() == {TYPES["MESSAGE_QUEUE"].aliases[key]}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"type": "KAFKA", "hots": "a"}, "Kafka knows nothing of 'hots': use acks,"),
        ({"type": "REDIS", "vhost": "a"}, "Redis knows nothing of 'vhost'"),
        ({"anything": 1}, "No broker knows of 'anything'"),
        ({"broker": "orders", "host": "a"}, "broker says where the broker is: leave out host."),
        ({"url": "redis://a/", "db": 1}, "url says where the broker is: leave out db."),
        ({"type": "KAFKA", "acks": "0"}, "acks: '0' is none of all, 1."),
        ({"type": "KAFKA", "acks": 0}, "acks: '0' is none of all, 1."),
        ({"brokers": "kafka 9092"}, "brokers: 'kafka 9092' is no server: write it like kafka:9092."),
        ({"host": "rabbit", "port": 65_536}, "port: Give a whole number from 1 to 65,535."),
        ({"host": "rabbit", "autoAck": "perhaps"}, "autoAck: Say true or false."),
        ({"headers": {"a": [1]}}, "headers: The header 'a' must have a name and one value."),
        ({"host": "a\nb"}, "host: This holds a control character."),
    ],
)
def test_what_a_broker_does_not_know_is_refused(config, sentence):
    assert sentence in errors(small("MESSAGE_QUEUE", queueConfig=config))["queue_config"]


@pytest.mark.parametrize("acks", ["all", "ALL", "1", 1])
def test_acknowledgements_are_those_of_one_broker_or_all(acks):
    assert errors(small("MESSAGE_QUEUE", queueConfig={"type": "KAFKA", "acks": acks})) == {}


@pytest.mark.parametrize(
    ("broker", "key", "value", "field", "sentence"),
    [
        ("KAFKA", "exchange", "orders", "exchange", "Kafka knows no exchanges."),
        ("KAFKA", "priority", 0, "message_priority", "Kafka knows no priorities."),
        ("REDIS", "headers", {"a": "b"}, "message_headers", "Redis knows no headers."),
        ("SQS", "routingKey", "a", "routing_key", "SQS knows no routing keys."),
    ],
)
def test_what_a_broker_cannot_carry_is_refused_at_its_field(broker, key, value, field, sentence):
    request = small("MESSAGE_QUEUE", queueConfig={"type": broker}, **{key: value})
    assert errors(request) == {field: sentence}


@pytest.mark.parametrize("field", ["headers", "messageAttributes"])
def test_headers_have_one_value_each(field):
    found = errors(small("MESSAGE_QUEUE", **{field: {"a": {"b": 1}}}))
    assert list(found.values()) == ["The header 'a' must have a name and one value."]
