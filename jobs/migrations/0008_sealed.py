"""Payloads are encrypted in their columns, and the host they call gets a column of its own."""

from django.conf import settings
from django.db import migrations, models

from chronos_site import rotate
from jobs.hosts import host_of
from jobs.models import JobPayload, JobVersion

BATCH = 500
MODELS = (JobPayload, JobVersion)


def find_hosts(apps, schema_editor):
    payloads = apps.get_model("jobs", "JobPayload").objects.only("pk", "http_url", "database_url")
    called = payloads.exclude(http_url=None, database_url=None).order_by("pk")
    rows = list(called[:BATCH])
    while rows:
        for row in rows:
            row.host = host_of(row.http_url) or host_of(row.database_url)
        payloads.bulk_update(rows, ["host"])
        rows = list(called.filter(pk__gt=rows[-1].pk)[:BATCH])


def seal(apps, schema_editor):
    if settings.SECRETS_KEYS:
        _rewrite(rotate.renewed)


def unseal(apps, schema_editor):
    _rewrite(rotate.opened)


def _rewrite(change):
    for model in MODELS:
        fields = next(fields for each, fields in rotate.places() if each is model)
        for _ in rotate.rewrite(model, fields, change):
            pass


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0007_name_search"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobpayload",
            name="host",
            field=models.CharField(db_default="", default="", editable=False, max_length=255),
        ),
        migrations.RunPython(find_hosts, migrations.RunPython.noop),
        migrations.RunPython(seal, unseal),
    ]
