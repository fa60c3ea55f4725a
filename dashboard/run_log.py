"""The log of one run, a part at a time, its lines numbered from one."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, cast
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Count, Max, Min, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from chronos_site import hostile
from dashboard import wording
from runs.models import Level, Run, RunLog

# A part ends at whichever comes first.
CHUNK, CHUNK_CHARACTERS = 200, 100_000
# How many lines one request looks through for a text or a level.
SEARCHED = 20_000
DOWNLOADED = 2_000
# How many lines a link to one shows before it.
LEAD = 10
# The size of a log longer than this is remembered; a run's last words may come a little after its end.
LONG, REMEMBERED_SECONDS, STRAGGLERS = 20_000, 600, timedelta(minutes=1)
LONGEST_SEARCH = 200
_LEVELS = list(Level)
# As many as fit into a 64-bit column whatever they are.
_DIGITS = 18


def number(text: str | None) -> int:
    """The whole number that an address names, zero for anything else."""
    plain = text is not None and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if text and plain else 0


@dataclass(frozen=True)
class Sought:
    """Which lines are wanted: those of a level and above, with a text in them."""

    level: str = ""
    text: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Sought":
        level = query.get("level", "")
        text = query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
        return cls(level if level in Level.values else "", text)

    @property
    def lines(self) -> Q:
        wanted = Q(level__in=_LEVELS[_LEVELS.index(Level(self.level)) :]) if self.level else Q()
        return wanted & Q(message__icontains=self.text) if self.text else wanted

    @property
    def query(self) -> str:
        """The same as parameters of an address."""
        pairs = {"level": self.level, "q": self.text}
        return urlencode({name: value for name, value in pairs.items() if value})

    def __bool__(self) -> bool:
        return bool(self.text or self.level)


@dataclass(frozen=True)
class Line:
    """One line and its number within the run."""

    log: RunLog
    number: int

    @property
    def style(self) -> str:
        return {"WARN": "ll-warn", "ERROR": "ll-error", "DEBUG": "ll-dim", "TRACE": "ll-dim"}.get(
            self.log.level, ""
        )

    @property
    def iso(self) -> str:
        return wording.iso(self.log.timestamp)

    @property
    def time(self) -> str:
        """The time of day in the viewer's zone, to the millisecond."""
        local = timezone.localtime(self.log.timestamp)
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"

    @property
    def full(self) -> str:
        return wording.in_both_zones(timezone.localtime(self.log.timestamp))

    @property
    def fields(self) -> str:
        """What the line carries besides its message: `status=503 bytes=120`."""
        context = self.log.context
        if not isinstance(context, dict):
            return "" if context is None else _plain(context)
        return " ".join(f"{name}={_plain(value)}" for name, value in context.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Place:
    """How far a log has been read: the last line's id and its number."""

    last: int = 0
    number: int = 0


@dataclass(frozen=True)
class Part:
    """Some lines in order, and where reading goes on before and after them; None where nothing is left.

    `searching` tells that the search stopped because it has looked through enough for once.
    """

    lines: list[Line]
    earlier: Place | None = None
    later: Place | None = None
    searching: bool = False


@dataclass(frozen=True)
class Size:
    """How long a log is now, and how many of its lines warn or tell of errors; None for a long one."""

    place: Place
    warnings: int | None = 0
    errors: int | None = 0
    first: int = 0

    @property
    def lines(self) -> int:
        return self.place.number

    def within(self, run: Run) -> "QuerySet[RunLog]":
        """The run's lines, with the ends of their ids.

        Without these PostgreSQL, asked for the first ids of a long log, may walk over everyone's lines.
        """
        return run.logs.filter(pk__range=(self.first, self.place.last))


def size(run: Run) -> Size:
    """The log's size."""
    return sizes([run])[run.pk]


def sizes(runs: Sequence[Run]) -> dict[str, Size]:
    """The size of each run's log; those of long ones are remembered, and what came since is added."""
    found: dict[str, Size] = {}
    for run in runs:
        known, final = cache.get(_key(run)) or (None, False)
        if known:
            found[run.pk] = known if final else _remembered(run, _grown(run, known))
    fresh = [run for run in runs if run.pk not in found]
    told = dict(_counted(fresh)) if fresh else {}
    return found | {run.pk: _remembered(run, told.get(run.pk, Size(Place()))) for run in fresh}


_ENDS = {"first": Min("pk"), "last": Max("pk"), "lines": Count("*")}
_TOLD = (Level.WARN, Level.ERROR)


def _counted(runs: Sequence[Run]) -> Iterator[tuple[str, Size]]:
    lines = RunLog.objects.filter(run__in=[run.pk for run in runs]).order_by()
    ends: dict[str, dict[str, int]] = {
        row.pop("run_id"): row for row in cast("Any", lines.values("run_id").annotate(**_ENDS))
    }
    # An index tells the ends, but a level is read off each line: of long logs that takes too long.
    short = [run_id for run_id, row in ends.items() if row["lines"] <= LONG]
    told = _levels(lines.filter(run__in=short)) if short else {}
    for run_id, row in ends.items():
        warnings, errors = (told.get((run_id, level), 0) if run_id in short else None for level in _TOLD)
        yield run_id, Size(Place(row["last"], row["lines"]), warnings, errors, row["first"])


def _levels(lines: "QuerySet[RunLog]") -> dict[tuple[str, str], int]:
    rows = lines.filter(level__in=_TOLD).values_list("run_id", "level").annotate(count=Count("*"))
    return {(run_id, level): count for run_id, level, count in rows}


def _grown(run: Run, known: Size) -> Size:
    row = run.logs.filter(pk__gt=known.place.last).aggregate(**_ENDS)
    if not row["lines"]:
        return known
    return replace(known, place=Place(row["last"], known.lines + row["lines"]))


def _remembered(run: Run, size: Size) -> Size:
    if size.lines > LONG:
        final = run.end_time is not None and run.end_time < timezone.now() - STRAGGLERS
        cache.set(_key(run), (size, final), REMEMBERED_SECONDS)
    return size


def _key(run: Run) -> str:
    return f"log-size:{run.pk}"


def before(run: Run, sought: Sought, place: Place, within: Size) -> Part:
    """The last lines that are wanted up to and with the one at `place`."""
    lines = within.within(run).filter(pk__lte=place.last).order_by("-pk")
    taken = _taken(lines, sought, lambda n: place.number - n)
    earlier = (
        Place(taken.reached.last - 1, taken.reached.number - 1) if taken.reached and taken.more else None
    )
    return Part(taken.lines[::-1], earlier=earlier, searching=taken.searching)


def after(run: Run, place: Place, within: Size) -> Part:
    """The next lines after the one at `place`."""
    lines = within.within(run).filter(pk__gt=place.last).order_by("pk")
    taken = _taken(lines, Sought(), lambda n: place.number + 1 + n)
    return Part(taken.lines, later=taken.reached if taken.more else None)


def around(run: Run, line: int, within: Size) -> Part:
    """The lines from a little before the one with that number on."""
    start = max(0, min(line, within.lines) - LEAD - 1)
    found = after(run, Place(_id_of(run, start, within), start), within)
    if not start or not found.lines:
        return found
    first = found.lines[0]
    return replace(found, earlier=Place(first.log.pk - 1, first.number - 1))


def _id_of(run: Run, line: int, within: Size) -> int:
    """The id of the line with that number, counted from the nearer end; zero for none."""
    if not line:
        return 0
    ids = within.within(run).values_list("pk", flat=True)
    if line <= within.lines // 2:
        return ids.order_by("pk")[line - 1 : line].get()
    back = within.lines - line
    return ids.order_by("-pk")[back : back + 1].get()


@dataclass(frozen=True)
class _Taken:
    """The first wanted lines that make a part, how far reading came, and whether there is more.

    `searching` tells that it stopped because it had looked through enough for once.
    """

    lines: list[Line]
    reached: Place | None
    more: bool = False
    searching: bool = False


def _taken(lines: "QuerySet[RunLog]", sought: Sought, number_of: Callable[[int], int]) -> _Taken:
    """Read off the beginning of the ordered lines; `number_of` numbers them."""
    if sought:
        return _searched(lines, sought, number_of)
    found = [Line(log, number_of(n)) for n, log in enumerate(lines[: CHUNK + 1])]
    fitting = _fitting(found[:CHUNK])
    return _Taken(fitting, _end(fitting), len(found) > len(fitting))


def _searched(lines: "QuerySet[RunLog]", sought: Sought, number_of: Callable[[int], int]) -> _Taken:
    ids = list(lines.values_list("pk", flat=True)[: SEARCHED + 1])
    numbers = {pk: number_of(n) for n, pk in enumerate(ids[:SEARCHED])}
    if not numbers:
        return _Taken([], None)
    wanted = lines.filter(sought.lines, pk__range=(min(numbers), max(numbers)))[: CHUNK + 1]
    found = [Line(log, numbers[log.pk]) for log in wanted if log.pk in numbers]
    fitting = _fitting(found[:CHUNK])
    if len(found) > len(fitting):
        return _Taken(fitting, _end(fitting), more=True)
    last = ids[:SEARCHED][-1]
    more = len(ids) > SEARCHED
    return _Taken(fitting, Place(last, numbers[last]), more, searching=more)


def _end(lines: list[Line]) -> Place | None:
    return Place(lines[-1].log.pk, lines[-1].number) if lines else None


def news(run: Run, sought: Sought, place: Place) -> tuple[Part, Place]:
    """What was written after `place`, and how far that read."""
    lines = run.logs.filter(pk__gt=place.last).order_by("pk")
    taken = _taken(lines, sought, lambda n: place.number + 1 + n)
    return Part(taken.lines), taken.reached or place


def _fitting(lines: list[Line]) -> list[Line]:
    """The first lines that make no more than a part, one at least."""
    sizes = accumulate(len(line.log.message) for line in lines)
    count = sum(size <= CHUNK_CHARACTERS for size in sizes)
    return lines[: max(1, count)]


def as_text(run: Run) -> Iterator[str]:
    """The whole log, a line of text for each line: time in UTC, level, message, fields."""
    told = size(run)
    lines, last = told.within(run).order_by("pk"), 0
    # Not by a cursor: MariaDB's would hold the whole log in memory.
    while logs := list(lines.filter(pk__gt=last)[:DOWNLOADED]):
        yield "".join(map(_as_text, logs))
        last = logs[-1].pk


def _as_text(log: RunLog) -> str:
    line = Line(log, 0)
    fields = f"  {line.fields}" if line.fields else ""
    return f"{_stamp(log.timestamp)} {log.level:5} {hostile.visible(log.message + fields)}\n"


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}Z"
