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


def policy(attempts: int, strategy: str = "FIXED", seconds: int = 60) -> dict:
    return {"max_attempts": attempts, "backoff_strategy": strategy, "backoff_seconds": seconds}


def test_attempts_stand_one_after_the_other_and_say_when():
    drawn = preview.attempts(policy(3, "EXPONENTIAL", 300))
    assert [attempt.after for attempt in drawn] == ["at once", "5 min", "15 min"]
    assert [attempt.x for attempt in drawn] == [30.0, 210.0, 390.0]


def test_a_single_attempt_and_attempts_without_a_wait_are_at_once():
    assert [attempt.after for attempt in preview.attempts(policy(1))] == ["at once"]
    assert [attempt.after for attempt in preview.attempts(policy(2, seconds=0))] == ["at once", "at once"]


def test_with_jitter_attempts_stand_where_they_come_at_the_earliest():
    drawn = preview.attempts({**policy(3, seconds=60), "jitter": True})
    assert [attempt.after for attempt in drawn] == ["at once", "30 s", "1 min"]
