"""A trial whose worker dies."""

import os
import signal

from chronos_site.clock import database_now
from runs import trials
from tests import factories
from tests.faults.installation import LEASE_SECONDS, until


def test_a_trial_whose_worker_died_is_seen_to_be_lost_within_its_lease(chronos):
    alice, delay = factories.alice(), {"metadata": {"simulatedDelaySeconds": 300}}
    definition = {"name": "probe", "type": "DUMMY", "schedule": {}, "payload": delay}
    worker = chronos.worker()
    trial = trials.start(definition, owner=alice, by=alice, at=database_now(), parameters={})

    def state():
        trial.refresh_from_db()
        return trial.state(database_now())

    until(lambda: state() == "RUNNING", "taken")
    os.kill(worker.horse, signal.SIGKILL)
    until(lambda: state() == "LOST", "seen to be lost", LEASE_SECONDS + 2)
