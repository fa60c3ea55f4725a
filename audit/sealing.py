"""Add what was recorded to the chain, block by block, so that no writer waits for another.

A block lists what it covers: a row whose transaction ended after its neighbours were sealed gets into a later
block.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from ulid import ULID

from audit import chain
from audit.models import AuditEvent, Seal, SealedEvent
from chronos_site import rows
from chronos_site.clock import database_now
from chronos_site.schema import first_id

BLOCK = 1000
# Most transactions have ended by then, and the rows of one stand side by side.
SETTLED = timedelta(seconds=5)
# A row that comes later than this after others of its time is in no block, and verification tells.
LATEST = timedelta(hours=1)


def seal(now: datetime) -> int:
    """Add one block of at most `BLOCK` events; how many it covers, 0 when there was nothing to cover.

    Two that seal at once make one block: the other finds its number taken.
    """
    settled = unsealed().filter(pk__lt=first_id(now - SETTLED))
    found = list(settled.order_by("pk").values(*chain.COLUMNS)[:BLOCK])
    if not found:
        return 0
    hashes = {event["id"]: chain.event_hash(event) for event in found}
    try:
        with transaction.atomic():
            _add(hashes)
    except IntegrityError:
        return 0
    return len(found)


def seal_all() -> Iterator[int]:
    """Add block after block until all is sealed that is old enough; each tells how many events it covers."""
    while count := seal(database_now()):
        yield count


def unsealed() -> "QuerySet[AuditEvent]":
    """The events that a block is still to cover."""
    covered = SealedEvent.objects.filter(event_id=OuterRef("pk"))
    return AuditEvent.objects.filter(~Exists(covered), pk__gte=_floor())


def too_late() -> "QuerySet[AuditEvent]":
    """The events that no block covers or will cover: they came long after others of their time."""
    covered = SealedEvent.objects.filter(event_id=OuterRef("pk"))
    return AuditEvent.objects.filter(~Exists(covered), pk__lt=_floor())


def _floor() -> str:
    """The id below which nothing is sealed any more."""
    newest = SealedEvent.objects.aggregate(newest=Max("event_id"))["newest"]
    try:
        return first_id(ULID.from_str(newest).datetime - LATEST) if newest else ""
    except ValueError:
        return ""


def _add(hashes: dict[str, str]) -> None:
    last = Seal.objects.order_by("-number").first()
    number, previous = (last.number + 1, last.hash) if last else (1, chain.GENESIS)
    content = chain.content(hashes.values())
    Seal.objects.create(
        number=number,
        previous=previous,
        events=len(hashes),
        content=content,
        hash=chain.block_hash(number, previous, len(hashes), content),
    )
    covered = [(event_id, number, told) for event_id, told in hashes.items()]
    rows.insert(SealedEvent, ["event_id", "seal", "hash"], covered)
