import django.db.models.functions.datetime
from django.db import migrations, models

import chronos_site.schema


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("previous", models.CharField(max_length=64)),
                ("events", models.PositiveIntegerField()),
                ("content", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "sealed_at",
                    chronos_site.schema.Stamp(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "db_table": "audit_seals",
            },
        ),
        migrations.CreateModel(
            name="SealedEvent",
            fields=[
                ("event_id", chronos_site.schema.UlidField(primary_key=True, serialize=False)),
                ("seal", models.PositiveIntegerField()),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "db_table": "audit_sealed_events",
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.PositiveIntegerField(default=1, primary_key=True, serialize=False)),
                ("ended_at", models.DateTimeField()),
                ("seal", models.PositiveIntegerField()),
                ("events", models.PositiveIntegerField()),
                ("problem", models.TextField(blank=True, default="")),
            ],
            options={
                "db_table": "audit_verifications",
            },
        ),
        migrations.AddField(
            model_name="auditevent",
            name="address",
            field=models.CharField(max_length=45, null=True),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="via",
            field=models.CharField(max_length=10, null=True),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=chronos_site.schema.SeedIndex(
                fields=["user_email", "id"], name="idx_audit_events_user_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=chronos_site.schema.SeedIndex(
                fields=["action", "id"], name="idx_audit_events_action_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=chronos_site.schema.SeedIndex(
                fields=["entity_type", "id"], name="idx_audit_events_type_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="sealedevent",
            index=chronos_site.schema.SeedIndex(
                fields=["seal", "event_id"], name="idx_audit_sealed_events_seal"
            ),
        ),
    ]
