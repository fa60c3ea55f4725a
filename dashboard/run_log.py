"""The log of one run, a part at a time, its lines numbered from one."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import QueryDict
from django.utils import timezone

from dashboard import hostile, wording
from runs.models import Level, Run, RunLog

# A part ends at whichever comes first.
CHUNK, CHUNK_CHARACTERS = 500, 100_000
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
class Part:
    """Some lines in order, and whether there are others before them."""

    lines: list[Line]
    earlier: bool = False


@dataclass(frozen=True)
class Place:
    """How far a log has been read: the last line's id and its number."""

    last: int = 0
    number: int = 0


@dataclass(frozen=True)
class Size:
    """How long a log is now, and how many of its lines warn or tell of errors."""

    place: Place
    warnings: int
    errors: int

    @property
    def lines(self) -> int:
        return self.place.number


def size(run: Run) -> Size:
    """The log's size in one query; a log's own limit bounds it."""
    told = run.logs.aggregate(
        last=Max("pk"),
        lines=Count("*"),
        warnings=Count("pk", filter=Q(level=Level.WARN)),
        errors=Count("pk", filter=Q(level=Level.ERROR)),
    )
    return Size(Place(told["last"] or 0, told["lines"]), told["warnings"], told["errors"])


def before(run: Run, sought: Sought, place: Place) -> Part:
    """The last lines that are wanted up to and with the one at `place`."""
    lines = run.logs.filter(pk__lte=place.last)
    if sought:
        newest = list(_matching(lines, sought).order_by("-pk")[: CHUNK + 1])
        found = [Line(log, log.number) for log in newest]  # type: ignore[attr-defined]
    else:
        newest = list(lines.order_by("-pk")[: CHUNK + 1])
        found = [Line(log, place.number - n) for n, log in enumerate(newest)]
    fitting = _fitting(found[:CHUNK])
    return Part(fitting[::-1], len(found) > len(fitting))


def after(run: Run, sought: Sought, place: Place) -> tuple[Part, Place]:
    """The next lines that are wanted after `place`, and how far that read."""
    lines = run.logs.filter(pk__gt=place.last)
    told = lines.aggregate(last=Max("pk"), lines=Count("*"))
    if not told["lines"]:
        return Part([]), place
    wanted = _matching(lines.filter(pk__lte=told["last"]), sought).order_by("pk")[:CHUNK]
    found = [Line(log, place.number + log.number) for log in wanted]  # type: ignore[attr-defined]
    fitting = _fitting(found)
    if len(fitting) == CHUNK or len(fitting) < len(found):
        return Part(fitting), Place(fitting[-1].log.pk, fitting[-1].number)
    return Part(fitting), Place(told["last"], place.number + told["lines"])


def _fitting(lines: list[Line]) -> list[Line]:
    """The first lines that make no more than a part, one at least."""
    sizes = accumulate(len(line.log.message) for line in lines)
    count = sum(size <= CHUNK_CHARACTERS for size in sizes)
    return lines[: max(1, count)]


def _matching(lines: "QuerySet[RunLog]", sought: Sought) -> "QuerySet[RunLog]":
    """The wanted ones of the lines, each with its `number` among all of them."""
    numbered = lines.annotate(number=Window(RowNumber(), order_by=F("pk").asc()))
    # Part of a condition on the number, the others are applied after counting and not before.
    return numbered.filter(sought.lines | Q(number__lt=0)) if sought else numbered


def as_text(run: Run) -> Iterator[str]:
    """The whole log, a line of text for each line: time in UTC, level, message, fields."""
    logs: Iterable[RunLog] = run.logs.order_by("pk").iterator(chunk_size=2000)
    for log in logs:
        line = Line(log, 0)
        fields = f"  {line.fields}" if line.fields else ""
        yield f"{_stamp(log.timestamp)} {log.level:5} {hostile.visible(log.message + fields)}\n"


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}Z"
