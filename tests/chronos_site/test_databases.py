"""What our own database backends do differently from Django's."""

from datetime import UTC, timedelta, timezone

import pytest
from django.db import connection

from runs.models import Outcome, Run
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


def statements():
    """What this connection has prepared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor]


def asked_three_times(rows):
    """How many statements more are prepared by it."""
    before = statements()
    for _ in range(3):
        list(rows.all())
    return [statement for statement in statements() if statement not in before]


@pytest.fixture
def fresh_connection():
    # What this one has prepared before is not known.
    connection.close()
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("fresh_connection")
class TestPreparing:
    def test_what_is_asked_again_and_again_is_planned_once(self):
        (statement,) = asked_three_times(Run.objects.filter(attempt=1).values("id"))
        assert '"attempt" = $1' in statement

    def test_a_plan_knows_the_words_of_our_enumerations(self):
        late = Run.objects.filter(outcome=Outcome.FAILURE, attempt=1).values("id")
        (statement,) = asked_three_times(late)
        assert """"outcome" = 'FAILURE'""" in statement
        assert '"attempt" = $1' in statement

    def test_a_plan_for_a_handful_does_not_serve_thousands(self):
        ids = [f"{number:026}" for number in range(1001)]
        assert not asked_three_times(Run.objects.filter(pk__in=ids).values("id"))
        assert asked_three_times(Run.objects.filter(pk__in=ids[:100]).values("id"))

    @pytest.mark.parametrize(
        "value", ["FAILURE'; DROP TABLE job_runs; --", "FAIL%sURE", "fäil", "ÄRGER", "TWO WORDS", ""]
    )
    def test_what_is_no_word_of_ours_is_never_part_of_a_statement(self, value):
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s, 'PENDING', %s, '100 %%s'", ["RUNNING", value])
            assert cursor.fetchone() == ("RUNNING", "PENDING", value, "100 %s")
            for _ in range(3):
                cursor.execute("SELECT %s::text, %s::text", [value, "RUNNING"])
                assert cursor.fetchone() == (value, "RUNNING")
        assert "SELECT $1::text, 'RUNNING'::text" in statements()
