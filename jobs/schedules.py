"""When a schedule fires: pure functions of a plan and an instant.

A tick's identity is its UTC instant. `jobs.cron` reads expressions, `jobs.cron_clock` puts them on a clock.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from jobs import cron, cron_reading, zones
from jobs.cron_clock import ClockChange, count_matches, effect_of, next_match

__all__ = [
    "BadSchedule",
    "ClockChange",
    "Plan",
    "available_at",
    "check",
    "clock_changes",
    "count",
    "describe",
    "fires",
    "next_fire",
    "nth_last",
    "ticks",
]

ONCE, CRON, INTERVAL = KINDS = ("ONCE", "CRON", "INTERVAL")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
# Beyond it, a date may leave the calendar on its way into another zone.
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
# Ten years: anything rarer is a date, not an interval.
MAX_INTERVAL = 3650 * 86400
MAX_JITTER = 86400
NEVER_FIRES = "Day of month: no month or year given has such a day, so this never fires."


class BadSchedule(ValueError):
    """A plan that cannot be kept: the `Plan` field at fault and a sentence for the person who wrote it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Plan:
    """When a job runs. Instants are aware; the window from `starts_at` to `ends_at` includes both.

    `anchor_at` is where an interval's grid begins; without it, the grid begins at `starts_at` or, for a plan
    that is not armed yet, at the instant asked about. `jitter_key` is the job's id: with it, the jitter of a
    tick is the same on every machine.
    """

    kind: str
    run_at: datetime | None = None
    cron_expression: str | None = None
    interval_seconds: int | None = None
    timezone: str = "UTC"
    anchor_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter_seconds: int = 0
    jitter_key: str = ""


def check(plan: Plan) -> None:
    """Raise `BadSchedule` for the first thing wrong with a plan that someone wants to save."""
    if plan.kind not in KINDS:
        raise BadSchedule("kind", "Choose a kind of schedule: once, cron or interval.")
    _zone(plan)
    _check_window(plan)
    if plan.kind == ONCE:
        _check_once(plan)
    elif plan.kind == INTERVAL:
        _check_interval(plan)
    elif _cron(plan).never_matches:
        raise BadSchedule("cron_expression", NEVER_FIRES)
    _check_jitter(plan)
    _check_first_fire(plan)


def next_fire(plan: Plan, after: datetime) -> datetime | None:
    """The first tick strictly after `after`, in UTC; None when the plan has ended. Raises `BadSchedule`."""
    if after.tzinfo is None:
        raise ValueError("next_fire needs an instant with a time zone")
    after = _begin(plan, after)
    try:
        tick = _next_tick(plan, after)
    except OverflowError:
        # past the year 9999, where the calendar ends
        return None
    return None if tick is None or (plan.ends_at is not None and tick > plan.ends_at) else tick


def ticks(plan: Plan, after: datetime) -> Iterator[datetime]:
    """The ticks strictly after `after`, in order, as long as the plan goes on. Raises `BadSchedule`."""
    tick = next_fire(plan, after)
    while tick is not None:
        yield tick
        tick = next_fire(plan, tick)


def fires(plan: Plan, after: datetime, count: int) -> list[datetime]:
    """The first `count` ticks strictly after `after`, fewer when the plan ends before."""
    return list(islice(ticks(plan, after), count))


def count(plan: Plan, after: datetime, until: datetime) -> int:
    """How many ticks lie in (after, until], at a cost that hardly grows with their number.

    An interval needs its anchor or a start. Raises `BadSchedule`.
    """
    after, until = _begin(plan, after), until.astimezone(UTC)
    if plan.ends_at is not None:
        until = min(until, plan.ends_at.astimezone(UTC))
    if until <= after:
        return 0
    if plan.kind == CRON:
        return count_matches(_cron(plan), _zone(plan), after, until)
    first = _next_tick(plan, after)
    if first is None or first > until:
        return 0
    return 1 if plan.kind == ONCE else (until - first) // timedelta(seconds=_interval(plan)) + 1


def nth_last(plan: Plan, after: datetime, until: datetime, number: int) -> datetime:
    """The tick in (after, until] that has `number` - 1 ticks after it there; there must be that many."""
    width = SECOND
    while until - width > after and count(plan, until - width, until) < number:
        width *= 2
    low, high = max(after, until - width), until
    # Ticks are a second apart at least.
    while high - low > SECOND:
        middle = low + (high - low) / 2
        if count(plan, middle, until) < number:
            high = middle
        else:
            low = middle
    found = next_fire(plan, low)
    if found is None:
        raise ValueError(f"there are no {number} ticks until {until}")
    return found


def available_at(plan: Plan, tick: datetime) -> datetime:
    """When the run of a tick may start: the tick plus the plan's jitter, the same whenever it is asked.

    Raises `BadSchedule`.
    """
    if plan.jitter_seconds == 0:
        return tick
    _check_jitter(plan)
    seed = f"{plan.jitter_key} {tick.astimezone(UTC).isoformat()}".encode()
    share = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big")
    return tick + timedelta(milliseconds=share % (plan.jitter_seconds * 1000 + 1))


def describe(plan: Plan) -> str:
    """The plan in plain words, such as "At 02:30 every day, Berlin". Raises `BadSchedule`."""
    zone, place = _zone(plan), zones.label(plan.timezone)
    if plan.kind == ONCE:
        words = f"Once, {cron_reading.moment(_run_at(plan).astimezone(zone))}, {place}"
    elif plan.kind == INTERVAL:
        words = f"Every {cron_reading.length(_interval(plan))}"
    else:
        words = cron_reading.reading(_cron(plan), place, whole_hours=zones.whole_hours(zone))
    if plan.kind != ONCE:
        for word, limit in (("from", plan.starts_at), ("until", plan.ends_at)):
            if limit is not None:
                words += f", {word} {cron_reading.moment(limit.astimezone(zone))} {place}"
    if plan.jitter_seconds:
        words += f", up to {cron_reading.length(plan.jitter_seconds)} later"
    return words


def clock_changes(plan: Plan, after: datetime, until: datetime) -> list[ClockChange]:
    """The clock changes in (after, until] that move, skip, merge or double a cron plan's fires, in order."""
    if plan.kind != CRON:
        return []
    if plan.starts_at is not None:
        after = max(after, plan.starts_at)
    if plan.ends_at is not None:
        until = min(until, plan.ends_at)
    matcher, zone = _cron(plan), _zone(plan)
    effects = (effect_of(shift, matcher, zone) for shift in zones.shifts(zone, after, until))
    return [effect for effect in effects if effect is not None]


def _zone(plan: Plan) -> ZoneInfo:
    try:
        return zones.zone(plan.timezone)
    except zones.UnknownZone as unknown:
        raise BadSchedule("timezone", str(unknown)) from None


def _cron(plan: Plan) -> cron.Cron:
    try:
        return cron.read(plan.cron_expression or "")
    except cron.BadExpression as bad:
        raise BadSchedule("cron_expression", str(bad)) from None


def _run_at(plan: Plan) -> datetime:
    if plan.run_at is None:
        raise BadSchedule("run_at", "Give the date and time of the run.")
    return plan.run_at


def _interval(plan: Plan) -> int:
    seconds = plan.interval_seconds
    if seconds is None:
        raise BadSchedule("interval_seconds", "Give the number of seconds between two fires.")
    if not _is_whole(seconds) or not 1 <= seconds <= MAX_INTERVAL:
        raise BadSchedule("interval_seconds", "Give a whole number of seconds, from 1 second to 3,650 days.")
    return seconds


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_window(plan: Plan) -> None:
    for field in ("run_at", "anchor_at", "starts_at", "ends_at"):
        value = getattr(plan, field)
        if value is None:
            continue
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise BadSchedule(field, "Give a date and time with its time zone.")
        if not EPOCH <= value <= LATEST:
            raise BadSchedule(field, "Give a date from the year 1970 to the year 9999.")
    if plan.starts_at is not None and plan.ends_at is not None and plan.ends_at < plan.starts_at:
        raise BadSchedule("ends_at", "The end lies before the start.")


def _check_once(plan: Plan) -> None:
    run_at = _run_at(plan)
    if plan.starts_at is not None and run_at < plan.starts_at:
        raise BadSchedule("run_at", "The run lies before the start.")
    if plan.ends_at is not None and run_at > plan.ends_at:
        raise BadSchedule("run_at", "The run lies after the end.")


def _check_interval(plan: Plan) -> None:
    seconds = _interval(plan)
    if _is_whole(plan.jitter_seconds) and plan.jitter_seconds >= seconds:
        raise BadSchedule("jitter_seconds", "The jitter must be shorter than the interval.")


def _check_jitter(plan: Plan) -> None:
    if not _is_whole(plan.jitter_seconds) or not 0 <= plan.jitter_seconds <= MAX_JITTER:
        raise BadSchedule("jitter_seconds", "Give a whole number of seconds, from 0 to 86,400 (a day).")


def _check_first_fire(plan: Plan) -> None:
    begins = plan.starts_at or plan.anchor_at or EPOCH
    if plan.ends_at is not None and next_fire(plan, begins - MOMENT) is None:
        raise BadSchedule("ends_at", "The schedule ends before it fires for the first time.")


def _begin(plan: Plan, after: datetime) -> datetime:
    """The instant strictly after which ticks are looked for."""
    after = max(after.astimezone(UTC), EPOCH - MOMENT)
    if plan.starts_at is not None and plan.starts_at > after:
        return plan.starts_at.astimezone(UTC) - MOMENT
    return after


def _next_tick(plan: Plan, after: datetime) -> datetime | None:
    if plan.kind == ONCE:
        run_at = _run_at(plan).astimezone(UTC)
        return run_at if run_at > after else None
    if plan.kind == INTERVAL:
        return _next_on_grid(plan, after)
    return next_match(_cron(plan), _zone(plan), after)


def _next_on_grid(plan: Plan, after: datetime) -> datetime:
    """A tick is anchor + k intervals, whatever the runs take; k is 0 only where a start was given."""
    interval = timedelta(seconds=_interval(plan))
    anchor = (plan.anchor_at or plan.starts_at or after).astimezone(UTC)
    first = 0 if plan.starts_at is not None and anchor == plan.starts_at else 1
    return anchor + max((after - anchor) // interval + 1, first) * interval
