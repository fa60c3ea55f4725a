"""Where the marks of a chart stand."""

from datetime import timedelta

import pytest

from dashboard import charts
from runs.models import Run
from tests.factories import NOON


def runs(*told: tuple[str, int | None]) -> list[Run]:
    """Runs that ended so, after so many milliseconds, oldest first."""
    return [
        Run(
            scheduled_time=NOON + timedelta(minutes=minute),
            start_time=None if state == "PENDING" else NOON,
            outcome={"RUNNING": None, "PENDING": None, "SKIPPED": "CANCELLED"}.get(state, state),
            skip_reason="OVERLAP" if state == "SKIPPED" else None,
            duration_ms=took,
        )
        for minute, (state, took) in enumerate(told)
    ]


def counts(success=0, failure=0, timeout=0, cancelled=0) -> dict[str, int]:
    return {"SUCCESS": success, "FAILURE": failure, "TIMEOUT": timeout, "CANCELLED": cancelled}


def test_each_state_looks_different():
    told = ["SUCCESS", "FAILURE", "TIMEOUT", "CANCELLED", "SKIPPED", "RUNNING", "PENDING"]
    drawn = [charts.mark(stand) for stand in charts.stands(runs(*((state, 10) for state in told)))]
    assert len({(mark.style, mark.r > 0) for mark in drawn}) == len(told)


def test_a_run_twice_as_long_is_twice_as_tall():
    chart = charts.durations(runs(("SUCCESS", 1000), ("SUCCESS", 2000)), usual=1000)
    short, long = (column.marks[0] for column in chart.columns)
    assert long.height == pytest.approx(2 * short.height)
    assert chart.usual_y == short.y


def test_one_very_long_run_does_not_flatten_the_others():
    usual = [("SUCCESS", 1000)] * 30
    tall = charts.durations(runs(*usual, ("SUCCESS", 3_600_000)), usual=1000).columns[0].marks[0]
    assert tall.height > 20


def test_a_scale_of_durations_has_round_ends():
    chart = charts.durations(runs(("SUCCESS", 47_000)), usual=None)
    assert [line.label for line in chart.lines] == ["0", "30 s", "1 min"]


def test_days_have_a_scale_too():
    chart = charts.durations(runs(("SUCCESS", 3 * 86_400_000)), usual=None)
    assert chart.lines[-1].label == "3 d"


def test_without_a_success_there_is_no_scale_of_durations():
    chart = charts.durations(runs(("FAILURE", 5000), ("TIMEOUT", 9000)), usual=None)
    assert [line.label for line in chart.lines] == [""]
    assert len(charts.durations(runs(("FAILURE", 5000), ("SUCCESS", 0)), usual=0).lines) == 3


def test_no_runs_make_an_empty_chart():
    assert charts.durations([], None).columns == []
    assert charts.per_hour([]).columns == []


def test_hours_stack_what_is_done_and_hang_what_is_broken():
    chart = charts.per_hour([counts(success=10, cancelled=5, failure=2, timeout=1)])
    done, cancelled, failed, timed_out = chart.columns[0].marks
    assert cancelled.y + cancelled.height < done.y < 112 < failed.y < timed_out.y


def test_a_single_failure_among_thousands_is_seen():
    chart = charts.per_hour([counts(success=50_000, failure=1), counts(failure=900)])
    failed = chart.columns[0].marks[1]
    assert failed.style == "hit f-bad"
    assert failed.height >= 2


def test_hours_without_failures_have_no_scale_below():
    assert len(charts.per_hour([counts(success=1)]).lines) == 2
    assert len(charts.per_hour([counts(success=1, failure=1)]).lines) == 3


@pytest.mark.parametrize(("largest", "end"), [(0, 1), (1, 1), (4, 5), (9, 10), (31, 50), (1234, 2000)])
def test_scales_end_at_nice_numbers(largest, end):
    assert charts.nice(largest) == end


def test_a_scheduler_beats_up_to_its_last_heartbeat():
    up = [(NOON - timedelta(hours=1), NOON - timedelta(seconds=60))]
    marks = charts.beats(up, NOON)
    assert [mark.style for mark in marks[:20]] == ["f-ok"] * 20
    assert [mark.style for mark in marks[-20:]] == ["f-warn"] * 19 + ["f-now"]


def test_before_the_first_scheduler_there_was_no_beat_to_be_missed():
    marks = charts.beats([(NOON - timedelta(seconds=20), NOON)], NOON)
    assert [mark.style for mark in marks] == ["f-line"] * 48 + ["f-ok"] * 11 + ["f-now"]


def test_between_two_schedulers_beats_were_missed():
    up = [(NOON - timedelta(hours=1), NOON - timedelta(seconds=60)), (NOON - timedelta(seconds=20), NOON)]
    styles = [mark.style for mark in charts.beats(up, NOON)]
    assert styles == ["f-ok"] * 31 + ["f-warn"] * 17 + ["f-ok"] * 11 + ["f-now"]


def test_without_a_scheduler_there_is_no_beat():
    assert {mark.style for mark in charts.beats([], NOON)} == {"f-warn", "f-now"}


def test_workers_are_squares_and_only_so_many():
    assert [mark.style for mark in charts.squares(["busy", "idle", "silent"])] == [
        "f-now",
        "f-next",
        "f-warn",
    ]
    assert len(charts.squares(["busy"] * 50)) == 12


def test_the_fullest_lane_is_full():
    assert [mark.width for mark in charts.bars([0, 5, 10])] == [0, 119, 238]
    assert [mark.width for mark in charts.bars([0, 0, 0])] == [0, 0, 0]


def test_a_curve_goes_from_edge_to_edge_and_stays_inside():
    points = [tuple(map(float, point.split(","))) for point in charts.curve([0, 50, 500], 100).split()]
    assert (points[0][0], points[-1][0]) == (0, 238)
    assert [y for _, y in points] == [16, 9, 2]


def test_the_usual_duration_stands_at_two_thirds_of_the_bar():
    assert charts.elapsed(10, 10) == charts.Elapsed(100, over=False, cut=False)
    assert charts.elapsed(60, 10) == charts.Elapsed(143, over=True, cut=True)


def test_a_bar_without_anything_usual_is_never_over():
    assert not charts.elapsed(10_000, None).over


def test_progress_changes_colour_where_the_usual_ends():
    progress = charts.progress(60, usual=30, slow=40, limit=120)
    assert (progress.within, progress.over, progress.now) == (195, 195, 390)
    assert [place.word for place in progress.places] == ["usually 30 s"]


def test_progress_beyond_the_limit_stays_in_the_drawing():
    progress = charts.progress(500, usual=900, slow=950, limit=300)
    assert progress.now == 780
    assert progress.places == []
