"""DB_TO_KAFKA: stream the rows of a query to a topic."""

import re
from typing import Any, ClassVar

from django import forms

from jobs.executors.addresses import DatabaseUrlField, TopicField
from jobs.executors.base import JobType
from jobs.executors.database import QueryForm
from jobs.executors.fields import FlagField, JsonField, NamesField, NumberField, ScalarField, TextField

# Comments and opening brackets may stand before the first word.
_READS = re.compile(
    r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL
)


class DbToKafkaForm(QueryForm):
    options: ClassVar[tuple[str, ...]] = (
        "offset_field",
        "last_processed_value",
        "kafka_headers",
        "dead_letter_topic",
        "max_retries",
        "connection_timeout_seconds",
    )

    database_url = DatabaseUrlField()
    query = TextField(
        label="Query",
        lines=8,
        mono=True,
        help_text="A SELECT, such as SELECT id, status FROM orders WHERE changed_at > ?",
    )
    parameters = JsonField(
        label="Parameters",
        lines=2,
        required=False,
        help_text='For :name by name, for ? in this order: {"status": "OPEN"}',
    )
    kafka_topic = TopicField(label="Topic", mono=True, help_text="For example order-updates")
    kafka_key_field = TextField(
        label="Key",
        required=False,
        mono=True,
        help_text="The column that gives each message its key, such as id",
    )
    dead_letter_topic = TopicField(
        label="Dead-letter topic",
        required=False,
        mono=True,
        help_text="For rows that fail, such as order-updates-dlq",
    )
    field_mappings = JsonField(
        label="Field names",
        lines=2,
        required=False,
        help_text='Column to message, such as {"created_at": "createdAt"}',
    )
    excluded_fields = NamesField(
        label="Leave out",
        lines=0,
        required=False,
        help_text="Columns, separated by commas, such as internal_id",
    )
    kafka_headers = JsonField(
        label="Message headers", lines=2, required=False, help_text='Such as {"source": "orders"}'
    )
    include_metadata = FlagField(label="Add each row's origin", help_text="As _metadata in each message.")
    skip_on_error = FlagField(
        label="Go on after a row that fails", help_text="Else the first one ends the run."
    )
    max_retries = NumberField(
        label="Repetitions",
        required=False,
        least=0,
        most=100,
        help_text="Of a send that fails; 3 if empty.",
    )
    batch_size = NumberField(
        label="Rows at once", required=False, least=1, most=100_000, help_text="1,000 if empty."
    )
    offset_field = TextField(
        label="Go on by", required=False, mono=True, help_text="The column that grows, such as created_at"
    )
    last_processed_value = ScalarField(
        label="Start after",
        required=False,
        mono=True,
        help_text="Its value so far, such as 2026-01-01 00:00:00",
    )
    max_rows = NumberField(
        label="Most rows", required=False, least=1, most=2_000_000_000, help_text="Of one run; all if empty."
    )
    query_timeout_seconds = NumberField(
        label="Query timeout", required=False, least=1, most=86_400, help_text="Seconds; 300 if empty."
    )
    connection_timeout_seconds = NumberField(
        label="Connection timeout", required=False, least=1, most=3_600, help_text="Seconds; 30 if empty."
    )
    metadata = JsonField(label="Other options", required=False)

    def clean_query(self) -> str:
        query: str = self.cleaned_data["query"]
        if not _READS.match(query):
            raise forms.ValidationError(
                "Only a query that reads can be streamed: start it with SELECT or WITH."
            )
        return query

    def clean_field_mappings(self) -> Any:
        mappings = self.cleaned_data["field_mappings"]
        for column, name in (mappings or {}).items():
            if not isinstance(name, str) or not name.strip():
                raise forms.ValidationError(f"The name for {column[:40]} must be text.")
        return mappings

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        topic = cleaned.get("dead_letter_topic")
        if topic and topic == cleaned.get("kafka_topic"):
            self.add_error("dead_letter_topic", "Rows that fail need a topic of their own.")
        return cleaned


TYPE = JobType(
    code="DB_TO_KAFKA",
    label="DB to Kafka",
    hint="Stream rows to a topic",
    icon="ty-stream",
    form=DbToKafkaForm,
    aliases={
        "databaseUrl": "database_url",
        "query": "query",
        "queryParameters": "parameters",
        "parameters": "parameters",
        "kafkaTopic": "kafka_topic",
        "topic": "kafka_topic",
        "kafkaKeyField": "kafka_key_field",
        "fieldMappings": "field_mappings",
        "excludedFields": "excluded_fields",
        "excludeFields": "excluded_fields",
        "includeMetadata": "include_metadata",
        "skipOnError": "skip_on_error",
        "batchSize": "batch_size",
        "maxRecords": "max_rows",
        "maxRows": "max_rows",
        "offsetField": "offset_field",
        "lastProcessedValue": "last_processed_value",
        "kafkaHeaders": "kafka_headers",
        "deadLetterTopic": "dead_letter_topic",
        "maxRetries": "max_retries",
        "queryTimeoutSeconds": "query_timeout_seconds",
        "connectionTimeoutSeconds": "connection_timeout_seconds",
        "metadata": "metadata",
    },
    ceiling=4,
    limit=3600,
    error_classes=(
        "DATABASE_ERROR",
        "DEADLOCK",
        "KAFKA_ERROR",
        "SERIALIZATION_ERROR",
        "CONNECTION_ERROR",
        "TIMEOUT",
    ),
)
