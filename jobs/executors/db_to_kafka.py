"""DB_TO_KAFKA: stream the rows of a query to a topic."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs.executors.addresses import DatabaseUrlField, ServersField, TopicField
from jobs.executors.base import Context, ExecutionError, JobType, Payload, Result
from jobs.executors.brokers import kafka
from jobs.executors.database import ERROR_CLASSES, QueryForm, lexicon, opened
from jobs.executors.databases import Terms, statements, urls
from jobs.executors.fields import FlagField, NumberField, ScalarField, TextField
from jobs.executors.json_fields import JsonField, NamesField, OptionsField
from jobs.executors.streams import position
from jobs.executors.streams.messages import Messages, place_of
from jobs.executors.wording import counted

# Comments and opening brackets may stand before the first word.
_READS = re.compile(
    r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL
)


class DbToKafkaForm(QueryForm):
    options: ClassVar[tuple[str, ...]] = (
        "bootstrap_servers",
        "offset_field",
        "last_processed_value",
        "kafka_headers",
        "dead_letter_topic",
        "max_retries",
        "connection_timeout_seconds",
    )
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("Go on where the last run came to"): ("offset_field", "last_processed_value"),
        gettext_noop("What messages hold"): (
            "field_mappings",
            "excluded_fields",
            "kafka_headers",
            "include_metadata",
        ),
        gettext_noop("Rows that fail"): ("skip_on_error", "dead_letter_topic", "max_retries"),
        gettext_noop("Limits"): (
            "batch_size",
            "max_rows",
            "query_timeout_seconds",
            "connection_timeout_seconds",
        ),
    }

    database_url = DatabaseUrlField()
    query = TextField(
        label=_("Query"),
        lines=8,
        mono=True,
        help_text=_("A SELECT, such as SELECT id, status FROM orders WHERE changed_at > ?"),
    )
    parameters = JsonField(
        label=_("Parameters"),
        lines=2,
        required=False,
        help_text=_('For :name by name, for ? in this order: {"status": "OPEN"}'),
    )
    bootstrap_servers = ServersField(
        label=_("Kafka servers"),
        required=False,
        help_text=_("Such as kafka1:9092, kafka2:9092; the administrator's Kafka if empty."),
    )
    kafka_topic = TopicField(label=_("Topic"), mono=True, help_text=_("For example order-updates"))
    kafka_key_field = TextField(
        label=_("Key"),
        required=False,
        mono=True,
        help_text=_("The column that gives each message its key, such as id"),
    )
    dead_letter_topic = TopicField(
        label=_("Dead-letter topic"),
        required=False,
        mono=True,
        help_text=_("For rows that fail, such as order-updates-dlq"),
    )
    field_mappings = JsonField(
        label=_("Field names"),
        lines=2,
        required=False,
        help_text=_('Column to message, such as {"created_at": "createdAt"}'),
    )
    excluded_fields = NamesField(
        label=_("Leave out"),
        lines=0,
        required=False,
        help_text=_("Columns, separated by commas, such as internal_id"),
    )
    kafka_headers = JsonField(
        label=_("Message headers"), lines=2, required=False, help_text=_('Such as {"source": "orders"}')
    )
    include_metadata = FlagField(
        label=_("Add each row's origin"), help_text=_("As _metadata in each message.")
    )
    skip_on_error = FlagField(
        label=_("Go on after a row that fails"), help_text=_("Else the first one ends the run.")
    )
    max_retries = NumberField(
        label=_("Repetitions"),
        required=False,
        least=0,
        most=100,
        help_text=_("Of a send that fails; 3 if empty."),
    )
    batch_size = NumberField(
        label=_("Rows at once"), required=False, least=1, most=100_000, help_text=_("1,000 if empty.")
    )
    offset_field = TextField(
        label=_("Go on by"),
        required=False,
        mono=True,
        help_text=_("The column that grows, such as created_at"),
    )
    last_processed_value = ScalarField(
        label=_("Start after"),
        required=False,
        mono=True,
        help_text=_("Its value so far, such as 2026-01-01 00:00:00"),
    )
    max_rows = NumberField(
        label=_("Most rows"),
        required=False,
        least=1,
        most=2_000_000_000,
        help_text=_("Of one run; all if empty."),
    )
    query_timeout_seconds = NumberField(
        label=_("Query timeout"), required=False, least=1, most=86_400, help_text=_("Seconds; 300 if empty.")
    )
    connection_timeout_seconds = NumberField(
        label=_("Connection timeout"),
        required=False,
        least=1,
        most=3_600,
        help_text=_("Seconds; 30 if empty."),
    )
    metadata = OptionsField()

    def clean_query(self) -> str:
        query: str = self.cleaned_data["query"]
        if not _READS.match(query):
            raise forms.ValidationError(
                _("Only a query that reads can be streamed: start it with SELECT or WITH.")
            )
        return query

    def clean_kafka_headers(self) -> Any:
        headers = self.cleaned_data["kafka_headers"]
        for name, value in (headers or {}).items():
            if not name.strip() or isinstance(value, dict | list):
                raise forms.ValidationError(
                    _("The header %(name)r must have a name and one value.") % {"name": name[:40]}
                )
        return headers

    def clean_field_mappings(self) -> Any:
        mappings = self.cleaned_data["field_mappings"]
        for column, name in (mappings or {}).items():
            if not isinstance(name, str) or not name.strip():
                raise forms.ValidationError(
                    _("The name for %(column)s must be text.") % {"column": column[:40]}
                )
        return mappings

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        topic = cleaned.get("dead_letter_topic")
        if topic and topic == cleaned.get("kafka_topic"):
            self.add_error("dead_letter_topic", _("Rows that fail need a topic of their own."))
        if (query := cleaned.get("query")) and cleaned.get("offset_field"):
            known = lexicon(cleaned.get("database_url"))
            if position.stands_still(query, known, cleaned.get("parameters") or {}):
                self.add_error("query", position.STANDS_STILL)
        return cleaned


def execute(payload: Payload, context: Context) -> Result:
    """Stream the rows in batches, each acknowledged before the next one is read.

    Raises ExecutionError with one of the type's error classes; what was sent until then is told, and
    remembered where the job says by which column to go on.
    """
    options = payload.options
    patience = options.get("connection_timeout_seconds") or CONNECT_SECONDS
    terms = Terms(
        timeout=payload.query_timeout_seconds or TIMEOUT_SECONDS, connect_timeout=patience, streaming=True
    )
    where = kafka.cluster(options.get("bootstrap_servers") or "")
    topics = [payload.kafka_topic, *filter(None, [options.get("dead_letter_topic")])]
    retries = options.get("max_retries", RETRIES)
    context.log("INFO", f"Sending to the topic {payload.kafka_topic} at {where.servers}")
    stream = Stream(payload, context)
    with (
        kafka.producing(where, topics, context, retries=retries, connect_seconds=patience) as sender,
        opened(payload, context, terms) as (database, parameters),
    ):
        query, parameters = stream.query(parameters)
        columns, rows = database.rows(query, parameters)
        try:
            stream.send(columns, rows, sender)
        except ExecutionError as error:
            error.result = {**error.result, **stream.told()}
            raise
    return Result(stream.sentence(), stream.told())


@dataclass
class Stream:
    """One run's rows on their way, and how far it has come."""

    payload: Payload
    context: Context
    sent: int = 0
    failed: int = 0
    batches: int = 0
    unplaced: int = 0
    offset: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def _column(self) -> str:
        return self.payload.options.get("offset_field") or ""

    @property
    def _start(self) -> str:
        return str(self.payload.options.get("last_processed_value") or "")

    def query(self, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The job's query, going on behind what was sent before."""
        if not self._column:
            return self.payload.query, parameters
        engine = urls.read(self.payload.database_url).engine
        found = position.position(self._column, self._start, self.context.state, engine)
        if found.value is not None:
            self.context.log("INFO", f"Going on behind {self._column} {found.value}")
        if statements.limits_rows(self.payload.query, statements.LEXICONS[engine]):
            told = (
                f"The query limits its rows: others with the last one's {self._column} would be passed over."
            )
            self.context.log("WARN", told)
        return found.query(self.payload.query, engine, parameters)

    def send(self, columns: list[str], rows: Iterator[Sequence[Any]], sender: kafka.Acknowledged) -> None:
        """Send all rows, batch after batch, and remember after each how far it has come."""
        messages = Messages(self.payload, self.context, columns)
        at = place_of(self._column, columns, "to go on by") if self._column else None
        rows = _limited(rows, self.payload.max_rows, at)
        size = self.payload.batch_size or BATCH
        batch = list(islice(rows, size))
        told_at = time.monotonic()
        while batch:
            following = list(islice(rows, size))
            self._send_batch(messages, batch, sender)
            if at is not None:
                self._remember(batch, following, at)
            batch = following
            if time.monotonic() - told_at > TELL_SECONDS:
                told_at = time.monotonic()
                self.context.log("INFO", self.sentence())
        if self.unplaced:
            told = f"{counted(self.unplaced, 'row')} without {self._column}: a later run sees no such row."
            self.context.log("WARN", told)

    def _send_batch(
        self, messages: Messages, batch: Sequence[Sequence[Any]], sender: kafka.Acknowledged
    ) -> None:
        self.context.check()
        topic, headers = self.payload.kafka_topic, messages.headers
        broken: dict[int, str] = {}
        messages.stamp()
        for number, row in enumerate(batch):
            try:
                key, value = messages.made(row)
            except (ValueError, RecursionError) as error:
                broken[number] = f"SERIALIZATION_ERROR: {error}"
            else:
                sender.send(number, topic, key, value, headers)
        refused = {number: f"KAFKA_ERROR: {text}" for number, text in sender.failed().items()}
        failed = {**broken, **refused}
        self.sent += len(batch) - len(failed)
        self.batches += 1
        if failed:
            self._set_aside(messages, batch, failed, sender)

    def _set_aside(
        self,
        messages: Messages,
        batch: Sequence[Sequence[Any]],
        failed: Mapping[int, str],
        sender: kafka.Acknowledged,
    ) -> None:
        """Send the rows that failed to the dead-letter topic; without leave to go on, end with the first."""
        self.failed += len(failed)
        first = min(failed)
        error_class, _, text = failed[first].partition(": ")
        self.context.log("WARN", f"{counted(len(failed), 'row')} failed, the first with: {text}")
        topic = self.payload.options.get("dead_letter_topic")
        if topic:
            for number, reason in failed.items():
                sender.send(number, topic, *messages.dead_letter(batch[number], reason), messages.headers)
            if lost := sender.failed():
                raise ExecutionError("KAFKA_ERROR", f"{topic} takes no dead letter: {lost[min(lost)]}.")
        if not self.payload.skip_on_error:
            raise ExecutionError(error_class, f"A row could not be sent: {text}.")

    def _remember(self, batch: Sequence[Sequence[Any]], following: Sequence[Sequence[Any]], at: int) -> None:
        """Remember the greatest value all of whose rows have been sent."""
        values = [row[at] for row in batch if row[at] is not None]
        self.unplaced += len(batch) - len(values)
        if following:
            values = [value for value in values if not position.share(value, following[0][at])]
        if values:
            self.offset = position.remembered(self._column, self._start, values[-1])
            self.context.remember(**self.offset)

    def told(self) -> dict[str, Any]:
        told = {"sent": self.sent, "failed": self.failed, "batches": self.batches}
        return {**told, "offset": self.offset["offset"]} if self.offset else told

    def sentence(self) -> str:
        took = max(time.monotonic() - self.started, 0.001)
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{counted(self.sent, 'row')} sent in {took:,.1f} s{failed}"


def _limited(rows: Iterator[Sequence[Any]], most: int | None, at: int | None) -> Iterator[Sequence[Any]]:
    """The first rows; those with the last one's place go along, since the next run goes on behind it."""
    last: Any = None
    for number, row in enumerate(rows, 1):
        if most and number > most and (at is None or not position.share(row[at], last)):
            return
        last = row[at] if at is not None else None
        yield row


BATCH = 1_000
RETRIES = 3
TIMEOUT_SECONDS = 300
CONNECT_SECONDS = 30
TELL_SECONDS = 10

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
        "bootstrapServers": "bootstrap_servers",
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
    execute=execute,
    ceiling=4,
    limit=3600,
    remembers=True,
    error_classes=(*ERROR_CLASSES, "KAFKA_ERROR", "SERIALIZATION_ERROR"),
)
