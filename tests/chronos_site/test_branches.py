"""Several limited lists in one query."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Left

from chronos_site.branches import Branch, together
from chronos_site.statements import Slot
from runs.models import Run
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs():
    job = factories.job()
    return [
        factories.run(job, at=NOON + timedelta(hours=n), error_message=f"No. {n} broke") for n in range(4)
    ]


def lists(count=1):
    shown = Run.objects.values(
        "id", "job_id", "scheduled_time", start=Left("error_message", 5), due=F("available_at")
    )
    return [shown.order_by("id")[:count], shown.order_by("-id")[:count]]


def test_each_branch_keeps_its_order_and_its_limit(runs):
    assert [run.pk for run in together(lists(2))] == [runs[n].pk for n in (0, 1, 3, 2)]


@pytest.mark.databases
def test_a_branch_is_read_for_each_of_the_ids(runs, django_assert_num_queries):
    other = factories.run(factories.job(runs[0].job.owner), error_message="Another")
    shown = Run.objects.filter(job=Slot(0)).order_by("-scheduled_time")
    newest = Branch.of(shown.values("id", "job_id", start=Left("error_message", 5))[:2])
    assert newest.each([]) == []
    for ids in ([runs[0].job_id, other.job_id], ["none", runs[0].job_id, '{",}', "", other.job_id]):
        with django_assert_num_queries(1):
            found = newest.each(ids)
        assert [(run.pk, run.start) for run in found] == [
            (runs[3].pk, "No. 3"),
            (runs[2].pk, "No. 2"),
            (other.pk, "Anoth"),
        ]


def test_so_many_rows_in_all_and_no_more(runs):
    assert [run.pk for run in together(lists(2), 3)] == [runs[n].pk for n in (0, 1, 3)]


def test_what_can_have_no_rows_is_left_out(runs):
    nothing = Run.objects.filter(pk__in=[]).values("id")[:1]
    first = Run.objects.order_by("id").values("id")[:1]
    assert [run.pk for run in together([nothing, first])] == [runs[0].pk]
    assert together([nothing, nothing]) == []


def test_rows_have_the_columns_and_annotations_asked_for(runs):
    first = together(lists())[0]
    assert (first.job_id, first.scheduled_time, first.start) == (
        runs[0].job_id,
        runs[0].scheduled_time,
        "No. 0",
    )


def test_a_column_that_was_not_asked_for_is_read_when_it_is_wanted(runs, django_assert_num_queries):
    first = together(lists())[0]
    with django_assert_num_queries(1):
        assert first.error_message == "No. 0 broke"


def test_rows_are_known_to_be_stored(runs):
    first = together(lists())[0]
    first.exit_code = 3
    first.save(update_fields=["exit_code"])
    assert Run.objects.get(pk=runs[0].pk).exit_code == 3
