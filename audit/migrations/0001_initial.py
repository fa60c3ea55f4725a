import django.db.models.functions.datetime
from django.db import migrations, models

import chronos_site.schema


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    chronos_site.schema.UlidField(
                        default=chronos_site.schema.new_ulid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("entity_type", models.CharField(max_length=50)),
                ("entity_id", models.CharField(max_length=255)),
                ("action", models.CharField(max_length=50)),
                ("user_email", models.CharField(max_length=255, null=True)),
                (
                    "timestamp",
                    chronos_site.schema.Stamp(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("details", models.JSONField(null=True)),
            ],
            options={
                "db_table": "audit_events",
                "indexes": [
                    chronos_site.schema.SeedIndex(
                        fields=["entity_type", "entity_id"], name="idx_audit_events_entity"
                    ),
                    chronos_site.schema.SeedIndex(fields=["user_email"], name="idx_audit_events_user"),
                    chronos_site.schema.SeedIndex(fields=["timestamp"], name="idx_audit_events_timestamp"),
                    chronos_site.schema.SeedIndex(fields=["action"], name="idx_audit_events_action"),
                    chronos_site.schema.SeedIndex(
                        fields=["entity_type", "entity_id", "-timestamp"],
                        name="idx_audit_events_composite_entity_time",
                    ),
                ],
            },
        ),
    ]
