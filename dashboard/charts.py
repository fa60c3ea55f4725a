"""Charts as data: where each mark stands. Up is done, down is broken, hollow is still to come.

Units are those of the drawing's viewBox; the templates only print them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard import wording
from runs.models import Run

COUNT = 20
_STEP, _WIDTH, _LINE = 6.1, 4.1, 17.0
_LOWEST, _HIGHEST = 3.0, 14.0
_WORDS = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "TIMEOUT": "timed out",
    "CANCELLED": "cancelled",
    "SKIPPED": "skipped",
    "RUNNING": "running",
    "PENDING": "waiting",
}


# A page has hundreds of them, and a tuple is made in a tenth of the time of a frozen dataclass.
class Mark(NamedTuple):
    """One run in a bar of runs: a rectangle, or a ring where `r` is set."""

    style: str
    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    r: float = 0.0


@dataclass(frozen=True)
class Line:
    """A horizontal line of a scale and what it stands for."""

    y: float
    label: str

    @property
    def text_y(self) -> float:
        return self.y + 4


@dataclass(frozen=True)
class Column:
    """The marks at one place of a chart, from left to right."""

    x: float
    marks: list[Mark]


@dataclass(frozen=True)
class Columns:
    """A chart of columns and its scale; `usual_y` is where the dotted line of the median goes."""

    lines: list[Line]
    columns: list[Column]
    usual_y: float | None = None


# The last runs of one job


class Stand(NamedTuple):
    """How one of the newest runs stands, and where: the height of a done one is its duration."""

    state: str
    place: int
    height: float


def stands(runs: Sequence[Run], count: int = COUNT) -> list[Stand]:
    """The newest runs, the last one at the right edge."""
    shown = runs[-count:]
    states = [run.state for run in shown]
    took = [run.duration_ms or 0 for run in shown]
    longest = max((ms for state, ms in zip(states, took, strict=True) if state == "SUCCESS"), default=0)
    start = count - len(shown)
    return [
        Stand(state, start + n, _height(ms, longest) if state == "SUCCESS" else 0)
        for n, (state, ms) in enumerate(zip(states, took, strict=True))
    ]


def _height(took: int, longest: int) -> float:
    return round(_LOWEST + (_HIGHEST - _LOWEST) * (took / longest if longest else 0.5), 1)


def mark(stand: Stand) -> Mark:
    state, place, height = stand
    x = round(0.5 + _STEP * place, 1)
    hollow = {"x": round(x + 0.5, 1), "width": _WIDTH - 1}
    match state:
        case "SUCCESS":
            return Mark("f-ok", x, round(_LINE - height, 1), _WIDTH, height)
        case "FAILURE":
            return Mark("f-bad", x, _LINE + 1, _WIDTH, 10)
        case "TIMEOUT":
            return Mark("f-to", y=_LINE + 1.5, height=9, **hollow)
        case "SKIPPED":
            return Mark("f-next", round(x + _WIDTH / 2, 1), _LINE - 3, r=1.6)
        case "RUNNING":
            return Mark("f-now", x, 4, _WIDTH, 13)
        case "PENDING":
            return Mark("f-next", y=4.5, height=12, **hollow)
        case _:
            return Mark("f-can", x, _LINE - 3, _WIDTH, 3)


def in_words(states: Iterable[str]) -> str:
    """What the marks of the last runs show, for those who do not see them."""
    shown = Counter(states)
    if not shown:
        return "No runs yet"
    told = ", ".join(f"{shown[state]} {word}" for state, word in _WORDS.items() if shown[state])
    total = sum(shown.values())
    return f"Last {total} runs: {told}" if total > 1 else f"The only run: {told}"


# Durations of one job's runs

PLACES = 60
_DURATIONS_LEFT, _DURATIONS_RIGHT = 56.0, 780.0
_DURATIONS_TOP, _DURATIONS_BASE = 12.0, 92.0
_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000
# Ends of a scale of time that have a round half, in milliseconds.
_ROUND = [
    *(10, 20, 50, 100, 200, 500),
    *(_SECOND * n for n in (1, 2, 4, 10, 20, 40, 60)),
    *(_MINUTE * n for n in (2, 4, 10, 20, 40, 60)),
    *(_HOUR * n for n in (2, 4, 12, 24)),
]


def durations(runs: Sequence[Run], usual: float | None) -> Columns:
    """How long runs took, given oldest first, the newest at the right edge.

    The scale ends above the slow ones; the few that took far longer are cut off at its end, so that
    the others keep their differences.
    """
    shown = runs[-PLACES:]
    took = sorted(run.duration_ms for run in shown if run.state == "SUCCESS" and run.duration_ms is not None)
    slow = took[-(-len(took) * 95 // 100) - 1] if took else 0
    end = next((each for each in _ROUND if each >= slow), _HOUR * 24 * -(-slow // (_HOUR * 24)))
    step = (_DURATIONS_RIGHT - _DURATIONS_LEFT) / PLACES
    start = _DURATIONS_LEFT + step * (PLACES - len(shown))
    columns = [
        Column(x, [_duration(run, x, round(step - 3, 1), end)])
        for x, run in ((round(start + step * n, 1), run) for n, run in enumerate(shown))
    ]
    scale = [(0.0, "0"), (end / 2, _round_words(end / 2)), (float(end), _round_words(end))]
    # Only successes are drawn to scale: without any, the line that failures hang from is enough.
    lines = [Line(_duration_y(each, end), label) for each, label in (scale if took else [(0.0, "")])]
    return Columns(lines, columns, None if usual is None else _duration_y(usual, end))


def _round_words(milliseconds: float) -> str:
    whole = milliseconds % _SECOND == 0
    return wording.rough_span(round(milliseconds / _SECOND)) if whole else wording.duration(milliseconds)


def _duration_y(milliseconds: float, end: float) -> float:
    share = min(1.0, milliseconds / end)
    return round(_DURATIONS_BASE - (_DURATIONS_BASE - _DURATIONS_TOP) * share, 1)


def _duration(run: Run, x: float, width: float, end: float) -> Mark:
    base = _DURATIONS_BASE
    match run.state:
        case "SUCCESS":
            y = min(_duration_y(run.duration_ms or 0, end), base - 2)
            return Mark("f-ok", x, y, width, round(base - y, 1))
        case "FAILURE":
            return Mark("f-bad", x, base + 1, width, 14)
        case "TIMEOUT":
            return Mark("f-to", x + 0.5, base + 1.5, round(width - 1, 1), 13)
        case "SKIPPED":
            return Mark("f-next", round(x + width / 2, 1), base - 4, r=2)
        case "RUNNING":
            return Mark("f-now", x, base - 40, width, 40)
        case "PENDING":
            return Mark("f-next", x + 0.5, base - 40, round(width - 1, 1), 40)
        case _:
            return Mark("f-can", x, base - 4, width, 4)


# Outcomes an hour

_HOURS_LEFT, _HOURS_RIGHT = 40.0, 780.0
_HOURS_TOP, _HOURS_BASE, _HOURS_BELOW, _HOURS_FLOOR = 11.0, 112.0, 120.0, 160.0
_LEAST = 2.0


def width_of(columns: int) -> float:
    """How wide each of so many columns is."""
    return round((_HOURS_RIGHT - _HOURS_LEFT) / max(1, columns) - 3, 1)


def per_hour(hours: Sequence[Mapping[str, int]]) -> Columns:
    """Outcomes an hour as columns: what is done stands on the line, what is broken hangs below it."""
    up = nice(max((hour["SUCCESS"] + hour["CANCELLED"] for hour in hours), default=0))
    down = nice(max((hour["FAILURE"] + hour["TIMEOUT"] for hour in hours), default=0))
    step = (_HOURS_RIGHT - _HOURS_LEFT) / max(1, len(hours))
    width = width_of(len(hours))
    columns = [
        Column(x, _hour(hour, x, width, up, down))
        for x, hour in ((round(_HOURS_LEFT + step * n, 1), hour) for n, hour in enumerate(hours))
    ]
    lines = [Line(_HOURS_BASE, "0"), Line(_HOURS_TOP, f"{up:,}")]
    if any(hour["FAILURE"] or hour["TIMEOUT"] for hour in hours):
        lines.append(Line(_HOURS_FLOOR, f"{down:,}"))
    return Columns(lines, columns)


def _hour(counts: Mapping[str, int], x: float, width: float, up: int, down: int) -> list[Mark]:
    done, stopped = (_tall(counts[name], up, _HOURS_BASE - _HOURS_TOP) for name in ("SUCCESS", "CANCELLED"))
    failed, timed_out = (
        _tall(counts[name], down, _HOURS_FLOOR - _HOURS_BELOW) for name in ("FAILURE", "TIMEOUT")
    )
    stack = [
        Mark("hit f-ok", x, round(_HOURS_BASE - done, 1), width, done),
        Mark("hit f-can", x, round(_HOURS_BASE - done - stopped - 1, 1), width, stopped),
        Mark("hit f-bad", x, _HOURS_BELOW, width, failed),
        Mark("f-to", x + 0.5, round(_HOURS_BELOW + failed + 1.5, 1), round(width - 1, 1), timed_out),
    ]
    return [mark for mark in stack if mark.height]


def _tall(count: int, most: int, room: float) -> float:
    return round(max(_LEAST, room * count / most), 1) if count else 0.0


def nice(largest: float) -> int:
    """The end of a scale: the smallest of 1, 2, 3, 5 and 8 times a power of ten that is no less."""
    power = 1
    while True:
        for step in (1, 2, 3, 5, 8):
            if step * power >= largest:
                return step * power
        power *= 10


# The strips of the health panel

TICKS, TICK = 60, timedelta(seconds=2)
STRIP = TICKS * TICK


def beats(up: Sequence[tuple[datetime, datetime]], at: datetime) -> list[Mark]:
    """The last two minutes of the schedulers: solid while one was up, a dash of warning while none was.

    `up` holds each one's start and last heartbeat. Before the first of them there was none to be missed.
    """
    found = []
    first = min((start for start, _ in up), default=None)
    for n in range(TICKS - 1):
        then = at - TICK * (TICKS - 1 - n)
        # A heartbeat stands for the seconds until the next one.
        alive = any(start - TICK <= then <= beat + TICK for start, beat in up)
        silent = "f-warn" if first is None or then > first else "f-line"
        found.append(Mark("f-ok", n * 4, 4, 2, 10) if alive else Mark(silent, n * 4, 8, 2, 2))
    return [*found, Mark("f-now", (TICKS - 1) * 4, 0, 2, 18)]


def squares(states: Sequence[str], most: int = 12) -> list[Mark]:
    """One square for each worker: "busy", "idle" or "silent"."""
    styles = {"busy": "f-now", "idle": "f-next", "silent": "f-warn"}
    return [Mark(styles[state], 1 + n * 20, 3, 16, 12) for n, state in enumerate(states[:most])]


def bars(counts: Sequence[int]) -> list[Mark]:
    """Three lanes of a strip, filled by share of the fullest."""
    most = max([*counts, 1])
    return [Mark("f-now", 0, 1 + 6 * n, round(238 * count / most, 1), 4) for n, count in enumerate(counts)]


def curve(values: Sequence[float], most: float) -> str:
    """The points of a line through the values, from left to right."""
    if not values:
        return ""
    step = 238 / max(1, len(values) - 1)
    return " ".join(f"{step * n:.0f},{16 - 14 * min(1.0, each / most):.1f}" for n, each in enumerate(values))


# One run in progress


@dataclass(frozen=True)
class Elapsed:
    """How far a run is, against what is usual: widths in a bar whose tick stands at two thirds."""

    width: float
    over: bool
    cut: bool


_TICK, _BAR = 100.0, 143.0


def elapsed(seconds: float, usual: float | None) -> Elapsed:
    """The bar of one running run; without anything usual it shows nothing but that it runs."""
    if not usual:
        return Elapsed(_TICK / 3, over=False, cut=False)
    width = round(_TICK * seconds / usual, 1)
    return Elapsed(min(width, _BAR), over=seconds > usual, cut=width > _BAR)


@dataclass(frozen=True)
class Place:
    """A place on a scale of time, and what stands there."""

    x: float
    word: str
    anchor: str


@dataclass(frozen=True)
class Progress:
    """One run on a scale from its start to its time limit.

    `within` is how far the bar goes in its usual colour, `over` how much further it goes.
    """

    now: float
    within: float
    over: float
    places: list[Place]

    @property
    def now_anchor(self) -> str:
        return _anchor(self.now)


_WIDE = 780.0
_WORD = 160.0


def progress(seconds: float, usual: float | None, slow: float | None, limit: float | None) -> Progress:
    """Where a running run stands between its start, what is usual, what is slow and its limit, in seconds."""
    end = limit or 1.5 * max(seconds, slow or 0, usual or 0, 1)

    def x(value: float) -> float:
        return round(_WIDE * min(1.0, value / end), 1)

    def place(value: float, word: str) -> Place:
        return Place(x(value), f"{word} {wording.duration(value * 1000)}", _anchor(x(value)))

    # Not where words would stand on other words: the limit's stand at the end.
    places = []
    if usual is not None and x(usual) < _WIDE - 1.5 * _WORD:
        places.append(place(usual, "usually"))
        if slow is not None and x(usual) + _WORD < x(slow) < _WIDE - 1.5 * _WORD:
            places.append(place(slow, "slow ones"))
    now = x(seconds)
    within = now if usual is None else min(now, x(usual))
    return Progress(now, within, round(now - within, 1), places)


def _anchor(x: float) -> str:
    return "start" if x < _WORD / 2 else "end" if x > _WIDE - _WORD / 2 else "middle"
