import django.db.models.functions.datetime
from django.db import migrations, models

import chronos_site.schema


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("email", models.EmailField(max_length=255, unique=True)),
                ("password", models.CharField(max_length=255)),
                (
                    "roles",
                    models.CharField(
                        db_default="USER",
                        default="USER",
                        help_text="USER, OPERATOR or ADMIN; several separated by commas count as the highest.",
                        max_length=255,
                    ),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True, verbose_name="active")),
                (
                    "created_at",
                    chronos_site.schema.Stamp(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    chronos_site.schema.UpdateStamp(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "db_table": "users",
                "indexes": [
                    chronos_site.schema.SeedIndex(fields=["email"], name="idx_users_email"),
                    chronos_site.schema.SeedIndex(fields=["created_at"], name="idx_users_created_at"),
                ],
            },
        ),
    ]
