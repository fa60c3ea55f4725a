"""Job definitions as people send them, and the way from a request to a form and back."""

from html.parser import HTMLParser

import pytest
from django import forms
from django.http import QueryDict

from jobs.executors import TYPES

# Per type: the smallest request that is complete, and one that says nearly everything.
SMALL = {
    "HTTP": {"httpUrl": "https://billing.example.com/export", "httpMethod": "GET"},
    "DATABASE": {
        "databaseUrl": "jdbc:mysql://db:3306/shop?user=reader&password=example",
        "query": "SELECT 1",
    },
    "FILE_SYSTEM": {"operation": "DELETE", "path": "/srv/exports"},
    "MESSAGE_QUEUE": {"operationType": "PRODUCE", "queueName": "orders", "messageBody": "Hello"},
    "CACHE": {"operation": "STATS", "region": "all-regions"},
    "EMAIL": {"to": ["ops@example.com"], "subject": "Orders of yesterday"},
    "REPORT": {"reportType": "JOB_SUMMARY", "format": "CSV"},
    "SCRIPT": {"script": "#!/bin/bash\necho done\n"},
    "DUMMY": {},
    "DB_TO_KAFKA": {"databaseUrl": "postgresql://db/shop", "query": "SELECT 1", "kafkaTopic": "orders"},
}
FULL = {
    "HTTP": {
        "httpUrl": "https://billing.example.com/export?day=1&all",
        "httpMethod": "POST",
        "httpHeaders": {"Accept": "application/json", "X-Request-Id": "17"},
        "httpBody": '{\n  "day": "yesterday"\n}\n',
        "timeoutSeconds": 120,
        "contentType": "JSON",
        "authentication": "BASIC",
        "authUser": "billing",
        "authPassword": " example ",
        "expectedStatuses": [200, 201],
        "answerContains": " done",
        "jsonPath": "$.jobs[?@.name == 'a'].state",
        "jsonEquals": "ok",
        "followRedirects": False,
        "verifyTls": False,
        "clientCertificate": (
            "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
            "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----"
        ),
        "minimumTls": "1.3",
        "metadata": {"team": "billing"},
    },
    "DATABASE": {
        "databaseUrl": "jdbc:sqlserver://db:1433;databaseName=Shop;user=sa;password=example",
        "query": "INSERT INTO orders (name, id, note)\nVALUES (?, ?, ?)",
        "parameters": {"name": "Zoë <&> \"'", "id": 7, "a": None},
        "readOnly": False,
        "severalStatements": True,
        "keepRows": "CSV",
        "queryTimeoutSeconds": 45,
        "maxRows": 100,
        "transactionIsolation": "READ_COMMITTED",
        "metadata": {"why": ["nightly", {"since": 2019}]},
    },
    "FILE_SYSTEM": {
        "operation": "COPY",
        "path": "/srv/exports",
        "targetPath": "/srv/archive/{{ fire.date }}",
        "content": "kept",
        "createDirectories": True,
        "overwrite": True,
        "parameters": {
            "recursive": True,
            "pattern": "*.csv,*.xlsx",
            "excludePatterns": ["*.tmp", ".git/*", "a,b"],
            "olderThanDays": 7,
            "keepLatest": 3,
            "includeHidden": True,
            "dryRun": True,
            "preserveAttributes": True,
            "preservePath": False,
            "backupExisting": True,
            "maxFileSize": "100MB",
            "minFileAge": 30,
            "filePatterns": ["*.csv", "a b"],
            "compareChecksum": True,
        },
        "metadata": {"team": "billing"},
    },
    "MESSAGE_QUEUE": {
        "operationType": "PRODUCE",
        "queueName": "orders, invoices",
        "messageBody": '  {"id": "${uuid}"}\n',
        "messageGroupId": "customer-17",
        "queueConfig": {"type": "RABBITMQ", "host": "rabbitmq", "port": 5672},
        "batchSize": 100,
        "messageAttributes": {"compression": "gzip"},
        "messageDeduplicationId": "order-17",
        "headers": {"source": "chronos"},
        "exchange": "orders.exchange",
        "routingKey": "order.created",
        "priority": 0,
        "timeToLiveSeconds": 60,
        "persistent": False,
        "visibilityTimeoutSeconds": 0,
        "metadata": {"team": "billing"},
    },
    "CACHE": {
        "operation": "WARM",
        "region": "user-cache",
        "keys": ["user:1", "[odd]", " blank ", "a,b"],
        "timeToLiveSeconds": 3600,
        "skipIfExists": True,
        "sourceRegion": "other-cache",
        "cacheConfig": {"batchSize": 100},
        "async": True,
        "metadata": {"team": "billing"},
    },
    "EMAIL": {
        "to": ["ops@example.com", "mara@example.org"],
        "cc": ["cc@example.com"],
        "bcc": ["bcc@example.com"],
        "replyTo": ["reply@example.com"],
        "subject": "Orders of yesterday: <all>",
        "text": "\nGood morning,\n\nhere they are.\n",
        "html": "<p>Here they are.</p>",
        "attachments": ["/srv/exports/orders.csv", "/srv/exports/a, b.csv"],
        "metadata": {"team": "billing"},
    },
    "REPORT": {
        "reportType": "QUERY",
        "format": "XLSX",
        "timezone": "Europe/Berlin",
        "title": "Orders by region",
        "intro": "For $team:\nwhat came in.",
        "footer": "Costs are in $$.",
        "databaseUrl": "sqlite:////srv/data/orders.db",
        "query": "SELECT region FROM orders WHERE zone = ? AND a > ?",
        "parameters": {"zone": "north", "a": 1.5},
        "recipients": ["ops@example.com"],
        "outputPath": "/srv/reports/orders.xlsx",
        "compress": True,
        "templateName": "ROWS",
        "templateData": {"team": "billing"},
        "metadata": {"team": "billing"},
    },
    "SCRIPT": {
        "script": "#!/usr/bin/env python3\nprint('<✅>')\n\n",
        "timeoutSeconds": 600,
        "interpreter": "PYTHON3",
        "workingDirectory": "/srv/jobs/media",
        "environment": {"LOG_LEVEL": "info", "_X": "a=b", "EMPTY": ""},
        "successExitCodes": [0, 3],
        "errorClasses": {"4": "NETWORK_ERROR", "5": "BACKUP_ERROR"},
        "memoryMb": 512,
        "cpuSeconds": 60,
        "fileMb": 2048,
        "processes": 20,
        "metadata": {"team": "media"},
    },
    "DUMMY": {
        "timeoutSeconds": 30,
        "metadata": {
            "testType": "random",
            "successProbability": 0.7,
            "seed": 17,
            "concurrencyGroup": "group-A",
            "simulateFailure": True,
            "failureMessage": "As asked",
            "simulatedDelaySeconds": 5,
            "totalRecords": 0,
        },
    },
    "DB_TO_KAFKA": {
        "databaseUrl": "postgresql+psycopg://reader:example@db:5432/shop",
        "query": "-- all\nWITH paid AS (SELECT * FROM orders)\nSELECT * FROM paid WHERE at > ? AND b = ?",
        "queryParameters": {"since": "2026-01-01", "b": True},
        "bootstrapServers": "kafka1:9092,kafka2:9092",
        "kafkaTopic": "order-updates",
        "kafkaKeyField": "id",
        "fieldMappings": {"created_at": "createdAt"},
        "excludedFields": ["internal_id", "secret"],
        "includeMetadata": True,
        "skipOnError": True,
        "batchSize": 500,
        "maxRecords": 10_000,
        "offsetField": "created_at",
        "lastProcessedValue": "2025-09-20 00:00:00",
        "kafkaHeaders": {"source": "shop"},
        "deadLetterTopic": "order-updates-dlq",
        "maxRetries": 0,
        "queryTimeoutSeconds": 90,
        "connectionTimeoutSeconds": 30,
        "metadata": {"team": "billing"},
    },
}


def form(code, request):
    """The payload form filled from a request, as the import fills it."""
    known, others = {}, {}
    for key, value in request.items():
        if key != "type":
            (known if key in TYPES[code].aliases else others)[key] = value
    data = {TYPES[code].aliases[key]: value for key, value in known.items()}
    if others:
        data["metadata"] = {**(data.get("metadata") or {}), **others}
    return TYPES[code].form(data)


def small(code, **over):
    """The smallest complete request of a type with some keys given; None takes a key out."""
    request = {**SMALL[code], **over}
    return form(code, {key: value for key, value in request.items() if value is not None})


def full(code, **over):
    return form(code, {**FULL[code], **over})


def errors(checked):
    """The messages by field: one text each."""
    return {name: " ".join(messages) for name, messages in checked.errors.items()}


def refusal(field, value):
    """What the field says of the value."""
    with pytest.raises(forms.ValidationError) as refused:
        field.clean(value)
    return " ".join(refused.value.messages)


def posted(shown):
    """What a browser sends for a form as it is shown, line ends and all."""
    page = _Page()
    page.feed(str(shown.as_p()))
    data = QueryDict(mutable=True)
    for name, value in page.sent:
        data.appendlist(name, value.replace("\n", "\r\n"))
    return data


class _Page(HTMLParser):
    """Collects names and values of what a form sends."""

    def __init__(self):
        super().__init__()
        self.sent, self.select, self.textarea = [], None, None

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        if tag == "input" and (said["type"] != "checkbox" or "checked" in said):
            self.sent.append((said["name"], said.get("value", "on" if said["type"] == "checkbox" else "")))
        elif tag == "textarea":
            self.textarea, self.text = said["name"], ""
        elif tag == "select":
            self.select = said["name"]
        elif tag == "option" and "selected" in said:
            self.sent.append((self.select, said["value"]))

    def handle_data(self, data):
        if self.textarea:
            self.text += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            # A browser drops one line end after the opening tag.
            self.sent.append((self.textarea, self.text.removeprefix("\n")))
            self.textarea = None
