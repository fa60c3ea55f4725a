"""What a due schedule owes: which of its ticks run, which are skipped and why; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs.models import Kind, Misfire
from jobs.schedules import EPOCH, MOMENT, BadSchedule, Plan, count, fires, next_fire, nth_last
from runs.models import Skip


@dataclass(frozen=True)
class Stretch:
    """Ticks in a row that do not run, for one reason: the first one and their number."""

    first: datetime
    count: int
    reason: Skip


@dataclass(frozen=True)
class Reckoning:
    """What one due schedule owes, and where it goes from here.

    `late_run` is the tick whose run stands for what was missed. `anchor_at` is the new start of an
    interval's grid, or None to keep it.
    """

    skipped: list[Stretch]
    late_run: datetime | None
    due: list[datetime]
    next_fire_at: datetime | None
    anchor_at: datetime | None = None


@dataclass(frozen=True)
class Ticks:
    """The ticks of a plan from one that is due up to an instant, counted and not walked."""

    plan: Plan
    tick: datetime
    at: datetime

    def until(self, instant: datetime) -> int:
        """How many there are up to the instant."""
        return 1 + count(self.plan, self.tick, instant) if self.tick <= instant else 0

    def newest(self, number: int) -> datetime:
        """The first of the last so many."""
        rest = count(self.plan, self.tick, self.at)
        return self.tick if number > rest else nth_last(self.plan, self.tick, self.at, number)

    def last(self, number: int) -> list[datetime]:
        """The last so many."""
        if not number:
            return []
        first = self.newest(number)
        return [first, *fires(self.plan, first, number - 1)]


def reckon(
    plan: Plan,
    tick: datetime,
    at: datetime,
    *,
    misfire: str,
    threshold: timedelta,
    cap: int,
    resumed_at: datetime | None = None,
) -> Reckoning:
    """Sort the ticks from `tick` up to `at` by the misfire policy, whatever their number.

    A tick older than the threshold is missed. FIRE_NOW turns the missed ones into one late run, though
    not when the schedule has ended by now; IGNORE drops them; RESCHEDULE drops all and plans anew from
    `at`. No more than `cap` ticks run, the newest. Raises BadSchedule.
    """
    if tick < EPOCH:
        raise BadSchedule("next_fire_at", "The next fire lies before the year 1970.")
    if plan.kind == Kind.INTERVAL and not (plan.anchor_at or plan.starts_at):
        plan = replace(plan, anchor_at=tick)
    ahead = next_fire(plan, tick)
    if tick >= at - threshold and (ahead is None or ahead > at):
        return Reckoning([], None, [tick], ahead)
    ticks = Ticks(plan, tick, at)
    total, missed = ticks.until(at), ticks.until(at - threshold - MOMENT)
    if missed and misfire == Misfire.RESCHEDULE:
        return _anew(ticks, total, resumed_at)
    over = plan.ends_at is not None and plan.ends_at < at
    late = bool(missed) and misfire == Misfire.FIRE_NOW and not over
    wanted = total - missed + late
    kept = min(wanted, cap)
    dropped = Skip.WINDOW if over and misfire == Misfire.FIRE_NOW else Skip.MISFIRE
    skipped = [
        *_dropped(ticks, total, total - wanted, dropped, resumed_at),
        *_stretch(ticks, wanted, wanted - kept, Skip.CATCH_UP_CAP),
    ]
    runs = ticks.last(kept)
    late_run = runs.pop(0) if late and kept == wanted else None
    return Reckoning(skipped, late_run, runs, next_fire(plan, at))


def _anew(ticks: Ticks, total: int, resumed_at: datetime | None) -> Reckoning:
    """Drop all there is and plan from now on."""
    plan, at = ticks.plan, ticks.at
    skipped = list(_dropped(ticks, total, total, Skip.MISFIRE, resumed_at))
    if plan.kind != Kind.INTERVAL:
        return Reckoning(skipped, None, [], next_fire(plan, at))
    ahead = next_fire(replace(plan, anchor_at=at, starts_at=None), at)
    return Reckoning(skipped, None, [], ahead, anchor_at=at)


def _dropped(
    ticks: Ticks, total: int, number: int, reason: Skip, resumed_at: datetime | None
) -> Iterator[Stretch]:
    """The oldest so many ticks: those of a pause say so."""
    paused = min(ticks.until(resumed_at - MOMENT), number) if resumed_at else 0
    yield from _stretch(ticks, total, paused, Skip.PAUSED)
    yield from _stretch(ticks, total - paused, number - paused, reason)


def _stretch(ticks: Ticks, left: int, number: int, reason: Skip) -> Iterator[Stretch]:
    """The first so many of the newest `left` ticks, if there are any."""
    if number:
        yield Stretch(ticks.newest(left), number, reason)
