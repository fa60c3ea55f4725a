"""Stacked bars over time, as data: what stands where is the same on a page and on paper."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

# More bars than this are drawn by week, and more weeks than this by month.
MOST_BARS = 92
STEPS = 4


class Series(NamedTuple):
    """One part of each bar: what the figures call it, what people do, and its colour."""

    name: str
    label: str
    colour: str


@dataclass(frozen=True)
class Chart:
    """Counts by day, week or month, in the order of the series."""

    title: str
    series: Sequence[Series]
    bars: Sequence[tuple[str, Sequence[int]]]

    @property
    def highest(self) -> int:
        return max((sum(counts) for _, counts in self.bars), default=0)

    @property
    def totals(self) -> list[int]:
        """The sum of each series."""
        return [sum(counts[n] for _, counts in self.bars) for n in range(len(self.series))]


class Block(NamedTuple):
    """One rectangle of a drawing, in shares of its width and height from the top left."""

    x: float
    y: float
    width: float
    height: float
    colour: str


def by_day(
    title: str, series: Sequence[Series], counts: Mapping[date, Mapping[str, int]], days: Sequence[date]
) -> Chart:
    """The chart of these days; when they are many, of their weeks or months, each from its first day."""
    word, start = next((word, start) for word, start, most in _SPANS if len(days) <= most)
    totals: dict[date, list[int]] = {}
    for day in days:
        sums = totals.setdefault(max(start(day), days[0]), [0] * len(series))
        for place, each in enumerate(series):
            sums[place] += counts.get(day, {}).get(each.name, 0)
    return Chart(f"{title} by {word}", series, [(day.isoformat(), sums) for day, sums in totals.items()])


_SPANS: tuple[tuple[str, Callable[[date], date], float], ...] = (
    ("day", lambda day: day, MOST_BARS),
    ("week", lambda day: day - timedelta(days=day.weekday()), MOST_BARS * 7),
    ("month", lambda day: day.replace(day=1), float("inf")),
)


def scale(highest: int) -> int:
    """The end of a scale that holds the highest bar and has round quarters."""
    return next(STEPS * factor for factor in _growing() if STEPS * factor >= highest)


def _growing() -> Iterator[int]:
    """1, 2, 3, 4, 5, 6, 8, 10, 20, …"""
    power = 1
    while True:
        yield from (power * factor for factor in (1, 2, 3, 4, 5, 6, 8))
        power *= 10


def blocks(chart: Chart) -> Iterator[Block]:
    """The rectangles of all bars, those of one bar from the bottom up."""
    end = scale(chart.highest)
    place = 1 / max(len(chart.bars), 7)
    for number, (_, counts) in enumerate(chart.bars):
        top = 1.0
        for count, each in zip(counts, chart.series, strict=True):
            height = count / end
            top -= height
            if count:
                yield Block(place * (number + 0.14), top, place * 0.72, height, each.colour)


def labelled(chart: Chart, most: int) -> Iterator[tuple[float, str]]:
    """Where to write the labels of at most so many bars, evenly spread, the first one included."""
    place = 1 / max(len(chart.bars), 7)
    step = -(-len(chart.bars) // most)
    for number, (label, _) in list(enumerate(chart.bars))[::step]:
        yield place * (number + 0.5), label
