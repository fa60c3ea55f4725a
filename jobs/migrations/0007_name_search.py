"""Words inside jobs' names are found by an index, where PostgreSQL has the means for one."""

from typing import Any

from django.db import migrations, transaction
from django.db.utils import DatabaseError


def index_names(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql" or not _trigrams(connection):
        return
    # As `icontains` compares.
    schema_editor.execute("CREATE INDEX idx_jobs_name_words ON jobs USING gin (UPPER(name) gin_trgm_ops)")


def _trigrams(connection: Any) -> bool:
    """Whether the database compares by trigrams: the extension may be missing, or not ours to create."""
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return False
    return True


def forget_index(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS idx_jobs_name_words")


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_version_once")]

    operations = [migrations.RunPython(index_names, forget_index)]
