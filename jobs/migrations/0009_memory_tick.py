"""A memory knows the tick of the run that wrote it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0008_sealed"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="tick",
            field=models.DateTimeField(null=True),
        ),
    ]
