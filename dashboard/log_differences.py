"""Where the logs of two runs part, apart from what differs from run to run: times, ids, numbers."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from django.db.models.functions import Left

from chronos_site.branches import together
from dashboard import run_log
from dashboard.run_log import Size
from runs.models import Run
from runs.signature import normal

# How much of each log is compared, and how much of a line.
FIRST, LAST, WIDTH = 2_000, 500, 500
CONTEXT, MOST_ROWS = 3, 400
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Told:
    """A line of a log: its number and the beginning of its text."""

    number: int
    text: str


@dataclass(frozen=True)
class Parting:
    """The first lines that differ; None where one log ended before the other."""

    before: Told | None
    after: Told | None


def beginnings(*logs: tuple[Run, Size]) -> list[list[Told]]:
    """The first lines of each log."""
    return _told(logs, "pk", FIRST, lambda size, n: n + 1)


def ends(*logs: tuple[Run, Size]) -> list[list[Told]]:
    """The last lines of logs longer than their beginnings; those of the others have none."""
    told = _told(logs, "-pk", LAST, lambda size, n: size.lines - n)
    return [[line for line in lines[::-1] if line.number > FIRST] for lines in told]


def _told(
    logs: Sequence[tuple[Run, Size]], order: str, most: int, number_of: Callable[[Size, int], int]
) -> list[list[Told]]:
    starts = together(
        [
            size.within(run).order_by(order).values("id", "run_id", start=Left("message", WIDTH))[:most]
            for run, size in logs
        ]
    )
    found: dict[str, list[str]] = {run.pk: [] for run, _ in logs}
    for line in starts:
        found[line.run_id].append(line.start)  # type: ignore[attr-defined]
    return [[Told(number_of(size, n), text) for n, text in enumerate(found[run.pk])] for run, size in logs]


class Masks:
    """Lines without what changes from run to run, each kind of line worked out once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, line: Told) -> str:
        alike = _DIGIT.sub("0", line.text)
        if alike not in self._known:
            self._known[alike] = normal(line.text)
        return self._known[alike]


def parting(before: list[Told], after: list[Told]) -> Parting | None:
    """Where two beginnings part; None where they say the same as far as they go."""
    mask = Masks()
    for one, other in zip(before, after, strict=False):
        if one.text != other.text and mask(one) != mask(other):
            return Parting(one, other)
    shorter = min(len(before), len(after))
    if len(before) == len(after):
        return None
    return Parting(next(iter(before[shorter:]), None), next(iter(after[shorter:]), None))


@dataclass(frozen=True)
class Row:
    """A line of both logs ("ctx"), of the first or the second alone ("del", "add"), or of none ("gap")."""

    kind: str
    before: int | None
    after: int | None
    text: str


@dataclass(frozen=True)
class LogDiff:
    """What two logs say differently."""

    rows: list[Row]
    sizes: tuple[Size, Size]
    more: bool = False

    @property
    def partial(self) -> bool:
        """Whether lines between the beginning and the end of a log were not looked at."""
        return any(size.lines > FIRST + LAST for size in self.sizes)

    @cached_property
    def differs(self) -> bool:
        return any(row.kind in ("del", "add") for row in self.rows)


def diff(before: Run, after: Run) -> LogDiff:
    """Compare the beginnings and the ends of two logs, line by line."""
    sizes = run_log.sizes([before, after])
    logs = (before, sizes[before.pk]), (after, sizes[after.pk])
    rows = list(_rows(*beginnings(*logs)))
    if any(size.lines > FIRST for _, size in logs):
        rows += [Row("gap", None, None, "Between the beginning and the end"), *_rows(*ends(*logs))]
    return LogDiff(rows[:MOST_ROWS], (logs[0][1], logs[1][1]), len(rows) > MOST_ROWS)


def _rows(before: list[Told], after: list[Told]) -> Iterator[Row]:
    """The lines that differ, with some around them."""
    mask = Masks()
    matcher = SequenceMatcher(None, [mask(line) for line in before], [mask(line) for line in after])
    for group in matcher.get_grouped_opcodes(CONTEXT):
        first = group[0]
        if first[1] or first[3]:
            yield Row("gap", None, None, "Lines that say the same")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                pairs = zip(before[i1:i2], after[j1:j2], strict=True)
                yield from (Row("ctx", one.number, other.number, other.text) for one, other in pairs)
            else:
                yield from _alone("del", before[i1:i2])
                yield from _alone("add", after[j1:j2])


def _alone(kind: str, lines: Iterable[Told]) -> Iterator[Row]:
    for line in lines:
        yield Row(
            kind,
            line.number if kind == "del" else None,
            line.number if kind == "add" else None,
            line.text,
        )
