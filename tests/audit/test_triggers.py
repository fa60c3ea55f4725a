"""The database itself keeps the trail."""

import contextlib

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from audit import gate
from audit.models import AuditEvent, SealedEvent
from audit.sealing import seal_all
from tests.audit.trail import a_trail

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TABLES = ["audit_events", "audit_seals", "audit_sealed_events"]
COLUMNS = {"audit_events": "action", "audit_seals": "hash", "audit_sealed_events": "hash"}


def refused(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute(statement)
        except DatabaseError as error:
            return str(error)
    return ""


def give_up_inside():
    with gate.opened():
        AuditEvent.objects.all().delete()
        raise ZeroDivisionError


@pytest.mark.parametrize("table", TABLES)
def test_no_row_is_changed(table):
    a_trail()
    assert "append-only" in refused(f"UPDATE {table} SET {COLUMNS[table]} = 'FORGED'")
    with gate.opened():
        assert "append-only" in refused(f"UPDATE {table} SET {COLUMNS[table]} = 'FORGED'")


@pytest.mark.parametrize("table", TABLES)
def test_no_row_is_deleted(table):
    a_trail()
    assert "append-only" in refused(f"DELETE FROM {table}")


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("table", TABLES)
def test_no_table_is_truncated(table):
    assert "append-only" in refused(f"TRUNCATE {table}")


@pytest.mark.databases("sqlite3")
def test_no_row_is_replaced():
    a_trail()
    pk = AuditEvent.objects.first().pk
    replacing = "INSERT OR REPLACE INTO audit_events (id, entity_type, entity_id, action) VALUES"
    assert "UNIQUE" in refused(f"{replacing} ('{pk}', 'Job', 'x', 'FORGED')")


def test_rows_go_only_where_the_transaction_says_so():
    a_trail()
    with gate.opened():
        AuditEvent.objects.first().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.first().delete()
    assert AuditEvent.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_failure_leaves_the_gate_shut():
    a_trail()
    with pytest.raises(ZeroDivisionError):
        give_up_inside()
    assert "append-only" in refused("DELETE FROM audit_events")
    assert AuditEvent.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_failure_that_somebody_caught_inside_leaves_the_gate_shut():
    a_trail()
    caught, inside = contextlib.suppress(ZeroDivisionError), transaction.atomic(savepoint=False)
    with transaction.atomic(), gate.opened(), caught, inside:
        AuditEvent.objects.all().delete()
        raise ZeroDivisionError
    assert "append-only" in refused("DELETE FROM audit_events")
    assert AuditEvent.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_flush_empties_the_trail_and_leaves_it_kept():
    a_trail()
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEvent.objects.exists()
    assert not SealedEvent.objects.exists()
    a_trail()
    assert "append-only" in refused("DELETE FROM audit_events")
    assert list(seal_all()) == []
