"""The page of retention: operators look, administrators change, and what would go is told before."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from runs.retention import SUBJECTS, RetentionRule, rules
from runs.retention_views import RulesForm
from tests import factories

pytestmark = pytest.mark.django_db


def typed(**days):
    return {code: str(subject.days) for code, subject in SUBJECTS.items()} | days


@pytest.fixture
def address():
    return reverse("retention")


@pytest.fixture
def ada(client):
    ada = factories.ada()
    client.force_login(ada)
    return ada


def test_an_administrator_changes_a_rule(client, ada, address):
    answer = client.post(address, {**typed(TRIALS="3", BULK=""), "do": "save", "note": "Little room"})
    assert answer.status_code == 302
    assert (rules()["TRIALS"], rules()["BULK"]) == (3, None)


def test_a_rule_that_was_left_alone_stays_as_somebody_else_has_made_it(client, ada, address):
    shown = {f"initial-{code}": days for code, days in typed().items()}
    client.post(address, {**typed(RUNS_FAILED=""), "do": "save"})
    client.post(address, {**typed(TRIALS="3"), **shown, "do": "save"})
    assert (rules()["TRIALS"], rules()["RUNS_FAILED"]) == (3, None)
    assert 'name="initial-RUNS_FAILED"' in client.get(address).content.decode()


def test_what_was_left_alone_is_not_written_again_while_somebody_changes_it():
    shown = {f"initial-{code}": days for code, days in typed().items()}
    form = RulesForm({**typed(TRIALS="3"), **shown})
    assert form.is_valid()
    assert form.typed() == {"TRIALS": 3}


def test_what_would_go_is_shown_before_anything_is_saved(client, ada, address):
    factories.run(factories.job(), at=timezone.now() - timedelta(days=8))
    page = client.post(address, {**typed(RUNS_SUCCESS="7"), "do": "preview"}).content.decode()
    assert "Not saved yet" in page
    assert '<td class="num nowrap">1</td>' in page
    assert not RetentionRule.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "x", "99999", "1.5"])
def test_what_makes_no_sense_is_told_at_its_field_and_stays_there(client, ada, address, days):
    page = client.post(address, {**typed(TRIALS=days), "do": "save"}).content.decode()
    assert "invalid-feedback" in page
    assert f'value="{days}"' in page
    assert not RetentionRule.objects.exists()


def test_closed_dead_letters_are_kept_as_long_as_the_doctor_looks_for_them(client, ada, address):
    page = client.post(address, {**typed(LETTERS_CLOSED="6"), "do": "save"}).content.decode()
    assert "greater than or equal to 7" in page


def test_an_operator_looks_and_changes_nothing(client, address):
    client.force_login(factories.bob())
    page = client.get(address).content.decode()
    assert "Runs that succeeded" in page
    assert '<button class="btn btn-primary" name="do"' not in page
    assert client.post(address, {**typed(TRIALS="3"), "do": "save"}).status_code == 403
    assert not RetentionRule.objects.exists()


def test_everyone_else_is_refused(client, address):
    client.force_login(factories.charlie())
    assert client.get(address).status_code == 403


def test_the_page_costs_the_same_whatever_there_is(client, ada, address):
    costs = []
    for n in (0, 5):
        for _ in range(n):
            factories.run(factories.job(ada), at=timezone.now() - timedelta(days=100))
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        costs.append(len(queries))
    assert max(costs) <= 8
