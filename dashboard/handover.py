"""The handover of a shift: what is new, what stays, what recovered, what people did, what comes tonight."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice, pairwise
from operator import itemgetter
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from chronos_site.context import Shell
from dashboard import deeds, failing, handover_rows, late, vitals
from dashboard.deeds import Deed, Line
from dashboard.failing import Failing
from dashboard.handover_rows import MOST_COUNTED, MOST_LETTERS
from dashboard.late import Progress, Running
from dashboard.lately import Lately, lately
from dashboard.shift import Shift
from runs import history
from runs.history import BROKEN
from runs.models import DeadLetter, Outcome, Run, Skip

PRESETS = (("8h", "8 hours"), ("12h", "12 hours"), ("24h", "24 hours"), ("18:00", "Since 18:00"))
NIGHT = timedelta(hours=12)
_CHANGED = {"JOB_CREATED": "new", "JOB_UPDATED": "edited", "JOB_RESTORED": "restored"}
MOST_FAILING, MOST_RECOVERED, MOST_MISSED, MOST_EVENTS = 20, 20, 20, 60
MOST_SHOWN = 12
# How many of the last failures of a job are looked at, where its last runs show none.
MOST_FAILURES = 3


@require_safe
def handover(request: HttpRequest) -> HttpResponse:
    """The page, or with `format=markdown` the same as text to paste."""
    user, at = person(request), timezone.now()
    shift = Shift.read(request.GET.get("since", ""), at)
    found, shell = Handover(user, shift), Shell(request)
    shell.live_runs = vitals.told(len(found.running), late.MOST_RUNNING) if found.running else ""
    context = {"now": at, "shift": shift, "found": found, "presets": PRESETS, "shell": shell}
    if request.GET.get("format") == "markdown":
        context["site"] = request.build_absolute_uri("/").removesuffix("/")
        return render(request, "dashboard/handover/handover.md", context, "text/plain; charset=utf-8")
    return render(request, "dashboard/handover/page.html", context)


Shown = TypeVar("Shown", DeadLetter, Line)


@dataclass(frozen=True)
class Listed(Generic[Shown]):
    """What is listed of many; `counted` is how many there are, one above the most for any more.

    `shown` is how many of these the listed ones stand for.
    """

    listed: list[Shown]
    counted: int
    shown: int

    @property
    def count(self) -> str:
        """56, or 100+."""
        return _up_to_most(self.counted, 0)

    @property
    def unlisted(self) -> str:
        """How many more there are; empty for none."""
        return _up_to_most(self.counted, self.shown) if self.counted > self.shown else ""

    def __iter__(self) -> Iterator[Shown]:
        return iter(self.listed)

    def __bool__(self) -> bool:
        return bool(self.listed)


def _up_to_most(counted: int, less: int) -> str:
    return f"{min(counted, MOST_COUNTED) - less}{'+' if counted > MOST_COUNTED else ''}"


@dataclass(frozen=True)
class Recovered:
    """A job that failed and is well again: its last failure and the run that ended that."""

    job_id: str
    name: str
    failed: Run
    good: Run


@dataclass(frozen=True)
class Missed:
    """Ticks of one job that did not run, and why."""

    job_id: str
    name: str
    reason: Skip
    count: int


@dataclass(frozen=True)
class Risk:
    """A fire of the coming night that somebody should know of."""

    job_id: str
    name: str
    fires_at: datetime
    timezone: str
    reasons: list[str]


class Handover:
    """What the shift leaves behind, each part in a bounded query when it is first asked for."""

    def __init__(self, user: User, shift: Shift) -> None:
        self.user, self.since, self.at = user, shift.since, shift.at

    # failures

    @cached_property
    def _lately(self) -> Lately:
        return lately(self.user, self.at)

    @cached_property
    def _failing_jobs(self) -> failing.FailingJobs:
        return failing.failing_jobs(self.user, self._lately, self.at)

    @cached_property
    def _all_suspects(self) -> list[str]:
        """Jobs that failed lately and do not fail now, those that failed last first."""
        failing_now = {job.pk for job in self._failing_jobs.jobs}
        failed = dict.fromkeys(run.job_id for run in self._lately.failed)
        return [job_id for job_id in failed if job_id not in failing_now]

    @cached_property
    def _suspects(self) -> list[str]:
        return self._all_suspects[:MOST_RECOVERED]

    @property
    def recovered_count(self) -> str:
        """How many recovered: 12, or 12+ where not every job that may have was looked at."""
        return f"{len(self.recovered)}{'+' if len(self._all_suspects) > MOST_RECOVERED else ''}"

    @cached_property
    def running(self) -> list[Running]:
        return late.running(self.user)

    @cached_property
    def _past(self) -> dict[str, list[Run]]:
        """The last runs of all jobs that any part asks about."""
        failing_now = [job.pk for job in self._failing_jobs.jobs[:MOST_FAILING]]
        runs_long = [run.job_id for run in late.longest(self.running)]
        return history.last_runs(dict.fromkeys([*failing_now, *self._suspects, *runs_long]))

    @cached_property
    def _failing(self) -> list[Failing]:
        return list(failing.told(self._failing_jobs.jobs[:MOST_FAILING], self._past, self._lately))

    @cached_property
    def new_failures(self) -> list[Failing]:
        """Failing now, and not before the shift."""
        return [each for each in self._failing if self._began(each) >= self.since]

    @cached_property
    def still_failing(self) -> list[Failing]:
        """Failing now as when the shift began."""
        return [each for each in self._failing if self._began(each) < self.since]

    def _began(self, each: Failing) -> datetime:
        """When the first of the failures in a row ended."""
        return began(each.runs) or each.run.end_time or each.run.scheduled_time

    @property
    def failing_unseen(self) -> str:
        """How many failing jobs are not listed one by one, new or not; empty for none."""
        unseen = len(self._failing_jobs.jobs) - len(self._failing)
        return f"{unseen}{'+' if self._failing_jobs.more else ''}" if unseen else ""

    @property
    def failing_list(self) -> str:
        return f"{reverse('job_list')}?failing=1"

    @cached_property
    def recovered(self) -> list[Recovered]:
        names = {run.job_id: str(getattr(run, "job_name", "")) for run in self._lately.failed}
        found = (
            recovery(self._past[job_id], self.since) or self._out_of_sight.get(job_id)
            for job_id in self._suspects
        )
        return [Recovered(pair[0].job_id, names[pair[0].job_id], *pair) for pair in found if pair]

    @cached_property
    def _out_of_sight(self) -> dict[str, tuple[Run, Run]]:
        """The last failure and the success after it of jobs whose last runs do not go back as far."""
        gone = {job_id for job_id in self._suspects if scrolled_away(self._past[job_id])}
        failed: dict[str, list[Run]] = {job_id: [] for job_id in gone}
        for run in self._lately.failed:
            if run.job_id in gone and len(failed[run.job_id]) < MOST_FAILURES:
                failed[run.job_id].append(run)
        ends = history.successes_after(run.pk for runs in failed.values() for run in runs)
        found: dict[str, tuple[Run, Run]] = {}
        for job_id, runs in failed.items():
            # An attempt whose occurrence went well in the end is no failure: one before it may be.
            told = ((run, ends[run.pk].good) for run in runs if run.pk in ends and not ends[run.pk].same)
            if (pair := next(told, None)) and pair[1].end_time and pair[1].end_time >= self.since:
                found[job_id] = pair
        return found

    # late and missed

    @cached_property
    def slow(self) -> list[Progress]:
        """What runs now and needs a look."""
        return [each for each in late.compared(self.running, self._past, self.at) if each.needs_a_look]

    @cached_property
    def missed(self) -> list[Missed]:
        """Skipped ticks, a line a job and reason, the most first; what a paused job skips is no miss."""
        counts: Counter[tuple[str, str, str | None]] = Counter()
        for job_id, name, reason, count in handover_rows.skips(self.user, self.since):
            counts[job_id, name, reason] += count or 1
        return [
            Missed(job, name, Skip(str(reason)), count) for (job, name, reason), count in counts.most_common()
        ]

    @property
    def missed_unlisted(self) -> int:
        return max(0, len(self.missed) - MOST_MISSED)

    @property
    def missed_listed(self) -> list[Missed]:
        return self.missed[:MOST_MISSED]

    @property
    def missed_list(self) -> str:
        return f"{reverse('run_list')}?outcome=SKIPPED"

    @cached_property
    def late_starts(self) -> int:
        """Runs that waited more than a minute for their start, by the hours that the shift touches."""
        return self._totals["started"] - self._totals["in_time"]

    # totals

    @cached_property
    def _totals(self) -> dict[str, int]:
        """Sums of the statistics, which know all runs and no owner."""
        hour = self.since.replace(minute=0, second=0, microsecond=0)
        sums = dict.fromkeys(["started", "in_time", *Outcome.values], 0)
        if not self.user.is_operator:
            return sums
        for row in handover_rows.sums(hour):
            sums[row["outcome"]] = row["started"]
            if row["outcome"] != Outcome.CANCELLED:
                sums["started"] += row["started"]
                sums["in_time"] += row["in_time"]
        return sums

    @property
    def ended(self) -> int:
        """Runs that ended, cancelled ones aside; 0 for people whose jobs are not counted by themselves."""
        return self._totals["started"]

    @property
    def succeeded(self) -> int:
        return self._totals[Outcome.SUCCESS]

    # dead letters

    @cached_property
    def _letters(self) -> list[DeadLetter]:
        return handover_rows.letters(self.user, self.since)

    @cached_property
    def opened(self) -> Listed[DeadLetter]:
        return self._those(closed=False)

    @cached_property
    def closed(self) -> Listed[DeadLetter]:
        return self._those(closed=True)

    def _those(self, *, closed: bool) -> Listed[DeadLetter]:
        those = [each for each in self._letters if bool(getattr(each, "closes", 0)) is closed]
        listed = those[:MOST_LETTERS]
        return Listed(listed, len(those), len(listed))

    @property
    def opened_list(self) -> str:
        """Where all are that were opened and still wait."""
        return f"{reverse('dead_letter_list')}?{urlencode({'since': self.since.isoformat()})}"

    @property
    def closed_list(self) -> str:
        """Where those are that were closed as the last one was; nothing tells them by when that was."""
        return f"{reverse('dead_letter_list')}?{urlencode({'show': self.closed.listed[0].status})}"

    # people

    @cached_property
    def _events(self) -> list[dict[str, Any]]:
        rows = handover_rows.events(self.since, self.user.email, everyones=self.user.is_operator)
        # What one transaction wrote has one time on PostgreSQL; ids tell what came first.
        return sorted(rows, key=itemgetter("timestamp", "id"), reverse=True)

    @cached_property
    def _deeds(self) -> list[Deed]:
        """What people did to jobs, newest first; people who do not operate see their own."""
        rows = self._events[:MOST_COUNTED]
        ids = {row["entity_id"] for row in rows}
        return deeds.told(rows, dict(handover_rows.names(self.user, ids)) if ids else {})

    @cached_property
    def changes(self) -> Listed[Line]:
        """The same, with equal ones in a row told once."""
        return self._listed(MOST_EVENTS)

    @cached_property
    def newest_changes(self) -> Listed[Line]:
        """The first of them, for the page."""
        return self._listed(MOST_SHOWN)

    def _listed(self, most: int) -> Listed[Line]:
        listed = list(islice(deeds.lines(self._deeds), most))
        return Listed(listed, len(self._events), sum(line.times for line in listed))

    @property
    def changes_list(self) -> str:
        """Where all that was done to jobs is told."""
        query = urlencode({"entity": "Job", "since": self.since.isoformat()})
        return f"{reverse('audit_list')}?{query}"

    # tonight

    @cached_property
    def risky(self) -> list[Risk]:
        """Fires of the next twelve hours of jobs that fail or were changed in the shift."""
        fails = {each.job.pk: "fails now" for each in self._failing}
        changed = {
            deed.job_id: f"{_CHANGED[deed.event.row.action]} by {deed.event.who}"
            for deed in reversed(self._deeds)
            if deed.job_id and deed.event.row.action in _CHANGED
        }
        return risks([fails, changed], self.at)

    def __bool__(self) -> bool:
        """Whether there is anything that the next shift must look at."""
        return bool(self._failing or self.slow or self.missed or self.opened)


def risks(known: Sequence[Mapping[str, str]], at: datetime) -> list[Risk]:
    """The next fires of the jobs that `known` gives reasons for, the soonest first."""
    ids = {job_id for reasons in known for job_id in reasons}
    return [
        Risk(job_id, name, fires_at, zone or "UTC", [each[job_id] for each in known if job_id in each])
        for job_id, name, fires_at, zone in (handover_rows.fires(ids, at + NIGHT) if ids else ())
    ]


def began(runs: Iterable[Run]) -> datetime | None:
    """When the failures in a row at the end of a job's runs began; None where the last one went well."""
    first = None
    for last_attempt in reversed(history.occurrences(runs)):
        if last_attempt.outcome not in BROKEN:
            break
        first = last_attempt.end_time
    return first


def recovery(runs: Iterable[Run], since: datetime) -> tuple[Run, Run] | None:
    """The last failure and the success after it, where that success came after `since`."""
    ends = history.occurrences(runs)
    for failed, good in reversed(list(pairwise(ends))):
        if failed.outcome in BROKEN and good.outcome == Outcome.SUCCESS:
            return (failed, good) if good.end_time and good.end_time >= since else None
    return None


def scrolled_away(runs: Sequence[Run]) -> bool:
    """Whether a job has had so many runs since that its last ones show no failure."""
    return len(runs) >= failing.LAST and not any(run.outcome in BROKEN for run in history.occurrences(runs))
