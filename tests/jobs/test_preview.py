"""What the form says a schedule and a retry policy will do."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobs import preview
from jobs.schedules import Plan
from tests.factories import NOON, alice, job

NIGHT = datetime(2026, 3, 28, 2, 12, tzinfo=UTC)
BERLIN = Plan("CRON", cron_expression="0 30 2 * * ?", timezone="Europe/Berlin")


def test_a_fire_that_the_clock_change_moves_is_marked():
    first, second = preview.preview(BERLIN, NIGHT).fires[:2]
    assert (f"{first.local:%H:%M %Z}", first.mark) == ("03:00 CEST", "moved by the clock change")
    assert (f"{second.local:%H:%M %Z}", second.mark) == ("02:30 CEST", "")


def test_the_clock_changes_of_a_year_are_told():
    told = [change.sentence for change in preview.preview(BERLIN, NIGHT).changes]
    assert ["does not exist" in told[0], "comes twice" in told[1]] == [True, True]


def test_a_schedule_that_cannot_be_kept_gives_its_error_alone():
    shown = preview.preview(replace(BERLIN, cron_expression="0 0 30 2 *"), NIGHT)
    assert shown.error
    assert (shown.fires, shown.reading) == ((), "")


def test_a_schedule_that_is_over_has_no_fires():
    shown = preview.preview(Plan("ONCE", run_at=NOON), NIGHT)
    assert (shown.reading, list(shown.fires), shown.next) == ("Once, 2 Mar 2026 12:00, UTC", [], None)


@pytest.mark.django_db
def test_what_was_typed_for_another_kind_does_not_change_a_plan():
    one = job(alice(), at=NOON)
    typed = Plan("INTERVAL", interval_seconds=300, cron_expression="* * * * *", run_at=NIGHT)
    assert preview.anchored(typed, one) == one.schedule.plan
    assert preview.anchored(replace(typed, interval_seconds=301), one).anchor_at is None


@pytest.mark.parametrize(
    ("edited", "fires"),
    [
        (Plan("CRON", cron_expression="0 0 * * *"), [(7, 7, 168), (30, 30, 720)]),
        (Plan("CRON", cron_expression="* * * * * *"), [(7, 604_800, 168), (30, 2_592_000, 720)]),
        (Plan("INTERVAL", interval_seconds=7200), [(7, 84, 168), (30, 360, 720)]),
        (Plan("ONCE", run_at=NOON), []),
    ],
)
def test_an_edit_is_put_to_the_last_days_beside_what_is_saved(edited, fires):
    tested = preview.backtest(edited, Plan("INTERVAL", interval_seconds=3600), NOON)
    assert [(each.days, each.fires, each.saved) for each in tested] == fires


def test_a_new_schedule_is_put_to_the_last_days_alone():
    assert [each.saved for each in preview.backtest(BERLIN, None, NOON)] == [None, None]


@pytest.mark.parametrize(
    ("fires", "saved", "far_off"),
    [(10, 1, True), (9, 1, False), (1, 10, True), (0, 10, True), (5, None, False)],
)
def test_ten_times_as_many_fires_may_be_a_slip(fires, saved, far_off):
    assert preview.Backtest(7, fires, saved).far_off is far_off
