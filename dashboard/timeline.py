"""An hour either side of now: what ended, what runs, what fires next."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dashboard import wording
from dashboard.late import Progress, Running
from dashboard.lately import Lately, job_name
from jobs.schedules import BadSchedule, Plan, next_fire
from runs.models import Run

HOUR = timedelta(hours=1)
# In units of the drawing: the past, now, the future; the line that marks stand on and hang from.
PAST, NOW, FUTURE, BASE = 10.0, 640.0, 1190.0, 86.0
# Marks closer than this are one mark.
CELL = 4
LANES = 4
# How many coming fires are worked out; the later ones of jobs that fire often come after those.
MOST_FIRES = 300


class Coming(Protocol):
    """A schedule as far as its coming fires are concerned."""

    @property
    def job_id(self) -> str: ...
    @property
    def job_name(self) -> str: ...
    @property
    def next_fire_at(self) -> datetime: ...
    @property
    def plan(self) -> Plan: ...


@dataclass(frozen=True)
class Failed:
    """Failures at one place: the newest of them is the link."""

    x: int
    y: float
    run: Run
    title: str


@dataclass(frozen=True)
class Lane:
    """One running run: from its start to now, dotted on to where it usually ends."""

    y: int
    start: float
    end: float
    late: bool
    run: Running
    name: str
    title: str

    @property
    def name_x(self) -> float:
        return self.end + 9

    @property
    def name_y(self) -> int:
        return self.y + 4


@dataclass(frozen=True)
class Due:
    """Coming fires at one place."""

    x: int
    height: int
    job_id: str
    title: str

    @property
    def y(self) -> float:
        return BASE - 1 - self.height


@dataclass(frozen=True)
class Timeline:
    done: str
    failed: list[Failed]
    lanes: list[Lane]
    due: list[Due]
    words: str
    notes: list[str] = field(default_factory=list)


def timeline(
    lately: Lately, running: Sequence[Progress], schedules: Sequence[Coming], at: datetime, *, more: bool
) -> Timeline:
    """The drawing.

    `schedules` are those due within the hour, soonest first; `more` says that others are due too.
    """
    failures = [run for run in lately.failed if run.end_time and run.end_time > at - HOUR]
    fires, until = _fires(schedules, at, more=more)
    notes = []
    if lately.done_since:
        notes.append(
            f"Successes are drawn for the last {_minutes(at - lately.done_since)}: more than fit ended since."
        )
    if until:
        notes.append(f"Fires are drawn for the next {_minutes(until - at)}: more than fit are due after.")
    words = (
        f"One hour back and one hour ahead: {len(failures)} failed, {len(running)} in progress,"
        f" {len(schedules)} jobs due."
    )
    return Timeline(
        _done(lately.done, at),
        list(_failed(failures, at)),
        _lanes(running, at),
        list(_due(fires, at)),
        words,
        notes,
    )


def _minutes(span: timedelta) -> str:
    return wording.rough_span(max(1, int(span.total_seconds())))


def _past_x(instant: datetime, at: datetime) -> float:
    return NOW - (NOW - PAST) * min(1.0, max(0.0, (at - instant) / HOUR))


def _future_x(instant: datetime, at: datetime) -> float:
    return NOW + (FUTURE - NOW) * min(1.0, max(0.0, (instant - at) / HOUR))


def _cell(x: float) -> int:
    return round(x / CELL) * CELL


def _reach(run: Run) -> float:
    """How far a mark reaches from the line: short runs a little, ten minutes and more all the way."""
    seconds = (run.duration_ms or 0) / 1000
    return round(4 + 18 * min(1.0, math.log10(1 + seconds) / math.log10(601)), 1)


def _done(runs: Iterable[Run], at: datetime) -> str:
    """All successes as one path of strokes."""
    strokes: dict[int, float] = {}
    for run in runs:
        if run.end_time:
            x = _cell(_past_x(run.end_time, at))
            strokes[x] = max(strokes.get(x, 0.0), _reach(run))
    return "".join(f"M{x} {BASE - 1:.0f}v-{reach}" for x, reach in sorted(strokes.items()))


def _failed(runs: Iterable[Run], at: datetime) -> Iterable[Failed]:
    places: dict[int, list[Run]] = {}
    for run in runs:
        if run.end_time:
            places.setdefault(_cell(_past_x(run.end_time, at)), []).append(run)
    for x, group in places.items():
        yield Failed(x, round(BASE + 1 + max(map(_reach, group)), 1), group[0], _failures(group, at))


def _failures(group: Sequence[Run], at: datetime) -> str:
    newest = group[0]
    others = f" and {len(group) - 1} more" if len(group) > 1 else ""
    word = "timed out" if newest.outcome == "TIMEOUT" else "failed"
    gone = at - (newest.end_time or at)
    return f"{job_name(newest)}{others} {word} {wording.ago(int(gone.total_seconds()))}"


def _lanes(running: Sequence[Progress], at: datetime) -> list[Lane]:
    """The runs that need a look, then those that run longest; the longest lane on top."""
    shown = sorted(running[:LANES], key=lambda each: -each.seconds)
    return [_lane(each, 14 + 14 * n, at) for n, each in enumerate(shown)]


def _lane(each: Progress, y: int, at: datetime) -> Lane:
    late = each.needs_a_look
    left = max(0.0, (each.usual_seconds or 0) - each.seconds)
    end = NOW if late else _future_x(at + timedelta(seconds=left), at)
    start = _past_x(each.run.started_at, at)
    name = (
        f"{each.run.job_name}, {'stuck' if each.stuck else 'far over its usual'}"
        if late
        else each.run.job_name
    )
    title = f"{each.run.job_name}: running for {wording.span(int(each.seconds) or 1)}"
    return Lane(
        y, round(min(start, NOW - 2), 1), round(end, 1), late, each.run, wording.first_line(name, 44), title
    )


def _fires(
    schedules: Sequence[Coming], at: datetime, *, more: bool
) -> tuple[list[tuple[datetime, Coming]], datetime | None]:
    """Coming fires within the hour, soonest first, and where they end early if there are too many."""
    ahead: list[tuple[datetime, int]] = [
        (each.next_fire_at, n)
        for n, each in enumerate(schedules)
        if each.next_fire_at and each.next_fire_at >= at
    ]
    heapq.heapify(ahead)
    # Beyond the last schedule that was read there are fires that nobody here knows of.
    known_until = max(ahead)[0] if more and ahead else at + HOUR
    found: list[tuple[datetime, Coming]] = []
    while ahead and len(found) < MOST_FIRES:
        tick, n = heapq.heappop(ahead)
        if tick > known_until:
            return found, known_until if more else None
        found.append((tick, schedules[n]))
        following = _after(schedules[n], tick)
        if following and following <= at + HOUR:
            heapq.heappush(ahead, (following, n))
    if ahead:
        return found, found[-1][0]
    return found, known_until if more else None


def _after(schedule: Coming, tick: datetime) -> datetime | None:
    try:
        return next_fire(schedule.plan, tick)
    except BadSchedule:
        return None


def _due(fires: Iterable[tuple[datetime, Coming]], at: datetime) -> Iterable[Due]:
    places: dict[int, list[tuple[datetime, Coming]]] = {}
    for fire in fires:
        places.setdefault(_cell(_future_x(fire[0], at)), []).append(fire)
    for x, group in places.items():
        tick, schedule = group[0]
        others = f" and {len(group) - 1} more" if len(group) > 1 else ""
        seconds = int((tick - at).total_seconds())
        height = min(22, 5 + 2 * len(group))
        yield Due(
            x, height, schedule.job_id, f"{schedule.job_name}{others}, in {wording.span(max(1, seconds))}"
        )
