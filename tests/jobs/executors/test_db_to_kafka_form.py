import pytest

from tests.jobs.executors.payloads import errors, full, small


@pytest.mark.parametrize(
    "query",
    [
        "select created_at, updated_at from deletes",
        "/* all\n of it */ (SELECT 'DROP TABLE a')",
        "-- newest first\nWITH a AS (SELECT 1) SELECT * FROM a",
    ],
)
def test_a_query_that_reads_passes(query):
    assert errors(small("DB_TO_KAFKA", query=query)) == {}


@pytest.mark.parametrize(
    "query", ["DELETE FROM orders", "-- SELECT 1", "SELECTED", "EXEC report", "/* SELECT"]
)
def test_a_query_that_does_not_read_is_refused(query):
    assert errors(small("DB_TO_KAFKA", query=query)) == {
        "query": "Only a query that reads can be streamed: start it with SELECT or WITH."
    }


@pytest.mark.parametrize("topic", ["order updates", "x" * 250, ".", "..", "a,b", "bestellungen-für-alle"])
@pytest.mark.parametrize(
    ("key", "field"), [("kafkaTopic", "kafka_topic"), ("deadLetterTopic", "dead_letter_topic")]
)
def test_topics_are_named_as_kafka_wants(key, field, topic):
    assert "is no topic name:" in errors(full("DB_TO_KAFKA", **{key: topic}))[field]


def test_rows_that_fail_go_elsewhere():
    assert errors(full("DB_TO_KAFKA", deadLetterTopic="order-updates")) == {
        "dead_letter_topic": "Rows that fail need a topic of their own."
    }


@pytest.mark.parametrize(("value", "stored"), [(17, "17"), (1.5, "1.5"), ("2026-01-01", "2026-01-01")])
def test_the_position_may_be_a_number(value, stored):
    checked = small("DB_TO_KAFKA", lastProcessedValue=value)
    assert checked.is_valid()
    assert checked.columns()["metadata"] == {"last_processed_value": stored}


@pytest.mark.parametrize("mappings", [{"a": 1}, {"a": ""}, {"a": ["b"]}, ["a"]])
def test_mappings_name_names(mappings):
    assert errors(full("DB_TO_KAFKA", fieldMappings=mappings)).keys() == {"field_mappings"}


@pytest.mark.parametrize("key", ["excludedFields", "excludeFields"])
def test_excluded_fields_by_either_name(key):
    checked = small("DB_TO_KAFKA", **{key: ["internal_id"]})
    assert checked.is_valid()
    assert checked.columns()["excluded_fields"] == ["internal_id"]


@pytest.mark.parametrize("servers", ["kafka", "kafka1:9092, kafka2:9092", "[2001:db8::1]:9092"])
def test_servers_are_named_with_commas_between_them(servers):
    checked = small("DB_TO_KAFKA", bootstrapServers=servers)
    assert checked.is_valid()
    assert checked.columns()["metadata"] == {"bootstrap_servers": servers.replace(" ", "")}


@pytest.mark.parametrize("servers", ["kafka:port", "PLAINTEXT://kafka:9092", "a b", "kafka/"])
def test_what_is_no_server_is_refused(servers):
    assert "is no server:" in errors(small("DB_TO_KAFKA", bootstrapServers=servers))["bootstrap_servers"]


@pytest.mark.parametrize("headers", [{"a": ["b"]}, {" ": "b"}])
def test_a_header_has_a_name_and_one_value(headers):
    assert errors(small("DB_TO_KAFKA", kafkaHeaders=headers)).keys() == {"kafka_headers"}
