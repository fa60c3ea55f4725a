"""What makes the soak fail, without an hour's wait."""

from datetime import timedelta

import pytest

from bench import soak
from bench.accounts import Account
from jobs.models import Overlap
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db

BALANCED = Account([], [], [])


@pytest.fixture
def soaked(tmp_path):
    """A soak that has seen two halves of steady memory."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "chronos.sqlite3").touch()
    seen = soak.Soak(tmp_path, 60)
    seen.memory = [{"web.1": [60.0] * 120}, {"web.1": [60.0] * 120}]
    return seen


def verdict(soaked, account=BALANCED, doctor=(0, "All is well.")):
    return soak._verdict(soaked, {"job": account}, doctor, (NOON, NOON))


def test_it_passes_when_nothing_is_wrong(soaked):
    assert verdict(soaked)["problems"] == []


def test_a_missing_tick_fails_it(soaked):
    (problem,) = verdict(soaked, Account([NOON], [], []))["problems"]
    assert "1 ticks missing" in problem


def test_a_doctor_who_finds_something_fails_it(soaked):
    (problem,) = verdict(soaked, doctor=(1, "2 runs have ended twice"))["problems"]
    assert "2 runs have ended twice" in problem


def test_a_page_that_breaks_fails_it(soaked):
    soaked.broken_pages = {"/jobs/ answered 500"}
    assert verdict(soaked)["problems"] == ["/jobs/ answered 500"]


def test_growing_memory_fails_it(soaked):
    soaked.memory[1]["web.1"] = [60.0 + 2 * sample for sample in range(120)]
    (problem,) = verdict(soaked)["problems"]
    assert "web.1 grew in half 2" in problem


def test_warming_up_is_not_growing():
    assert not soak.grown([20.0 + 10 * sample for sample in range(8)] + [90.0] * 16)


def test_every_tick_of_a_real_job_is_looked_for():
    job = factories.job(schedule={"schedule_type": "INTERVAL", "interval_seconds": 300})
    ticks = [NOON + timedelta(seconds=300 * number) for number in (1, 2, 3)]
    for tick in (ticks[0], ticks[2]):
        factories.run(job, at=tick)
    assert soak._account(job.pk, NOON, until=ticks[2]).missing == [ticks[1]]


def test_the_mixture_can_be_saved_and_has_every_overlap_policy():
    owner = factories.alice()
    jobs = [factories.job(owner, **soak.definition(number)) for number in range(28)]
    assert {job.schedule.overlap_policy for job in jobs} == set(Overlap.values)
    assert {job.status for job in jobs} == {"SCHEDULED"}
