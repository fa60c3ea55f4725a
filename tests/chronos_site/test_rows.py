from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from chronos_site import rows
from chronos_site.schema import new_ulid
from runs.models import Run, RunLog
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TOLD = ("error_message", "exit_code", "result")


@pytest.fixture
def runs():
    job = factories.job()
    return [factories.run(job, at=NOON + timedelta(minutes=minute)) for minute in range(3)]


def told(run):
    run.refresh_from_db()
    return tuple(getattr(run, name) for name in TOLD)


def test_each_row_gets_its_own_values_and_those_that_all_share(runs):
    rows.update(Run, TOLD, [(f"message {n}", 7, None, run.pk) for n, run in enumerate(runs)])
    assert [told(run) for run in runs] == [(f"message {n}", 7, None) for n in range(3)]


def test_values_that_only_some_rows_have_stay_theirs(runs):
    rows.update(Run, TOLD, [(None, n or None, '{"n": 1}', run.pk) for n, run in enumerate(runs)])
    assert [told(run)[1] for run in runs] == [None, 1, 2]
    assert told(runs[0])[2] == {"n": 1}


def test_a_row_of_which_the_condition_is_not_true_is_left_alone(runs):
    Run.objects.filter(pk=runs[0].pk).update(exit_code=1)
    rows.update(Run, ["exit_code"], [(9, run.pk) for run in runs], where="exit_code IS NULL")
    assert [told(run)[1] for run in runs] == [1, 9, 9]


def test_rows_that_are_there_already_are_left_out_of_new_ones(runs):
    columns = ("id", "job_id", "scheduled_time", "available_at")
    at = [rows.stored(runs[0].scheduled_time), rows.stored(NOON + timedelta(hours=1))]
    rows.insert_new(Run, columns, [(new_ulid(), runs[0].job_id, each, each) for each in at])
    assert Run.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_one_row_that_is_refused_takes_all_of_its_statement_along(runs):
    lines = [(run_id, rows.stored(NOON), "INFO", "x") for run_id in (runs[0].pk, "gone")]
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(RunLog, ("run_id", "timestamp", "level", "message"), lines)
    assert not RunLog.objects.exists()


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        rows.update(Run, TOLD, [])
        rows.insert(RunLog, ("run_id",), [])
        rows.insert_new(Run, ("id",), [])


@pytest.mark.parametrize("words", ["tab\tline\nend", r"\N and \. and \\", "'; --", "%s {}", "Zürich 🕰", ""])
def test_text_comes_back_as_it_was(runs, words):
    names = ("run_id", "timestamp", "level", "message", "context")
    lines = [(runs[0].pk, rows.stored(NOON), "INFO", message, None) for message in (words, "next")]
    rows.insert(RunLog, names, lines)
    kept = RunLog.objects.order_by("id").values_list("message", "timestamp", "context")
    assert list(kept) == [(words, NOON, None), ("next", NOON, None)]
