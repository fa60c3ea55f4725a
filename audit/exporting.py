"""The trail as a file that can be verified by itself, and the purge of what such a file holds.

Lines of JSON: a heading, then each block followed by its events. Blocks are exported whole, from the oldest
that is left up to the last before the first event of the given time.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.db.models import Min

from audit import chain, gate
from audit.models import AuditEvent, Person, Seal, SealedEvent, record
from audit.verifying import PURGED, Problem, contents, purged_through
from chronos_site.schema import first_id

FORMAT = "chronos-audit-1"


class Broken(Exception):
    """The export or what it was made of is not as it was sealed; `str()` says what is wrong."""


class NothingToExport(Exception):
    """No whole block is older than the time."""


@dataclass(frozen=True)
class Exported:
    """What a file holds: the numbers of its first and last block, its events, the hash of its last block."""

    first: int
    last: int
    events: int
    anchor: str


def export(before: datetime, path: Path) -> Exported:
    """Write all blocks whose events are older than `before` to a new file, and read it back.

    Raises NothingToExport, FileExistsError, and Broken when the trail or the file is not as it was sealed.
    """
    seals = _older(before)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        _line(file, {"format": FORMAT, "previous": seals[0].previous, "anchor": seals[-1].hash})
        for seal in seals:
            _write(file, seal)
        file.flush()
        os.fsync(file.fileno())
    told = read_back(path)
    if (told.first, told.last, told.anchor) != (seals[0].number, seals[-1].number, seals[-1].hash):
        raise Broken("The file does not hold what was to be exported.")
    return told


def purge(exported: Exported, *, by: Person | None, file: str) -> int:
    """Delete the events that an export holds; their blocks stay, and so does the chain. How many went.

    The trail says so first: a purge that is interrupted is finished by the next one.
    """
    details = {
        "block": exported.last,
        "anchor": exported.anchor,
        "events": exported.events,
        "file": Path(file).name,
    }
    record(by, PURGED, Seal(pk=exported.last), details=details)
    return sum(_purge(number) for number in range(1, exported.last + 1))


def _older(before: datetime) -> list[Seal]:
    newer = SealedEvent.objects.filter(event_id__gte=first_id(before)).aggregate(first=Min("seal"))["first"]
    seals = Seal.objects.filter(number__gt=purged_through()).order_by("number")
    found = list(seals if newer is None else seals.filter(number__lt=newer))
    if not found:
        raise NothingToExport
    return found


def _write(file: IO[str], seal: Seal) -> None:
    for problem in contents([seal]):
        raise Broken(str(problem))
    told = {"block": seal.number, "previous": seal.previous, "events": seal.events}
    _line(file, {**told, "content": seal.content, "hash": seal.hash})
    covered = SealedEvent.objects.filter(seal=seal.number).values("event_id")
    for event in AuditEvent.objects.filter(pk__in=covered).order_by("pk").values(*chain.COLUMNS):
        _line(file, chain.plain(event))


def _line(file: IO[str], told: dict[str, Any]) -> None:
    file.write(json.dumps(told, separators=(",", ":")) + "\n")


def _purge(number: int) -> int:
    with gate.opened():
        covered = SealedEvent.objects.filter(seal=number)
        ids = list(covered.values_list("event_id", flat=True))
        if ids:
            AuditEvent.objects.filter(pk__in=ids).delete()
            covered.delete()
    return len(ids)


def read_back(path: Path) -> Exported:
    """What a file holds, once every hash in it was worked out again.

    Raises Broken.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return _read(json.loads(line) for line in file)
    except (ValueError, KeyError, TypeError) as error:
        raise Broken(f"{path.name} is no export of the audit trail, or was cut off.") from error


def _read(lines: Iterator[dict[str, Any]]) -> Exported:
    heading = next(lines, {})
    if heading["format"] != FORMAT:
        raise ValueError(heading["format"])
    numbers: list[int] = []
    previous, events = heading["previous"], 0
    for block in lines:
        inside = [next(lines) for _ in range(block["events"])]
        _check(block, inside, previous, numbers)
        previous = block["hash"]
        numbers.append(block["block"])
        events += len(inside)
    if previous != heading["anchor"]:
        raise Broken("The file ends before its anchor.")
    return Exported(numbers[0], numbers[-1], events, previous)


def _check(block: dict[str, Any], inside: list[dict[str, Any]], previous: str, numbers: list[int]) -> None:
    number, content = block["block"], chain.content(map(chain.event_hash, inside))
    if (numbers and number != numbers[-1] + 1) or block["previous"] != previous:
        raise Broken(str(Problem("does not follow from the block before", number)))
    worked_out = chain.block_hash(number, previous, len(inside), content)
    if (content, worked_out) != (block["content"], block["hash"]):
        raise Broken(str(Problem("was changed", number)))
