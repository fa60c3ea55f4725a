"""The table of the engine's figures."""

import json
import os
import subprocess
import sys

from django.conf import settings

from bench.engine import FIGURES, Figure, _line, markdown

RATE = Figure(
    "runs",
    ("throughput",),
    "per_second",
    3000,
    "runs/s",
    "raw",
    more_is_better=True,
    peers=("throughput", ""),
)
TIME = Figure("schedules", ("schedules",), "seconds", 2, raw="raw", peers=("schedules", ""))


def test_a_rate_is_as_good_as_it_is_high():
    peers = {"throughput": {"slow": [100], "fast": [500, 700, 600]}}
    line = _line(RATE, [{"per_second": 3000, "raw": 12_000}], peers)
    assert (line["met"], line["ratio_to_raw_limit"]) == (True, 0.25)
    assert (line["best_peer"], line["ratio_to_best_peer"]) == ("fast", 5.0)


def test_a_time_is_as_good_as_it_is_short():
    peers = {"schedules": {"slow": [20], "fast": [6]}}
    line = _line(TIME, [{"seconds": 3, "raw": 0.6}], peers)
    assert (line["met"], line["ratio_to_raw_limit"]) == (False, 0.2)
    assert (line["best_peer"], line["ratio_to_best_peer"]) == ("fast", 2.0)


def test_the_median_of_several_counts():
    answers = [{"seconds": 1}, {"seconds": 9}, {"seconds": 2}]
    assert _line(TIME, answers, {})["measured"] == 2


def test_a_measurement_that_failed_is_shown_as_such():
    line = _line(TIME, [{}], {})
    assert line["measured"] is None
    assert "| failed | 2 (missed) |" in markdown([line])


def test_every_figure_asks_for_a_measurement_that_exists():
    from bench.__main__ import NAMES

    assert {figure.words[0] for figure in FIGURES} <= set(NAMES)


def test_a_figure_that_cannot_be_measured_fails_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "engine", "--only", "due runs to outcome, SQLite", "--json"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"CHRONOS_SLOTS": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["problems"] == ["due runs to outcome, SQLite"]
