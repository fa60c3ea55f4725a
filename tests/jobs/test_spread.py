"""Moving apart what starts together: what moves, where to, and what it leaves behind."""

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from jobs import actions, spread
from jobs.models import Job
from jobs.spread import CannotMove, Start
from tests.factories import NOON, alice, definition, job

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


def cron(expression, **more):
    return {"schedule": {"schedule_type": "CRON", "cron_expression": expression, "timezone": "UTC", **more}}


def starts(number, minute=0, room=59):
    return [Start(f"job-{n}", minute, room, seconds=100 - n) for n in range(number)]


def test_of_jobs_that_start_together_the_longest_stays():
    assert set(spread.propose(starts(3))) == {"job-1", "job-2"}


def test_spread_jobs_start_alone_as_long_as_there_are_minutes():
    many = starts(60)
    assert spread.peak(many) == 60
    assert spread.peak(many, spread.propose(many)) == 1


def test_a_job_moves_to_where_it_is_farthest_from_others():
    moves = spread.propose(starts(3))
    assert (moves["job-1"], moves["job-2"]) == (30, 15)


def test_nothing_moves_out_of_its_hour_or_to_an_earlier_minute():
    late = starts(8, minute=55, room=4)
    assert all(0 < minutes <= 4 for minutes in spread.propose(late).values())


def test_what_cannot_move_is_kept_clear_of():
    fixed = [Start("fixed", 40)]
    assert spread.propose([*fixed, *starts(2)]) == {"job-1": 20}


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        (cron("*/5 2 * * *"), "one minute"),
        (cron("0 0 2 * * ?"), "one minute"),
        (cron("59 2 * * *"), "last minute"),
        (cron("0 2 * * *", end_by="04:00"), "done by 04:00"),
        (cron("0 2 * * *", ends_at=NOON + timedelta(days=9)), "comes to an end"),
        ({"schedule": {"schedule_type": "INTERVAL", "interval_seconds": 300}}, "several times"),
        ({"schedule": {"schedule_type": "ONCE", "run_at": NOON + MINUTE}}, "once"),
    ],
)
def test_what_does_not_move_says_why(owner, over, sentence):
    schedule = Job.objects.select_related("schedule").get(pk=job(owner, **over).pk).schedule
    with pytest.raises(CannotMove, match=sentence):
        spread.room(schedule)


@everywhere
def test_a_spread_job_fires_later_as_a_new_version_that_says_so(owner):
    made = job(owner, **cron("5 2 * * 1-5"))
    actions.spread([(made, 1, 17)], by=owner, at=NOON)
    made = Job.objects.select_related("schedule").get(pk=made.pk)
    assert (made.version, made.schedule.cron_expression) == (2, "22 2 * * 1-5")
    assert made.versions.get(version=2).note == "Spread: 17 min later"
    told = AuditEvent.objects.filter(action="JOB_UPDATED").latest("pk").details["changes"]
    assert told == {"schedule.cron_expression": ["5 2 * * 1-5", "22 2 * * 1-5"]}


@everywhere
def test_the_grid_of_a_spread_interval_moves(owner):
    made = job(owner, schedule={"schedule_type": "INTERVAL", "interval_seconds": 7200})
    actions.spread([(made, 1, 10)], by=owner, at=NOON + MINUTE)
    made = Job.objects.select_related("schedule").get(pk=made.pk)
    assert made.schedule.next_fire_at == NOON + timedelta(hours=2) + 10 * MINUTE


def test_one_job_that_has_changed_leaves_all_as_they_are(owner):
    first, second = job(owner, **cron("0 2 * * *")), job(owner, **cron("0 2 * * *"))
    actions.edit(second, definition(**cron("0 3 * * *")), by=owner, at=NOON)
    with pytest.raises(actions.Stale):
        actions.spread([(first, 1, 5), (second, 1, 9)], by=owner, at=NOON)
    first.refresh_from_db()
    assert first.version == 1


def test_nothing_leaves_its_hour_whatever_room_its_next_fire_has():
    assert set(spread.propose(starts(4, minute=58, room=49)).values()) == {1}
