"""What `queueConfig` may say, broker by broker."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.executors.addresses import ServersField
from jobs.executors.fields import FlagField, NumberField, ScalarField, TextField
from jobs.executors.json_fields import JsonField

# What names the caller to SQS.
SQS_KEYS = ("accessKeyId", "secretAccessKey", "sessionToken")
KINDS = {"KAFKA": "Kafka", "RABBITMQ": "RabbitMQ", "REDIS": "Redis", "SQS": "SQS"}


class _OneOf(ScalarField):
    """One of a few words, in any case of letters."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def to_python(self, value: Any) -> str:
        said = super().to_python(value)
        for word in self.words:
            if word.lower() == said.lower():
                return word
        raise forms.ValidationError(
            _("%(said)r is none of %(words)s.") % {"said": said[:40], "words": ", ".join(self.words)}
        )


class _Headers(JsonField):
    """An object of texts and numbers."""

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        check_headers(found)
        return found


def check_headers(found: Mapping[str, Any] | None) -> None:
    """Refuse headers that no broker carries."""
    for name, value in (found or {}).items():
        if not name.strip() or len(name) > 255 or isinstance(value, dict | list):
            raise forms.ValidationError(
                _("The header %(name)r must have a name and one value.") % {"name": name[:40]}
            )


class _Target(TextField):
    """The name of another queue."""

    def clean(self, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise forms.ValidationError(_('Name the queue to move to: "targetQueue": "orders".'))
        name: str = super().clean(value)
        return name


class _QueueUrl(TextField):
    """The address of a queue, https://<host>/<account>/<queue>."""

    def clean(self, value: Any) -> str:
        url: str = super().clean(value)
        # A placeholder may stand for all of it.
        if "://" in url and not _QUEUE_URL.fullmatch(url):
            raise forms.ValidationError(
                _("%(url)r is no address of a queue, such as https://sqs.eu-west-1.amazonaws.com/123/orders.")
                % {"url": url[:60]}
            )
        return url


_QUEUE_URL = re.compile(r"https?://[^/\s?#@]+(/[^/\s?#]+)+")


def _text() -> TextField:
    return TextField(max_length=2048)


_ANY = {
    "type": _OneOf(*KINDS),
    "broker": _text(),
    "connection": _text(),
    "targetQueue": _Target(),
    "messageKey": ScalarField(),
    "headers": _Headers(),
}
_SERVER = {
    "url": _text(),
    "host": _text(),
    "port": NumberField(least=1, most=65_535),
    "username": _text(),
    "password": TextField(max_length=2048, strip=False),
    "ssl": FlagField(),
}
FIELDS: dict[str, dict[str, forms.Field]] = {
    "KAFKA": {
        **_ANY,
        "bootstrapServers": ServersField(),
        "brokers": ServersField(),
        "acks": _OneOf("all", "1"),
        "retries": NumberField(least=0, most=100),
        "lingerMs": NumberField(least=0, most=60_000),
        "batchSize": NumberField(least=1, most=100_000_000),
        "compressionType": _OneOf("none", "gzip", "snappy", "lz4", "zstd"),
        "maxInFlightRequestsPerConnection": NumberField(least=1, most=1_000),
        "groupId": _text(),
        "autoOffsetReset": _OneOf("earliest", "latest"),
        "securityProtocol": _OneOf("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "saslMechanism": _OneOf("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "username": _text(),
        "password": TextField(max_length=2048, strip=False),
    },
    "RABBITMQ": {
        **_ANY,
        **_SERVER,
        "vhost": _text(),
        "virtualHost": _text(),
        "exchange": _text(),
        "exchangeType": _OneOf("topic", "direct", "fanout"),
        "routingKey": _text(),
        "declare": FlagField(),
        "prefetchCount": NumberField(least=1, most=65_535),
        "autoAck": FlagField(),
    },
    "REDIS": {**_ANY, **_SERVER, "db": NumberField(least=0, most=1_000_000)},
    "SQS": {
        **_ANY,
        "region": _text(),
        "accessKeyId": _text(),
        "secretAccessKey": _text(),
        "sessionToken": _text(),
        "queueUrl": _QueueUrl(),
        "delaySeconds": NumberField(least=0, most=900),
    },
}

# What a broker has no place for, by the form's fields.
UNFIT = {
    "KAFKA": {
        "exchange": "exchanges",
        "routing_key": "routing keys",
        "message_priority": "priorities",
        "message_ttl_seconds": "messages that expire",
    },
    "RABBITMQ": {},
    "REDIS": {
        "message_group_id": "groups",
        "message_attributes": "attributes",
        "message_headers": "headers",
        "message_deduplication_id": "ids",
        "exchange": "exchanges",
        "routing_key": "routing keys",
        "message_priority": "priorities",
        "message_ttl_seconds": "messages that expire",
    },
    "SQS": {
        "exchange": "exchanges",
        "routing_key": "routing keys",
        "message_priority": "priorities",
        "message_ttl_seconds": "messages that expire",
    },
}


def kind_of(config: Mapping[str, Any]) -> str:
    """The broker that the keys tell of, or "" where they tell of none."""
    said = str(config.get("type") or "").upper()
    if said:
        return said
    if "bootstrapServers" in config or "brokers" in config:
        return "KAFKA"
    if "queueUrl" in config or "region" in config:
        return "SQS"
    scheme = str(config.get("url") or "").partition(":")[0].lower()
    return SCHEMES.get(scheme, "RABBITMQ" if "host" in config else "")


SCHEMES = {
    "amqp": "RABBITMQ",
    "amqps": "RABBITMQ",
    "redis": "REDIS",
    "rediss": "REDIS",
    "kafka": "KAFKA",
    "sqs": "SQS",
}


# What says where a broker is, and as whom.
WHERE = {
    *_SERVER,
    *("vhost", "virtualHost", "db", "bootstrapServers", "brokers", "securityProtocol", "saslMechanism"),
    *("region", "queueUrl", *SQS_KEYS),
}


def _check_where(config: Mapping[str, Any]) -> None:
    """Refuse two words about where the broker is, one of which would not be heeded."""
    for name in ("broker", "connection", "url"):
        if name in config and (others := (WHERE | {"connection"}) & set(config) - {name, "ssl"}):
            raise forms.ValidationError(
                _("%(name)s says where the broker is: leave out %(other)s.")
                % {"name": name, "other": min(others)}
            )


def _check_keys(config: Mapping[str, Any]) -> None:
    """Refuse to say which queue of SQS is meant, and not who asks for it."""
    for name in SQS_KEYS[:2]:
        if {"region", "queueUrl"} & set(config) and not config.get(name):
            raise forms.ValidationError(_("%(name)s is missing: SQS must know who asks.") % {"name": name})


def cleaned(config: Mapping[str, Any], kind: str = "") -> dict[str, Any]:
    """The values as they are meant, for one kind of broker, or any where it is not known yet.

    Raises ValidationError for a key that the broker has no use for, or a value that does not fit.
    """
    _check_where(config)
    if kind == "SQS":
        _check_keys(config)
    known = FIELDS[kind] if kind else {name: each for of in FIELDS.values() for name, each in of.items()}
    found = {}
    for name, value in config.items():
        if name not in known:
            names = ", ".join(sorted(known))
            who = f"{KINDS[kind]} knows nothing" if kind else "No broker knows"
            raise forms.ValidationError(
                _("%(who)s of %(name)r: use %(names)s.") % {"who": who, "name": name[:40], "names": names}
            )
        try:
            found[name] = known[name].clean(value)
        except forms.ValidationError as error:
            if name == "targetQueue":
                raise
            raise forms.ValidationError([f"{name}: {text}" for text in error.messages]) from error
    return found
