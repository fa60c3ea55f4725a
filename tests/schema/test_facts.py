"""The live schema is what the facts say, nothing less and nothing more."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from tests.schema import reading, rows

pytestmark = [pytest.mark.databases, pytest.mark.django_db]


@pytest.fixture(scope="module")
def live(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return reading.live()


def test_the_tables_and_views_are_those_of_the_facts(live):
    assert set(live) == set(reading.stated())


@pytest.mark.parametrize("table", list(reading.stated()))
def test_a_table_is_what_the_facts_say(live, table):
    assert live[table] == reading.stated()[table]


@pytest.mark.parametrize("check", reading.checks(), ids=lambda check: check.name)
def test_a_check_refuses_what_is_wrong(check):
    rows.one_everywhere()
    # A schedule of an unknown type is refused by either CHECK that reads the type.
    names = f"{check.name}|chk_schedule_consistency"
    with pytest.raises(IntegrityError, match=names), transaction.atomic():
        rows.sql(f"UPDATE {check.table} SET {check.column} = {check.refuses}")


@pytest.mark.parametrize("check", reading.checks(), ids=lambda check: check.name)
def test_a_check_allows_what_the_schema_allows(check):
    rows.one_everywhere()
    for value in check.allows:
        rows.sql(f"UPDATE {check.table} SET {check.column} = {value}")


def test_the_system_checks_have_nothing_to_say(capsys):
    call_command("check", databases=["default"], fail_level="INFO")
    assert "no issues" in capsys.readouterr().out
