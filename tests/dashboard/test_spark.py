"""The bar of the last runs: up is done, down is broken, hollow is still to come."""

import pytest

from dashboard import charts
from dashboard.charts import Mark
from dashboard.templatetags.charts import spark
from runs.models import Run
from tests.factories import NOON

BASE = 17


def run(outcome: str | None = "SUCCESS", took: int | None = 100, **fields) -> Run:
    return Run(job_id="x", scheduled_time=NOON, outcome=outcome, duration_ms=took, **fields)


def marks(*runs: Run) -> list[Mark]:
    return [charts.mark(stand) for stand in charts.stands(runs)]


def test_what_is_done_stands_up_and_its_height_is_its_duration():
    short, long = marks(run(took=10), run(took=1000))
    assert short.style == long.style == "f-ok"
    assert short.height < long.height
    assert short.y + short.height == long.y + long.height == BASE


@pytest.mark.parametrize(("outcome", "style"), [("FAILURE", "f-bad"), ("TIMEOUT", "f-to")])
def test_what_is_broken_hangs_down(outcome, style):
    (mark,) = marks(run(outcome))
    assert (mark.style, mark.y > BASE) == (style, True)


def test_what_is_still_to_come_is_hollow_and_what_runs_is_not():
    waiting, running = marks(run(None, None), run(None, None, start_time=NOON))
    assert (waiting.style, running.style) == ("f-next", "f-now")


def test_a_skipped_tick_is_a_ring_and_a_cancelled_run_a_stub():
    skipped, cancelled = marks(run("CANCELLED", skip_reason="OVERLAP"), run("CANCELLED"))
    assert skipped.r > 0
    assert (cancelled.style, cancelled.height) == ("f-can", 3)


def test_the_last_run_stands_at_the_right_edge_however_few_there_are():
    alone = marks(run())
    many = marks(*(run() for _ in range(30)))
    assert alone[-1].x == many[-1].x == max(mark.x for mark in many)
    assert len(many) == 20


def test_a_run_of_no_length_at_all_is_still_seen():
    assert all(mark.height > 0 for mark in marks(run(took=0), run(took=None)))


def test_the_bar_says_in_words_what_it_shows():
    drawn = spark([run(), run("FAILURE"), run("TIMEOUT")])
    assert 'aria-label="Last 3 runs: 1 succeeded, 1 failed, 1 timed out"' in drawn
    assert drawn.count("<rect") == 4
    assert 'aria-label="No runs yet"' in spark([])
    assert 'aria-label="The only run: 1 succeeded"' in spark([run()])


def test_the_bar_has_no_style_of_its_own():
    runs = [run(outcome) for outcome in ("SUCCESS", "FAILURE", "CANCELLED")]
    assert "style=" not in spark(runs)
