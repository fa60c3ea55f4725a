"""MESSAGE_QUEUE: send, receive, move and purge messages."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs.executors.addresses import check_topic, known
from jobs.executors.base import Context, ExecutionError, JobType, Payload, Result
from jobs.executors.brokers import Broker, Message, config, kafka_topics, places, rabbitmq, redis_lists, sqs
from jobs.executors.brokers.kept import Kept
from jobs.executors.fields import FlagField, NumberField, TextField, WordField
from jobs.executors.json_fields import JsonField, OptionsField
from jobs.executors.payload_form import PayloadForm
from jobs.executors.wording import counted

OPERATIONS = {
    "PRODUCE": "Produce",
    "CONSUME": "Consume",
    "MOVE_DLQ": "Move dead letters",
    "PURGE": "Purge",
}
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
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("What goes with a message"): (
            "message_attributes",
            "message_headers",
            "message_deduplication_id",
        ),
        gettext_noop("RabbitMQ"): ("exchange", "routing_key"),
        gettext_noop("How long it is kept"): ("message_priority", "message_ttl_seconds", "persistent"),
        gettext_noop("Receiving"): ("batch_size", "visibility_timeout_seconds"),
    }

    operation_type = WordField(label=_("Operation"), choices=OPERATIONS, initial="PRODUCE")
    queue_name = TextField(
        label=_("Queue or topic"),
        mono=True,
        help_text=_("For example order-events; several separated by commas."),
    )
    message_group_id = TextField(
        label=_("Group or key"),
        required=False,
        help_text=_("Messages of one group keep their order, for example customer-17"),
    )
    queue_config = JsonField(
        label=_("Broker"),
        required=False,
        help_text=known(
            "BROKERS",
            _(
                'Set up here: %(names)s; name one like {"broker": "…"}. Or say where another is, such as'
                ' {"type": "KAFKA", "bootstrapServers": "kafka:9092"}; to move dead letters also'
                ' "targetQueue".'
            ),
            _(
                'For example {"type": "KAFKA", "bootstrapServers": "kafka:9092"};'
                ' to move dead letters also "targetQueue".'
            ),
        ),
    )
    message_body = TextField(
        label=_("Message"),
        required=False,
        lines=6,
        mono=True,
        strip=False,
        help_text=_("The text to send, for produce."),
    )
    message_attributes = JsonField(
        label=_("Attributes"), lines=2, required=False, help_text=_('For example {"priority": "normal"}')
    )
    message_headers = JsonField(
        label=_("Headers"), lines=2, required=False, help_text=_('For example {"source": "chronos"}')
    )
    message_deduplication_id = TextField(
        label=_("Deduplication id"),
        required=False,
        help_text=_("The message's id. SQS drops a second one; others pass it on."),
    )
    exchange = TextField(
        label=_("Exchange"), required=False, help_text=_("RabbitMQ, for example orders.exchange")
    )
    routing_key = TextField(
        label=_("Routing key"), required=False, help_text=_("RabbitMQ, for example order.created")
    )
    message_priority = NumberField(
        label=_("Priority"), required=False, least=0, most=9, help_text=_("0 to 9.")
    )
    message_ttl_seconds = NumberField(
        label=_("Expires after"), required=False, least=1, most=31_536_000, help_text=_("Seconds.")
    )
    persistent = FlagField(label=_("Keep across restarts of the broker"), default=True)
    batch_size = NumberField(
        label=_("Messages at once"),
        required=False,
        least=1,
        most=100_000,
        help_text=_("For consume; 10 if empty."),
    )
    visibility_timeout_seconds = NumberField(
        label=_("Hidden while worked on"),
        required=False,
        least=0,
        most=43_200,
        help_text=_("Seconds; SQS, for consume."),
    )
    metadata = OptionsField()

    def clean_queue_config(self) -> Any:
        given = self.cleaned_data["queue_config"] or {}
        if "type" in given and str(given["type"]).upper() not in config.KINDS:
            raise forms.ValidationError(
                _("The type %(given)r is none of %(kinds)s.")
                % {"given": str(given["type"])[:40], "kinds": ", ".join(config.KINDS)}
            )
        config.cleaned(given, config.kind_of(given))
        return self.cleaned_data["queue_config"]

    def clean_message_headers(self) -> Any:
        config.check_headers(self.cleaned_data["message_headers"])
        return self.cleaned_data["message_headers"]

    def clean_message_attributes(self) -> Any:
        config.check_headers(self.cleaned_data["message_attributes"])
        return self.cleaned_data["message_attributes"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_names()
        self._check_fit()
        operation = cleaned.get("operation_type")
        if operation == "PRODUCE" and not cleaned.get("message_body") and "message_body" not in self.errors:
            self.add_error("message_body", _("Say what to send."))
        if operation == "MOVE_DLQ" and "queue_config" not in self.errors:
            self._check_target((cleaned.get("queue_config") or {}).get("targetQueue"))
        return cleaned

    def _check_fit(self) -> None:
        kind = config.kind_of(self.cleaned_data.get("queue_config") or {})
        for name, what in _unfit(kind, self.cleaned_data).items():
            self.add_error(
                name, _("%(kinds)s knows no %(what)s.") % {"kinds": config.KINDS[kind], "what": what}
            )

    def _check_names(self) -> None:
        broker = config.kind_of(self.cleaned_data.get("queue_config") or {})
        try:
            for name in self.cleaned_data.get("queue_name", "").split(","):
                _check_name(name.strip(), broker)
        except forms.ValidationError as error:
            if "queue_name" not in self.errors:
                self.add_error("queue_name", error)

    def _check_target(self, target: Any) -> None:
        if not isinstance(target, str) or not target.strip():
            self.add_error("queue_config", _('Name the queue to move to: "targetQueue": "orders".'))
        elif target.strip() == self.cleaned_data.get("queue_name"):
            self.add_error("queue_config", _("The target is the queue itself."))


def _check_name(name: str, broker: str) -> None:
    if not name:
        raise forms.ValidationError(_("A name between the commas is missing."))
    if broker == "KAFKA":
        check_topic(name)
    if broker == "SQS" and not _SQS_NAME.fullmatch(name):
        raise forms.ValidationError(
            _("%(name)r is no SQS queue: use up to 80 letters, digits, hyphens and _, and perhaps .fifo.")
            % {"name": name[:40]}
        )


def _unfit(kind: str, said: Mapping[str, Any]) -> dict[str, str]:
    """What the broker has no place for, by the fields that say it."""
    return {
        name: what
        for name, what in config.UNFIT.get(kind, {}).items()
        if said.get(name) not in (None, "", {})
    }


def execute(payload: Payload, context: Context) -> Result:
    """Send, take, move or purge; what the broker has not acknowledged has not happened.

    Raises ExecutionError with one of the type's error classes.
    """
    said = {**payload.columns, **payload.options}
    kind, url = places.named(payload.queue_config or {})
    chosen = _checked(kind, said)
    names = [name.strip() for name in payload.queue_name.split(",")]
    context.log("INFO", f"{payload.operation_type} {', '.join(names)} on {config.KINDS[kind]}")
    if "batch_size" in said and payload.operation_type != "CONSUME":
        context.log("INFO", "How many messages at once matters to CONSUME alone")
    if said.get("visibility_timeout_seconds") and kind != "SQS":
        context.log("INFO", "What is taken is hidden until the run has ended, however long that takes")
    work = Work(names, said, chosen)
    with _opened(kind, url, work, context) as broker:
        return _OPERATIONS[payload.operation_type](work, broker, context)


def _checked(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The broker's options, once the kind of broker is known."""
    try:
        chosen = config.cleaned(said.get("queue_config") or {}, kind)
        for name in said["queue_name"].split(","):
            _check_name(name.strip(), kind)
    except forms.ValidationError as error:
        raise ExecutionError("BROKER_ERROR", " ".join(error.messages)) from error
    for what in _unfit(kind, said).values():
        raise ExecutionError("BROKER_ERROR", f"{config.KINDS[kind]} knows no {what}.")
    return chosen


def _opened(kind: str, url: str, work: "Work", context: Context) -> AbstractContextManager[Broker]:
    chosen = work.chosen
    if kind == "KAFKA":
        return kafka_topics.opened(url, chosen, context)
    if kind == "SQS":
        return sqs.opened(url, chosen, work.queues, work.hidden, context)
    if kind == "RABBITMQ":
        return rabbitmq.opened(places.place(kind, url, chosen), chosen, context)
    return redis_lists.opened(places.place(kind, url, chosen), context)


class Work:
    """What one run is to do."""

    def __init__(self, queues: list[str], said: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
        self.queues = queues
        self.chosen = chosen
        self._said = said

    @property
    def most(self) -> int:
        return int(self._said.get("batch_size") or MOST)

    @property
    def hidden(self) -> int | None:
        """For how many seconds nobody else sees what is taken, where the job says so."""
        return self._said.get("visibility_timeout_seconds")

    @property
    def message(self) -> Message:
        said, chosen = self._said, self.chosen
        group = said.get("message_group_id")
        key = group or chosen.get("messageKey")
        headers = {
            **(chosen.get("headers") or {}),
            **(said.get("message_attributes") or {}),
            **(said.get("message_headers") or {}),
            **({"message-group-id": key} if key else {}),
        }
        return Message(
            said["message_body"].encode(),
            key.encode() if key else None,
            said.get("message_deduplication_id") or "",
            headers,
            said.get("exchange") or chosen.get("exchange") or "",
            said.get("routing_key") or chosen.get("routingKey") or "",
            said.get("message_priority"),
            said.get("message_ttl_seconds"),
            said.get("persistent", True),
        )


def _produce(work: Work, broker: Broker, context: Context) -> Result:
    message = work.message
    broker.send(work.queues, message)
    size = len(message.body)
    where = ", ".join(work.queues)
    return Result(f"1 message of {size:,} bytes sent to {where}", {"sent_to": work.queues, "bytes": size})


def _consume(work: Work, broker: Broker, context: Context) -> Result:
    """Take what is there, up to the batch; all is acknowledged at the end, when it is sure to be kept."""
    kept = Kept()
    for queue in work.queues:
        for some in _portions(queue, work.most - kept.count, work, broker, context):
            kept.add(queue, some)
            if kept.is_full:
                context.log("WARN", "No more fits with one run: the rest stays in the queue")
                break
        if kept.is_full:
            break
    broker.done(kept.messages)
    told = f"{counted(kept.count, 'message')} taken from {', '.join(work.queues)}"
    return Result(told, kept.told(), artefacts=kept.files())


def _portions(queue: str, most: int, work: Work, broker: Broker, context: Context) -> Iterator[list[Message]]:
    size = work.chosen.get("prefetchCount") or PORTION
    while most > 0 and (some := broker.take(queue, min(size, most))):
        yield some
        context.check()
        most -= len(some)


def _move(work: Work, broker: Broker, context: Context) -> Result:
    """Move what is there now: what comes meanwhile, perhaps for the second time, stays."""
    target = work.chosen["targetQueue"].strip()
    moved = 0
    for queue in work.queues:
        for some in _portions(queue, broker.count(queue), work, broker, context):
            for each in some:
                broker.send([target], each)
            broker.done(some)
            moved += len(some)
            context.log("INFO", f"{counted(moved, 'message')} moved so far")
    return Result(f"{counted(moved, 'message')} moved to {target}", {"moved": moved, "target": target})


def _purge(work: Work, broker: Broker, context: Context) -> Result:
    purged = {queue: broker.purge(queue) for queue in work.queues}
    return Result(
        f"{counted(sum(purged.values()), 'message')} purged from {', '.join(purged)}", {"purged": purged}
    )


_OPERATIONS: dict[str, Callable[[Work, Broker, Context], Result]] = {
    "PRODUCE": _produce,
    "CONSUME": _consume,
    "MOVE_DLQ": _move,
    "PURGE": _purge,
}


MOST = 10
PORTION = 100

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
    execute=execute,
    ceiling=32,
    limit=60,
    error_classes=(
        "BROKER_ERROR",
        "BROKER_REFUSED",
        "QUEUE_MISSING",
        "UNROUTABLE",
        "DNS_ERROR",
        "TLS_ERROR",
        "FORBIDDEN_ADDRESS",
        "PROCESSING_ERROR",
        "KAFKA_ERROR",
        "AWS_ERROR",
        "CONNECTION_ERROR",
        "NETWORK_ERROR",
        "TIMEOUT",
    ),
)
