"""The jobs that were changed last are found without sorting all."""

from django.db import migrations

from chronos_site.schema import SeedIndex


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0009_memory_tick"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=SeedIndex(fields=["updated_at", "id"], name="idx_jobs_updated_at"),
        ),
    ]
