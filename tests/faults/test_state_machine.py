"""Whatever schedulers, workers and people do, in whatever order, breaks no invariant."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, Misfire, Overlap
from jobs.moves import IllegalMove
from runs.actions import RunHasEnded, cancel_job, cancel_run, run_now
from runs.claim import claim, renew
from runs.fire import fire
from runs.invariants import INVARIANTS, Moment
from runs.models import Outcome, Run
from runs.rescue import rescue
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases("sqlite3", "postgresql")]

AGAIN = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 0}
BAD = (Outcome.FAILURE, Outcome.TIMEOUT)
PICKS = st.integers(0, 9)


class Engine(RuleBasedStateMachine):
    """One job more or less, two workers, and schedulers whose bells may be lost or heard twice.

    A bell that is heard is a claim; one that is lost is none. Plans go by a clock of their own, months ago.
    """

    def __init__(self):
        super().__init__()
        self.now = NOON
        self.ends = {}
        # What workers believe to hold, also when it was taken from them meanwhile.
        self.held = []
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.owner = factories.alice()

    def teardown(self):
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @initialize(overlap=st.sampled_from(Overlap), misfire=st.sampled_from(Misfire))
    def define(self, overlap, misfire):
        self.make(overlap, misfire)
        self.fire(60)
        self.hear_a_bell(4, "a")

    @rule(overlap=st.sampled_from(Overlap), misfire=st.sampled_from(Misfire))
    def make(self, overlap, misfire):
        schedule = {"schedule_type": "INTERVAL", "interval_seconds": 60}
        policies = {"overlap_policy": overlap, "misfire_policy": misfire}
        name = f"job {Job.objects.count()}"
        factories.job(self.owner, name=name, at=self.now, schedule={**schedule, **policies}, retry=AGAIN)

    def job(self, number):
        jobs = list(Job.objects.order_by("pk"))
        return jobs[number % len(jobs)] if jobs else None

    @rule(seconds=st.integers(0, 400))
    def fire(self, seconds):
        self.now += timedelta(seconds=seconds)
        fire(self.now)

    @rule()
    def fire_by_a_clock_that_is_behind(self):
        fire(self.now - timedelta(seconds=90))

    @rule(free=st.integers(1, 4), worker=st.sampled_from("ab"))
    def hear_a_bell(self, free, worker):
        self.held += [each.run for each in claim(worker, free, {})]

    @rule()
    def beat(self):
        renew({run.claim_token for run in self.held})

    @rule()
    def give_up_workers(self):
        Run.objects.running().update(lease_expires_at=database_now() - timedelta(seconds=1))
        rescue()

    @rule(number=PICKS, outcome=st.sampled_from(Outcome))
    def settle(self, number, outcome):
        if self.held:
            run = self.held[number % len(self.held)]
            settle([Ended(run, outcome, database_now(), "HTTP_ERROR" if outcome in BAD else "")])

    @rule(number=PICKS)
    def run_now(self, number):
        if job := self.job(number):
            self.attempt(lambda: run_now(job, by=None, at=database_now()))

    @rule(number=PICKS)
    def cancel_a_run(self, number):
        runs = list(Run.objects.active().order_by("pk"))
        if runs:
            self.attempt(lambda: cancel_run(runs[number % len(runs)], by=None, at=database_now()))

    @rule(number=PICKS, act=st.sampled_from([actions.pause, actions.resume, cancel_job]))
    def ask(self, number, act):
        if job := self.job(number):
            self.attempt(lambda: act(job, by=None, at=self.now))

    @rule(number=PICKS, seconds=st.sampled_from([30, 60, 90]))
    def edit(self, number, seconds):
        if job := self.job(number):
            schedule = {"schedule_type": "INTERVAL", "interval_seconds": seconds}
            definition = factories.definition(name=job.name, schedule=schedule, retry=AGAIN)
            self.attempt(lambda: actions.edit(job, definition, by=None, at=self.now))

    @rule(number=PICKS)
    def delete(self, number):
        if job := self.job(number):
            actions.delete(job, by=None)

    @staticmethod
    def attempt(act):
        """What is refused changes nothing."""
        with suppress(IllegalMove, RunHasEnded):
            act()

    @invariant()
    def the_doctor_finds_nothing(self):
        moment = Moment.at(database_now(), 7)
        found = {each.name: list(each.broken(moment)[:3]) for each in INVARIANTS}
        assert {name: ids for name, ids in found.items() if ids} == {}

    @invariant()
    def an_outcome_never_changes(self):
        for pk, outcome in Run.objects.ended().values_list("pk", "outcome"):
            assert self.ends.setdefault(pk, outcome) == outcome

    @invariant()
    def no_tick_has_two_runs(self):
        ticks = list(Run.objects.filter(attempt=1).values_list("job_id", "scheduled_time"))
        assert len(ticks) == len(set(ticks))


def test_no_order_of_what_can_happen_breaks_an_invariant():
    bounds = settings(
        max_examples=10,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Engine, settings=bounds)
