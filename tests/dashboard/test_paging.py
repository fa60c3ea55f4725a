"""Paging by key: every row once, whatever the order and whatever the address says."""

from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from django.http import QueryDict

from dashboard import paging
from dashboard.jobs import SORTS
from jobs.models import Job, JobSchedule, Status
from tests.factories import NOON, alice, job

pytestmark = pytest.mark.django_db

ORDERS = sorted(SORTS)


@pytest.fixture
def jobs() -> set[str]:
    """Eleven jobs with ties in every column that a list can be sorted by."""
    owner = alice()
    made = [job(owner, name=f"job-{n // 3}") for n in range(11)]
    for n, one in enumerate(made):
        status = Status.values[n % len(Status)]
        Job.objects.filter(pk=one.pk).update(status=status, updated_at=NOON + timedelta(days=n // 4))
        due = NOON + timedelta(hours=n // 4) if n % 2 else None
        JobSchedule.objects.filter(job=one).update(next_fire_at=due)
    return {one.pk for one in made}


def page(order: str, **query: str) -> paging.Page:
    query_string = QueryDict(mutable=True)
    query_string.update(query)
    return paging.page(Job.objects.select_related("schedule"), SORTS[order].order, query_string, size=2)


def walk(order: str) -> list[paging.Page]:
    pages = [page(order)]
    while pages[-1].after:
        pages.append(page(order, after=pages[-1].after))
        assert len(pages) < 12, "these pages lead in a circle"
    return pages


@pytest.mark.parametrize("order", ORDERS)
def test_going_forward_shows_every_row_once(order, jobs):
    shown = [row.pk for each in walk(order) for row in each.rows]
    assert len(shown) == 11
    assert set(shown) == jobs


@pytest.mark.parametrize("order", ORDERS)
def test_going_back_shows_the_same_pages(order, jobs):
    there = walk(order)
    back = [there[-1]]
    while back[-1].before:
        back.append(page(order, before=back[-1].before))
        assert len(back) < 12, "these pages lead in a circle"
    assert [[row.pk for row in each.rows] for each in reversed(back)] == [
        [row.pk for row in each.rows] for each in there
    ]


@pytest.mark.parametrize("order", ORDERS)
def test_rows_that_go_and_come_neither_hide_nor_double_others(order, jobs):
    first = page(order)
    Job.objects.filter(pk=first.rows[0].pk).delete()
    shown = {row.pk for row in first.rows}
    after = first.after
    while after:
        following = page(order, after=after)
        assert not shown & {row.pk for row in following.rows}
        shown |= {row.pk for row in following.rows}
        after = following.after
    assert shown == jobs


def test_jobs_without_a_next_fire_come_last(jobs):
    rows = [row for each in walk("next") for row in each.rows]
    assert [row.schedule.next_fire_at is None for row in rows] == [False] * 5 + [True] * 6


def test_the_worst_status_comes_first(jobs):
    rows = [row for each in walk("status") for row in each.rows]
    worst_first = ["FAILED", "RUNNING", "SCHEDULED", "PAUSED", "PENDING", "CANCELLED", "SUCCEEDED"]
    assert list(dict.fromkeys(row.status for row in rows)) == worst_first


def test_a_list_that_fits_on_one_page_leads_nowhere():
    job()
    only = page("name")
    assert (only.before, only.after, only.seen) == (None, None, 1)


@pytest.mark.parametrize(("look_to", "seen"), [(0, None), (7, 8), (10, 11), (1000, 11)])
def test_the_first_page_sees_how_many_rows_there_are_no_further_than_asked(look_to, seen, jobs):
    order = SORTS["name"].order
    first = paging.page(Job.objects.all(), order, QueryDict(), 4, look_to=look_to)
    assert (len(first.rows), first.seen) == (4, seen)
    assert first.after


def cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "rubbish",
    [
        "garbage",
        "é",
        "=" * 7,
        "A" * 5000,
        cursor("null"),
        cursor("[]"),
        cursor('["a"]'),
        cursor('[{}, "a"]'),
        cursor("[" * 1400),
        cursor('["\\u0000", "x"]'),
        cursor('["\\ud800", "x"]'),
        cursor('[NaN, "a", "b"]'),
        cursor('[99999999999999, "a", "b"]'),
        cursor('[true, "2026-01-01T00:00:00+00:00", "b"]'),
        cursor('["0001-01-01T00:00:00+14:00", "b"]'),
        cursor('["2026-13-01T00:00:00+00:00", "b"]'),
        cursor('["2026-01-01T00:00:00", "b"]'),
    ],
)
def test_a_cursor_that_makes_no_sense_shows_the_first_page(order, rubbish, jobs):
    first = [row.pk for row in page(order).rows]
    assert [row.pk for row in page(order, after=rubbish).rows] == first
    assert [row.pk for row in page(order, before=rubbish).rows] == first


def test_a_cursor_past_the_end_shows_the_first_page(jobs):
    last = walk("name")[-1].rows[-1]
    beyond = SORTS["name"].order.cursor(last)
    assert [row.pk for row in page("name", after=beyond).rows] == [row.pk for row in page("name").rows]
