"""An empty database after a test that committed: what it left is deleted, and nothing else is touched.

Django empties every table and then makes its content types and permissions anew, which takes longer than
most of the tests themselves.
"""

from django.db import connection, transaction

# What Django makes with the tables, and keeps in step with the models.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# The order of the deletions is nobody's concern, and the audit trail's rows may go, until the second word.
FREELY = {
    "sqlite": (["SELECT chronos_audit_open(1)"], ["SELECT chronos_audit_open(0)"]),
    "postgresql": (["SET LOCAL session_replication_role = replica"], []),
    "mysql": (
        ["SET foreign_key_checks = 0", "SET @chronos_audit_open = 1"],
        ["SET foreign_key_checks = 1", "SET @chronos_audit_open = NULL"],
    ),
}


def empty() -> None:
    before, after = FREELY[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        deletions = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in filled(cursor)]
        try:
            for statement in [*before, *deletions]:
                cursor.execute(statement)
        finally:
            # These are the connection's: no rollback takes them back, and the next test has the same one.
            for statement in after:
                cursor.execute(statement)


def filled(cursor) -> list[str]:
    """The tables that hold rows, by one question."""
    tables = sorted(set(connection.introspection.django_table_names()) - KEPT)
    asked = ", ".join(f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})" for table in tables)
    cursor.execute(f"SELECT {asked}")
    return [table for table, held in zip(tables, cursor.fetchone(), strict=True) if held]
