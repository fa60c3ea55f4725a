"""An hour either side of now, as a drawing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.late import Progress, Running
from dashboard.lately import MOST_DONE, Lately
from dashboard.timeline import FUTURE, MOST_FIRES, NOW, timeline
from jobs.schedules import Plan
from runs.history import Durations
from runs.models import Run
from tests.factories import NOON


@dataclass(frozen=True)
class Every:
    """A job that fires every so many seconds."""

    next_fire_at: datetime
    seconds: int
    job_id: str = "A" * 26
    job_name: str = "probe"

    @property
    def plan(self) -> Plan:
        return Plan("INTERVAL", interval_seconds=self.seconds, anchor_at=self.next_fire_at)


def ended(outcome: str, minutes: float, seconds: float = 1) -> Run:
    run = Run(outcome=outcome, end_time=NOON - timedelta(minutes=minutes), duration_ms=round(seconds * 1000))
    run.job_name = "probe"  # type: ignore[attr-defined]
    return run


def drawn(done=(), failed=(), running=(), schedules=(), more=False):
    return timeline(Lately(list(done), list(failed)), list(running), list(schedules), NOON, more=more)


def test_an_empty_hour_draws_nothing():
    drawing = drawn()
    assert (drawing.done, drawing.failed, drawing.lanes, drawing.due, drawing.notes) == ("", [], [], [], [])


def test_half_an_hour_ago_lies_half_way():
    (failed,) = drawn(failed=[ended("FAILURE", 30)]).failed
    assert abs(failed.x - 325) <= 2
    assert "probe failed 30 min ago" in failed.title


def test_older_failures_are_not_of_this_hour():
    assert drawn(failed=[ended("FAILURE", 61)]).failed == []


def test_failures_at_one_place_are_one_mark_that_tells_how_many():
    (failed,) = drawn(failed=[ended("TIMEOUT", 30), ended("FAILURE", 30.01)]).failed
    assert failed.title == "probe and 1 more timed out 30 min ago"


def test_many_successes_stay_a_short_path():
    path = drawn(done=[ended("SUCCESS", 60 * n / 1000) for n in range(300)]).done
    assert len(path) < 3000


def test_it_says_from_when_on_successes_are_drawn():
    few = drawn(done=[ended("SUCCESS", 20)] * (MOST_DONE - 1))
    many = drawn(done=[ended("SUCCESS", 20)] * MOST_DONE)
    assert few.notes == []
    assert "last 20 min" in many.notes[0]


def running(seconds: float, usual: float | None = None) -> Progress:
    run = Running("R" * 26, "J" * 26, "probe", NOON - timedelta(seconds=seconds), None, "w-01", 1, 1)
    return Progress(run, NOON, Durations(round(usual * 1000), round(usual * 1000)) if usual else None)


def test_a_running_run_reaches_to_now_and_on_to_its_usual_end():
    (lane,) = drawn(running=[running(600, usual=1200)]).lanes
    assert lane.start == NOW - 105
    assert abs(lane.end - (NOW + (FUTURE - NOW) / 6)) < 1
    assert not lane.late


def test_a_run_far_over_its_usual_is_told_apart_and_expected_now():
    (lane,) = drawn(running=[running(600, usual=60)]).lanes
    assert lane.late
    assert lane.end == NOW
    assert "far over its usual" in lane.name


def test_a_job_that_fires_often_is_due_many_times():
    due = drawn(schedules=[Every(NOON + timedelta(minutes=5), 600)]).due
    assert len(due) == 6


def test_fires_at_one_place_are_one_mark():
    first = Every(NOON + timedelta(minutes=10), 7200)
    (due,) = drawn(schedules=[first, replace(first, job_name="other")]).due
    assert due.title == "probe and 1 more, in 10 min 00 s"


def test_too_many_fires_end_early_and_say_so():
    drawing = drawn(schedules=[Every(NOON + timedelta(seconds=1), 1)])
    assert "next 5 min" in drawing.notes[0]
    assert drawing.due[-1].x < NOW + (FUTURE - NOW) * (MOST_FIRES + 60) / 3600


def test_beyond_the_last_schedule_that_was_read_nothing_is_claimed():
    schedules = [Every(NOON + timedelta(minutes=1), 60), Every(NOON + timedelta(minutes=3), 7200)]
    drawing = drawn(schedules=schedules, more=True)
    assert "next 3 min" in drawing.notes[0]
    assert max(due.x for due in drawing.due) < NOW + 40


def test_a_schedule_that_cannot_be_kept_breaks_nothing():
    class Broken(Every):
        @property
        def plan(self) -> Plan:
            return Plan("CRON", cron_expression="nonsense")

    assert len(drawn(schedules=[Broken(NOON + timedelta(minutes=1), 60)]).due) == 1
