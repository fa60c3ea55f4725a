"""What our own database backends do differently from Django's."""

from datetime import UTC, timedelta, timezone

import pytest
from django.db import connection

from runs.models import Run
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases("postgresql")]


def test_times_are_read_by_the_compiled_code_of_the_driver():
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_type WHERE typname = 'timestamptz'")
        loader = cursor.adapters.get_loader(cursor.fetchone()[0], 0)
    assert loader.__module__ == "psycopg_binary._psycopg"


def test_times_are_read_in_utc_whatever_zone_they_were_written_in():
    factories.run(factories.job(), at=NOON.astimezone(timezone(timedelta(hours=-7))))
    read = Run.objects.values_list("scheduled_time", flat=True).get()
    assert (read, read.tzinfo) == (NOON, UTC)
