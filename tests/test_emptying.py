"""What empties the database between tests."""

import pytest
from django.db import DatabaseError, connection

from audit.models import AuditEvent, record
from tests import emptying, factories


@pytest.mark.databases("sqlite3", "mysql")
@pytest.mark.django_db(transaction=True)
def test_the_audit_trail_is_shut_again_when_emptying_fails(monkeypatch):
    ada = factories.ada()
    record(ada, "SIGNED_OUT", ada)
    with monkeypatch.context() as broken:
        broken.setattr(emptying, "filled", lambda cursor: ["no_such_table"])
        with pytest.raises(DatabaseError):
            emptying.empty()
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_events")
    assert AuditEvent.objects.count() == 1
