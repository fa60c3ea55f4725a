"""How busy days to come will be: fires and busy slots by five minutes, worked out a piece at a time.

Jobs that fire at the same times are one group, so each plan is walked once, however many jobs have it. A
request works for a moment only; a forecast that is not finished goes on in the next one, and says so.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import Q, Sum

from accounts.models import User
from chronos_site.counting import counted
from chronos_site.schema import new_ulid
from dashboard.hours import DAY, HOUR, full_hour
from jobs import schedules
from jobs.models import JobSchedule, JobScheduleQuerySet, Kind
from jobs.schedules import BadSchedule, Plan
from runs.days import JobDay
from runs.models import Outcome, RunStats

MOMENT = timedelta(microseconds=1)
STEP_SECONDS = 300
STEP = timedelta(seconds=STEP_SECONDS)
STEPS_AN_HOUR = 12
# A week of anybody's days, clock changes and the forecast's own age included.
LENGTH = 8 * DAY
STEPS = LENGTH // STEP
# Plans with more fires are counted by the hour instead of walked.
MOST_WALKED = 400
# What fires more often is spread over each hour: where in the hour tells little.
OFTEN_SECONDS = 3600
# What fires often and goes on has its next fire by then, seen from the hour in which it is asked.
GOES_ON = 2 * HOUR
LONGEST_SECONDS = 86400
# So many jobs of a group are known by their ids.
MOST_NAMED = 60
MOST_COUNTED = 1_000_000

CHUNK, CHUNKS = 2000, 3
BUDGET_SECONDS = 0.05
# Of a page that somebody waits for; what is missing comes with its next refresh.
FIRST_SECONDS = 0.01
# So many schedules are counted in at first, however long that takes: small installations see all of theirs.
AT_LEAST = 20
# A forecast is kept so many times as long as it took, so that small ones are always new.
KEPT_TIMES, KEPT_SECONDS = 100, 900.0
WINDOW_OF_USUAL = 7 * DAY
# In memory as they are: to unpack one at each request would take longer than to show it. The cache says
# which is whose and for how long.
MOST_FORECASTS = 16
_FORECASTS: dict[str, "Forecast"] = {}


class Row(NamedTuple):
    """An armed schedule, as far as its fires are concerned."""

    job_id: str
    job_type: str
    schedule_type: str
    cron_expression: str | None
    interval_seconds: int | None
    timezone: str | None
    next_fire_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass
class Group:
    """Jobs that fire at the same times: `spots` are steps and how often each of the jobs fires in them.

    `load` is how many slots all of them take so many steps after a fire.
    """

    spots: list[tuple[int, float]]
    jobs: int = 0
    load: list[float] = field(default_factory=list)
    job_ids: list[str] = field(default_factory=list)

    def add(self, job_id: str, seconds: float) -> None:
        self.jobs += 1
        if len(self.job_ids) < MOST_NAMED:
            self.job_ids.append(job_id)
        whole, rest = divmod(min(seconds, LONGEST_SECONDS), STEP_SECONDS)
        shares = [1.0] * int(whole) + [rest / STEP_SECONDS]
        self.load += [0.0] * (len(shares) - len(self.load))
        for n, share in enumerate(shares):
            self.load[n] += share


@dataclass
class Forecast:
    """What was found out so far about the `LENGTH` from `begin` on, an hour in UTC, by what `made_at` knew.

    `often_*` are the jobs that fire more than once an hour at a steady pace: fires an hour, and slots.
    """

    begin: datetime
    made_at: datetime
    total: str
    usual_of_types: dict[str, float]
    cursor: str = ""
    covered: int = 0
    complete: bool = False
    spent: float = 0.0
    groups: dict[tuple[Any, ...], Group] = field(default_factory=dict)
    often_jobs: int = 0
    often_fires: float = 0.0
    often_busy: float = 0.0
    fires: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    added_up: int = 0
    # By the instants at which schedules begin and end: how many, and the first job.
    beginning: dict[datetime, tuple[int, str]] = field(default_factory=dict)
    ending: dict[datetime, tuple[int, str]] = field(default_factory=dict)
    # Read, and not counted in yet: the last ones first.
    waiting: list[tuple[Row, float]] = field(default_factory=list)
    last_chunk: bool = False
    name: str = field(default_factory=new_ulid)
    lock: Lock = field(default_factory=Lock)

    def add(self, row: Row, seconds: float) -> None:
        """Count the job in; `seconds` is how long a run of it usually takes."""
        self.covered += 1
        self.cursor = row.job_id
        self._meet(self.beginning, row.starts_at, row.job_id)
        self._meet(self.ending, row.ends_at, row.job_id)
        interval = row.interval_seconds or 0
        if row.schedule_type == Kind.INTERVAL and interval < OFTEN_SECONDS and self._goes_on(row):
            self.often_jobs += 1
            self.often_fires += OFTEN_SECONDS / interval
            self.often_busy += min(1.0, seconds / interval)
            return
        key = self._key(row)
        if key not in self.groups:
            self.groups[key] = Group(self._spots(row))
        self.groups[key].add(row.job_id, seconds)

    def _goes_on(self, row: Row) -> bool:
        """Whether it fires from the beginning to the end of the forecast."""
        begins = row.next_fire_at < self.begin + GOES_ON
        return begins and (row.ends_at is None or row.ends_at >= self.begin + LENGTH)

    def _meet(self, met: dict[datetime, tuple[int, str]], instant: datetime | None, job_id: str) -> None:
        if instant and self.begin < instant < self.begin + LENGTH:
            jobs, first = met.get(instant, (0, job_id))
            met[instant] = (jobs + 1, first)

    def add_up(self) -> None:
        """Make the figures by step out of what is known of the groups."""
        self.added_up = self.covered
        self.fires = [self.often_fires / STEPS_AN_HOUR] * STEPS
        self.busy = [self.often_busy] * STEPS
        for group in self.groups.values():
            for step, times in group.spots:
                self.fires[step] += times * group.jobs
                for n, slots in enumerate(group.load[: STEPS - step]):
                    self.busy[step + n] += times * slots

    def firing(self, steps: range) -> Iterator[Group]:
        """The groups that fire within the steps."""
        for group in self.groups.values():
            if any(step in steps for step, _ in group.spots):
                yield group

    def step(self, instant: datetime) -> int:
        return (instant - self.begin) // STEP

    def _key(self, row: Row) -> tuple[Any, ...]:
        starts = row.starts_at if row.starts_at and row.starts_at > self.begin else None
        ends = row.ends_at if row.ends_at and row.ends_at < self.begin + LENGTH else None
        if row.schedule_type == Kind.CRON:
            return (row.cron_expression, row.timezone, starts, ends)
        return (row.interval_seconds, self.step(self._first(row)), ends)

    def _first(self, row: Row) -> datetime:
        """The first fire on the schedule's grid that the forecast does not come too late for."""
        every = timedelta(seconds=row.interval_seconds or 0)
        if not every or row.next_fire_at >= self.begin:
            return row.next_fire_at
        return row.next_fire_at + every * ((self.begin - row.next_fire_at + every - MOMENT) // every)

    def _spots(self, row: Row) -> list[tuple[int, float]]:
        if row.schedule_type == Kind.CRON:
            return list(self._cron_spots(row))
        first, seconds = self._first(row), row.interval_seconds or 0
        end = self.begin + LENGTH if row.ends_at is None else min(self.begin + LENGTH, row.ends_at + MOMENT)
        if 0 < seconds < OFTEN_SECONDS:
            return [(step, STEP_SECONDS / seconds) for step in range(self.step(first), self.step(end))]
        if not self.begin <= first < end:
            return []
        every = timedelta(seconds=seconds)
        ticks = (end - first + every - MOMENT) // every if every else 1
        return _gathered(self.step(first + every * n) for n in range(ticks))

    def _cron_spots(self, row: Row) -> list[tuple[int, float]]:
        plan = Plan(
            Kind.CRON,
            cron_expression=row.cron_expression,
            timezone=row.timezone or "UTC",
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        )
        after, until = self.begin - MOMENT, self.begin + LENGTH - MOMENT
        try:
            total = schedules.count(plan, after, until)
            if total > MOST_WALKED:
                return list(_by_the_hour(plan, after))
            return _gathered(map(self.step, schedules.fires(plan, after, total)))
        except BadSchedule:
            # The scheduler will find out, and tell.
            return []


def _gathered(steps: Iterator[int]) -> list[tuple[int, float]]:
    found: dict[int, float] = {}
    for step in steps:
        found[step] = found.get(step, 0.0) + 1
    return list(found.items())


def _by_the_hour(plan: Plan, after: datetime) -> Iterator[tuple[int, float]]:
    for hour in range(LENGTH // HOUR):
        times = schedules.count(plan, after + HOUR * hour, after + HOUR * (hour + 1))
        for n in range(STEPS_AN_HOUR if times else 0):
            yield hour * STEPS_AN_HOUR + n, times / STEPS_AN_HOUR


def forecast(
    user: User,
    at: datetime,
    begin: datetime | None = None,
    *,
    seconds: float = BUDGET_SECONDS,
    chunk: int = CHUNK,
) -> Forecast:
    """The forecast of the jobs that the person may see, with some more work done on it if it needs any.

    It looks ahead from now on, or from the hour of a later `begin`.
    """
    whose = "all" if user.is_operator else str(user.pk)
    # Those from now on share a key: the one before serves while the next grows.
    key = f"{whose}:{full_hour(begin):%Y-%m-%dT%H}" if begin else whose
    kept = _kept(f"forecast:{key}")
    if kept and kept.complete:
        return kept
    growing = kept or _begin(user, at, begin)
    # Whoever comes while another thread works on it takes what there is.
    if growing.lock.acquire(blocking=False):
        try:
            _grow(growing, user, seconds, chunk)
        finally:
            growing.lock.release()
    _keep(f"forecast:{key}", growing, _keeping(growing))
    if growing.complete:
        _keep(f"forecast-before:{key}", growing, KEPT_SECONDS * 4)
    # While a new one is made, the one before serves: it looks far enough ahead.
    before = None if growing.complete else _kept(f"forecast-before:{key}")
    return before or growing


def _keeping(growing: Forecast) -> float:
    return min(KEPT_SECONDS, growing.spent * KEPT_TIMES) if growing.complete else KEPT_SECONDS


def _kept(key: str) -> Forecast | None:
    return _FORECASTS.get(cache.get(key, ""))


def _keep(key: str, forecast: Forecast, seconds: float) -> None:
    cache.set(key, forecast.name, seconds)
    _FORECASTS.pop(forecast.name, None)
    _FORECASTS[forecast.name] = forecast
    for name in list(_FORECASTS)[:-MOST_FORECASTS]:
        _FORECASTS.pop(name, None)


def _begin(user: User, at: datetime, begin: datetime | None) -> Forecast:
    return Forecast(full_hour(begin or at), at, counted(_armed(user), MOST_COUNTED), _usual_of_types(at))


def _armed(user: User) -> JobScheduleQuerySet:
    armed = JobSchedule.objects.filter(next_fire_at__isnull=False)
    return armed if user.is_operator else armed.filter(job__owner=user)


def _grow(growing: Forecast, user: User, seconds: float, chunk: int) -> None:
    began = time.monotonic()
    for _ in range(CHUNKS):
        growing.waiting = growing.waiting or _read(growing, user, chunk)
        while growing.waiting:
            growing.add(*growing.waiting.pop())
            # A single one may take milliseconds.
            if growing.covered >= AT_LEAST and time.monotonic() > began + seconds:
                break
        growing.complete = growing.last_chunk and not growing.waiting
        if growing.complete or time.monotonic() > began + seconds:
            break
    growing.spent += time.monotonic() - began
    # Adding up costs too: as the forecast grows, it is done less and less often.
    if growing.complete or growing.covered >= growing.added_up * 1.5:
        growing.add_up()


def _read(growing: Forecast, user: User, chunk: int) -> list[tuple[Row, float]]:
    """The next schedules and how long a run of each usually takes, the last ones first."""
    columns = ["job__type" if name == "job_type" else name for name in Row._fields]
    ahead = _armed(user).filter(job__gt=growing.cursor).order_by("job_id")
    rows = [Row(*row) for row in ahead.values_list(*columns)[:chunk]]
    growing.last_chunk = len(rows) < chunk
    # By the range that the jobs lie in: they are all the armed ones there.
    within = Q(job__gte=rows[0].job_id, job__lte=rows[-1].job_id) if rows else Q(pk__in=())
    usual = usual_seconds(within, user, growing.made_at)
    of_types = growing.usual_of_types
    return [(row, usual.get(row.job_id, of_types.get(row.job_type, 0.0))) for row in reversed(rows)]


def usual_seconds(jobs: Q, user: User, at: datetime) -> Mapping[str, float]:
    """How long each of the jobs took on average when it succeeded in the last week, by the totals of days.

    `jobs` says of which jobs the days are. A job that did not succeed is not among the answers.
    """
    days = JobDay.objects.filter(jobs, day__gte=(at - WINDOW_OF_USUAL).date(), succeeded__gt=0)
    if not user.is_operator:
        days = days.filter(job__owner=user)
    totals = days.order_by().values_list("job_id").annotate(Sum("took_ms"), Sum("succeeded"))
    return {job_id: took / number / 1000 for job_id, took, number in totals}


def _usual_of_types(at: datetime) -> dict[str, float]:
    """How long runs of each type took on average: what a job without a history of its own is taken for."""
    ended = RunStats.objects.filter(hour__gte=at - WINDOW_OF_USUAL, outcome=Outcome.SUCCESS)
    totals = ended.order_by().values_list("type").annotate(Sum("took_ms"), Sum("count"))
    return {code: took / number / 1000 for code, took, number in totals if number}
