# ruff: noqa: S608 (the names are those below)
from django.db import migrations

from chronos_site.schema import PerDatabase

TABLES = ("audit_events", "audit_seals", "audit_sealed_events")


def _sqlite(table: str) -> list[tuple[str, str]]:
    key = {"audit_seals": "number", "audit_sealed_events": "event_id"}.get(table, "id")
    return [
        (
            f"""
            CREATE TRIGGER trg_{table}_update BEFORE UPDATE ON {table}
            BEGIN SELECT RAISE(ABORT, '{table} is append-only: no row may be changed'); END
            """,
            f"DROP TRIGGER trg_{table}_update",
        ),
        (
            f"""
            CREATE TRIGGER trg_{table}_delete BEFORE DELETE ON {table} WHEN chronos_audit_open() = 0
            BEGIN SELECT RAISE(ABORT, '{table} is append-only: no row may be deleted'); END
            """,
            f"DROP TRIGGER trg_{table}_delete",
        ),
        # INSERT OR REPLACE deletes without a word to the trigger on DELETE.
        (
            f"""
            CREATE TRIGGER trg_{table}_insert BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})
            BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: {table}.{key}'); END
            """,
            f"DROP TRIGGER trg_{table}_insert",
        ),
    ]


def _postgresql(table: str) -> list[tuple[str, str]]:
    return [
        (
            f"""
            CREATE TRIGGER trg_{table}_{verb.lower()} BEFORE {verb} ON {table}
            FOR EACH {each} EXECUTE FUNCTION refuse_audit_change()
            """,
            f"DROP TRIGGER trg_{table}_{verb.lower()} ON {table}",
        )
        for verb, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
    ]


def _mysql(table: str) -> list[tuple[str, str]]:
    return [
        (
            f"""
            CREATE TRIGGER trg_{table}_update BEFORE UPDATE ON {table} FOR EACH ROW
            SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025,
            MESSAGE_TEXT = '{table} is append-only: no row may be changed'
            """,
            f"DROP TRIGGER trg_{table}_update",
        ),
        (
            f"""
            CREATE TRIGGER trg_{table}_delete BEFORE DELETE ON {table} FOR EACH ROW
            BEGIN
                IF @chronos_audit_open IS NULL THEN
                    SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025,
                    MESSAGE_TEXT = '{table} is append-only: no row may be deleted';
                END IF;
            END
            """,
            f"DROP TRIGGER trg_{table}_delete",
        ),
    ]


class Migration(migrations.Migration):
    """What is in the audit trail stays as it is.

    Rows go only by the purge that follows an export, which says so in its transaction; see docs/audit.md.
    On MariaDB nothing can refuse a TRUNCATE: there the chain tells.
    """

    dependencies = [("audit", "0002_chain")]

    operations = [
        PerDatabase(
            {
                "sqlite": [pair for table in TABLES for pair in _sqlite(table)],
                "postgresql": [
                    (
                        """
                        CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            IF TG_OP <> 'UPDATE' AND current_setting('chronos.audit_open', true) = 'on' THEN
                                RETURN OLD;
                            END IF;
                            RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
                            USING ERRCODE = 'check_violation';
                        END $$
                        """,
                        "DROP FUNCTION refuse_audit_change()",
                    ),
                    *(pair for table in TABLES for pair in _postgresql(table)),
                ],
                "mysql": [pair for table in TABLES for pair in _mysql(table)],
            }
        )
    ]
