"""What a test asked for and what came of it, in the words of the checker."""

import time
from collections import defaultdict

from runs.models import Run
from runs.settle import WORKER_LOST
from tests.faults.checker import Row, check


class History:
    """The outcomes ever seen, what the world saw, and at the end the rows; of these jobs, or of all."""

    def __init__(self, effects, jobs=None):
        self.effects, self.jobs = effects, jobs
        self._seen = defaultdict(list)

    def look(self):
        """Note which outcomes stand now: one that changes later was one too many."""
        for run, outcome in Run.objects.ended().values_list("pk", "outcome"):
            if [outcome] != self._seen[run][-1:]:
                self._seen[run].append(outcome)

    def rows(self):
        fields = ("pk", "job__name", "scheduled_time", "attempt", "skipped_count", "error_class")
        runs = Run.objects.all() if self.jobs is None else Run.objects.filter(job__name__in=self.jobs)
        for run, job, tick, attempt, skips, error in runs.values_list(*fields):
            outcomes = tuple(self._seen[run])
            yield Row(run, job, tick.timestamp(), attempt, outcomes, skips or 0, lost=error == WORKER_LOST)

    def verdict(self, plans, faults=(), *, later=0):
        """The checker's word on all of it, as of now, or seconds later where nothing more will come."""
        self.look()
        calls = [call for call in self.effects.calls if self.jobs is None or call.job in self.jobs]
        return check(plans, [*self.rows()], calls, time.time() + later, faults)
