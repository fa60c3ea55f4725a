"""Twelve weeks of a job: complete, honest about days that are not closed, and a link to each day's runs."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from dashboard.job_calendar import HEIGHT, WIDTH, Calendar, Cell, Figures
from jobs.models import Job
from runs import days
from runs.days import JobDay, roll_up, rolled_up_to
from runs.models import Skip
from tests.factories import alice, job, run

# A Wednesday.
AT = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
TODAY = AT.date()
DAY = timedelta(days=1)


def cell(**totals: int) -> Cell:
    return Cell(TODAY, 0, 0, JobDay(day=TODAY, **totals))


def styles(one: Cell) -> list[str]:
    return [mark.style for mark in one.marks]


# one day


@pytest.mark.parametrize(
    ("totals", "drawn"),
    [
        ({"succeeded": 3}, ["f-ok"]),
        ({"succeeded": 3, "failed": 1}, ["f-ok", "f-bad"]),
        ({"succeeded": 3, "timed_out": 1}, ["f-ok", "f-to"]),
        ({"failed": 2}, ["f-bad"]),
        ({"skipped": 2, "cancelled": 1}, ["f-next"]),
        ({"cancelled": 1}, ["f-can"]),
        ({}, ["f-line"]),
    ],
)
def test_the_shape_of_a_day_says_what_ended_on_it(totals, drawn):
    assert styles(cell(**totals)) == drawn


def test_a_day_to_come_is_hollow():
    assert styles(Cell(TODAY + DAY, 0, 0, None)) == ["f-next"]


def test_one_failure_among_thousands_is_seen_and_so_is_one_success():
    for totals in ({"succeeded": 9999, "failed": 1}, {"succeeded": 1, "failed": 9999}):
        done, broken = cell(**totals).marks
        assert min(done.height, broken.height) >= 3
        assert done.height + broken.height < HEIGHT


def test_only_a_day_on_which_nothing_succeeded_is_crossed_out():
    assert cell(failed=1).cross
    assert not cell(failed=1, succeeded=1).cross
    assert not cell(succeeded=1).cross


def test_a_day_in_words():
    told = cell(succeeded=1288, failed=3, skipped=1).words
    assert told == "Wed 4 Mar: 1,288 succeeded, 3 failed, 1 skipped"
    assert cell().words == "Wed 4 Mar: nothing fired"


# the grid


def test_the_grid_ends_with_the_week_of_today_and_frames_today():
    calendar = Calendar(Job(), TODAY, {})
    cells = [each for each in calendar.cells if each.totals is None]
    assert [each.day for each in cells] == [TODAY + n * DAY for n in (1, 2, 3, 4)]
    (now,) = [each for each in calendar.cells if each.day == TODAY]
    assert (calendar.now.x < now.x, calendar.now.y < now.y) == (True, True)
    assert (calendar.now.width, calendar.now.height) == (WIDTH + 3, HEIGHT + 3)


def test_months_stand_over_the_week_that_begins_in_them():
    assert [each.text for each in Calendar(Job(), TODAY, {}).months] == ["Dec", "Jan", "Feb", "Mar"]
    # The first week is the last one of its month: the next label would stand on it.
    assert [each.text for each in Calendar(Job(), date(2026, 4, 15), {}).months] == ["Feb", "Mar", "Apr"]


# figures


def figures(*of_days: tuple[int, int]) -> Figures:
    return Figures([JobDay(succeeded=good, failed=bad) for good, bad in of_days])


def test_the_share_is_never_rounded_up_to_all():
    assert figures((9999, 1)).share == "99.9%"
    assert figures((3, 1)).share == "75%"
    assert figures().share == ""


def test_the_longest_clean_stretch_leaves_out_days_without_runs():
    assert figures((1, 0), (1, 1), (5, 0), (0, 0), (5, 0), (1, 2)).longest_clean == 2


# from the database


@pytest.mark.django_db
@pytest.mark.databases
def test_closed_days_come_from_their_totals_and_the_rest_from_runs():
    probe = job(alice(), at=AT - 30 * DAY)
    purged, *_ = [run(probe, at=at) for at in (AT - 2 * DAY - timedelta(hours=1), AT - 2 * DAY, AT - DAY, AT)]
    run(probe, "FAILURE", at=AT - DAY + timedelta(hours=1))
    run(probe, "CANCELLED", at=AT + timedelta(hours=1), skip_reason=Skip.MISFIRE, skipped_count=7)
    assert roll_up(AT) == TODAY - 2 * DAY
    purged.delete()
    told = days.of_job(probe, TODAY - 7 * DAY, rolled_up_to())
    assert {on: (each.succeeded, each.failed, each.skipped) for on, each in told.items()} == {
        TODAY - 2 * DAY: (2, 0, 0),
        TODAY - DAY: (1, 1, 0),
        TODAY: (1, 0, 7),
    }


@pytest.mark.django_db
def test_before_any_day_is_closed_runs_tell_all():
    probe = job(alice(), at=AT - 30 * DAY)
    run(probe, "TIMEOUT", at=AT - 7 * DAY)
    (told,) = days.of_job(probe, TODAY - 7 * DAY, rolled_up_to()).values()
    assert (told.day, told.timed_out, told.total) == (TODAY - 7 * DAY, 1, 1)


@pytest.mark.django_db
def test_a_day_links_to_its_runs(client):
    owner = alice()
    probe = job(owner, at=AT)
    inside = run(probe, at=AT - DAY)
    for at in (AT, AT - 2 * DAY):
        run(probe, at=at)
    calendar = Calendar.read(probe, AT, "7d", rolled_up_to())
    client.force_login(owner)
    listed = client.get(calendar.address(TODAY - DAY, TODAY))
    assert listed.context["page"].rows == [inside]


@pytest.mark.django_db
def test_the_window_decides_what_the_figures_count(client):
    owner = alice()
    probe = job(owner)
    now = datetime.now(UTC)
    run(probe, at=now - 3 * DAY, took=2)
    run(probe, "FAILURE", at=now - 20 * DAY)
    client.force_login(owner)

    def shown(window: str):
        return client.get(reverse("job_detail", args=[probe.pk]), {"window": window}).context["history"]

    assert [shown(each).calendar.figures.broken for each in ("7d", "30d", "", "nonsense")] == [0, 1, 1, 1]
    assert shown("7d").took.p95 == 2000
    since = parse_qs(urlsplit(shown("7d").calendar.broken_address).query)["since"]
    assert since == [f"{now.date() - 6 * DAY}T00:00:00Z"]
