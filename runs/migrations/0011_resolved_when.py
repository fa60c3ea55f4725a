from django.db import migrations

import chronos_site.schema


class Migration(migrations.Migration):
    dependencies = [("runs", "0010_broken_runs")]

    operations = [
        migrations.AddIndex(
            model_name="deadletter",
            index=chronos_site.schema.SeedIndex(fields=["resolved_at"], name="idx_dlq_events_resolved_at"),
        ),
    ]
