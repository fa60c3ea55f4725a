"""What a page would have taken on a machine that nobody else is using."""

import time

import pytest

from bench.pace import Paced, at_full_speed, ms, swing


def test_what_was_computed_counts_at_the_best_pace_and_waiting_as_it_was():
    times = [Paced(took=100.0, computed=60.0, pace=4.0), Paced(took=100.0, computed=60.0, pace=2.0)]
    assert [each.at(2.0) for each in times] == [70.0, 100.0]
    assert at_full_speed(times, 2.0, 50) == 85.0
    assert swing(times, 2.0, 50) == 1.5


def test_nothing_takes_longer_at_full_speed_than_it_took():
    assert Paced(took=10.0, computed=10.0, pace=2.0).at(3.0) == 10.0


def test_waiting_is_not_computing():
    found = Paced.of(lambda: ms(lambda: time.sleep(0.05)))
    assert found.took >= 50
    assert found.computed < 25
    assert found.at(0.0) == pytest.approx(found.took - found.computed)
