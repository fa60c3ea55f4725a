"""PostgreSQL counts outcomes and reasons together: by themselves they make it expect a few skipped runs."""

from typing import Any

from django.db import migrations


def count_together(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE STATISTICS stat_job_runs_skipped (mcv) ON outcome, skip_reason FROM job_runs"
        )


def count_apart(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS IF EXISTS stat_job_runs_skipped")


class Migration(migrations.Migration):
    dependencies = [("runs", "0011_resolved_when")]

    operations = [migrations.RunPython(count_together, count_apart)]
