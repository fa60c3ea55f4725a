"""MESSAGE_QUEUE: send, receive, move and purge messages."""

import re
from typing import Any, ClassVar

from django import forms

from jobs.executors.addresses import check_topic
from jobs.executors.base import JobType, PayloadForm
from jobs.executors.fields import FlagField, JsonField, NumberField, TextField, WordField

OPERATIONS = {
    "PRODUCE": "Produce",
    "CONSUME": "Consume",
    "MOVE_DLQ": "Move dead letters",
    "PURGE": "Purge",
}
BROKERS = ("KAFKA", "RABBITMQ", "REDIS", "SQS")
_SQS_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|(?=.{1,80}$)[A-Za-z0-9_-]+\.fifo")


class MessageQueueForm(PayloadForm):
    options: ClassVar[tuple[str, ...]] = (
        "message_deduplication_id",
        "message_attributes",
        "message_headers",
        "exchange",
        "routing_key",
        "message_priority",
        "message_ttl_seconds",
        "persistent",
        "visibility_timeout_seconds",
    )

    operation_type = WordField(label="Operation", choices=OPERATIONS, initial="PRODUCE")
    queue_name = TextField(
        label="Queue or topic", mono=True, help_text="For example order-events; several separated by commas."
    )
    message_group_id = TextField(
        label="Group or key",
        required=False,
        help_text="Messages of one group keep their order, for example customer-17",
    )
    queue_config = JsonField(
        label="Broker",
        required=False,
        help_text='For example {"type": "KAFKA", "bootstrapServers": "kafka:9092"};'
        ' to move dead letters also "targetQueue".',
    )
    message_body = TextField(
        label="Message",
        required=False,
        lines=6,
        mono=True,
        strip=False,
        help_text="The text to send, for produce.",
    )
    message_attributes = JsonField(
        label="Attributes", lines=2, required=False, help_text='For example {"priority": "normal"}'
    )
    message_headers = JsonField(
        label="Headers", lines=2, required=False, help_text='For example {"source": "chronos"}'
    )
    message_deduplication_id = TextField(
        label="Deduplication id",
        required=False,
        help_text="The broker drops a second message with the same id.",
    )
    exchange = TextField(label="Exchange", required=False, help_text="RabbitMQ, for example orders.exchange")
    routing_key = TextField(
        label="Routing key", required=False, help_text="RabbitMQ, for example order.created"
    )
    message_priority = NumberField(label="Priority", required=False, least=0, most=9, help_text="0 to 9.")
    message_ttl_seconds = NumberField(
        label="Expires after", required=False, least=1, most=31_536_000, help_text="Seconds."
    )
    persistent = FlagField(label="Keep across restarts of the broker", default=True)
    batch_size = NumberField(
        label="Messages at once", required=False, least=1, most=100_000, help_text="For consume; 10 if empty."
    )
    visibility_timeout_seconds = NumberField(
        label="Hidden while worked on",
        required=False,
        least=0,
        most=43_200,
        help_text="Seconds; SQS, for consume.",
    )
    metadata = JsonField(label="Other options", required=False)

    def clean_queue_config(self) -> Any:
        config = self.cleaned_data["queue_config"]
        broker = (config or {}).get("type")
        if broker is not None and str(broker).upper() not in BROKERS:
            raise forms.ValidationError(f"The type {str(broker)[:40]!r} is none of {', '.join(BROKERS)}.")
        return config

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_names()
        operation = cleaned.get("operation_type")
        if operation == "PRODUCE" and not cleaned.get("message_body") and "message_body" not in self.errors:
            self.add_error("message_body", "Say what to send.")
        if operation == "MOVE_DLQ" and "queue_config" not in self.errors:
            self._check_target((cleaned.get("queue_config") or {}).get("targetQueue"))
        return cleaned

    def _check_names(self) -> None:
        broker = str((self.cleaned_data.get("queue_config") or {}).get("type")).upper()
        try:
            for name in self.cleaned_data.get("queue_name", "").split(","):
                _check_name(name.strip(), broker)
        except forms.ValidationError as error:
            if "queue_name" not in self.errors:
                self.add_error("queue_name", error)

    def _check_target(self, target: Any) -> None:
        if not isinstance(target, str) or not target.strip():
            self.add_error("queue_config", 'Name the queue to move to: "targetQueue": "orders".')
        elif target.strip() == self.cleaned_data.get("queue_name"):
            self.add_error("queue_config", "The target is the queue itself.")


def _check_name(name: str, broker: str) -> None:
    if not name:
        raise forms.ValidationError("A name between the commas is missing.")
    if broker == "KAFKA":
        check_topic(name)
    if broker == "SQS" and not _SQS_NAME.fullmatch(name):
        raise forms.ValidationError(
            f"{name[:40]!r} is no SQS queue: use up to 80 letters, digits, hyphens and _, and perhaps .fifo."
        )


TYPE = JobType(
    code="MESSAGE_QUEUE",
    label="Message queue",
    hint="Send or drain messages",
    icon="ty-queue",
    form=MessageQueueForm,
    aliases={
        "operationType": "operation_type",
        "operation": "operation_type",
        "queueName": "queue_name",
        "topic": "queue_name",
        "messageBody": "message_body",
        "message": "message_body",
        "messageGroupId": "message_group_id",
        "queueConfig": "queue_config",
        "batchSize": "batch_size",
        "messageAttributes": "message_attributes",
        "headers": "message_headers",
        "messageHeaders": "message_headers",
        "messageDeduplicationId": "message_deduplication_id",
        "exchange": "exchange",
        "routingKey": "routing_key",
        "priority": "message_priority",
        "messagePriority": "message_priority",
        "timeToLiveSeconds": "message_ttl_seconds",
        "ttlSeconds": "message_ttl_seconds",
        "persistent": "persistent",
        "visibilityTimeoutSeconds": "visibility_timeout_seconds",
        "metadata": "metadata",
    },
    ceiling=32,
    limit=60,
    error_classes=(
        "BROKER_ERROR",
        "KAFKA_ERROR",
        "AWS_ERROR",
        "CONNECTION_ERROR",
        "NETWORK_ERROR",
        "TIMEOUT",
    ),
)
