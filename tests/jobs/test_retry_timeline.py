"""What the form says a retry policy will do."""

import pytest

from jobs.retry_timeline import LEAST_GAP, retries_of


def policy(attempts: int, strategy: str = "FIXED", seconds: int = 60, **more) -> dict:
    return {"max_attempts": attempts, "backoff_strategy": strategy, "backoff_seconds": seconds, **more}


def words(drawn) -> list[str]:
    return [attempt.after for attempt in drawn.attempts]


def test_a_longer_wait_is_a_longer_line():
    drawn = retries_of(policy(3, "EXPONENTIAL", 300))
    first, second = (wait.x2 - wait.x1 for wait in drawn.waits)
    assert words(drawn) == ["at once", "+5 min", "+15 min"]
    assert [wait.words for wait in drawn.waits] == ["5 min", "10 min"]
    assert second > 1.5 * first


def test_even_a_short_wait_can_be_seen():
    drawn = retries_of(policy(10, "EXPONENTIAL", 5))
    steps = [b.x - a.x for a, b in zip(drawn.attempts, drawn.attempts[1:], strict=False)]
    assert min(steps) >= LEAST_GAP - 0.1
    assert drawn.attempts[-1].x == 500.0


def test_a_single_attempt_and_attempts_without_a_wait_are_at_once():
    assert words(retries_of(policy(1))) == ["at once"]
    assert words(retries_of(policy(2, seconds=0))) == ["at once", "at once"]


def test_with_jitter_attempts_stand_where_they_come_at_the_earliest():
    assert words(retries_of(policy(3, jitter=True))) == ["at once", "+30 s", "+1 min"]


def test_what_all_takes_counts_the_attempts_too():
    drawn = retries_of(policy(3, "EXPONENTIAL", 300), limit=120)
    assert (drawn.gives_up, drawn.at_the_latest) == ("15 min", "21 min")


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (None, ""),
        (86_400, "WELL_BEFORE"),
        (2520, "WELL_BEFORE"),
        (2519, "BEFORE"),
        (1261, "BEFORE"),
        (1260, "MAYBE"),
        (900, "BEYOND"),
    ],
)
def test_whether_it_gives_up_before_the_next_fire(gap, verdict):
    assert retries_of(policy(3, "EXPONENTIAL", 300), limit=120, gap=gap).verdict == verdict
