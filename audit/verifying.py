"""Find what was done to the trail behind the product's back: edits, removals, insertions, another order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef

from audit import chain
from audit.models import AuditEvent, Seal, SealedEvent, Verification
from audit.sealing import too_late

# Events that are read at a time, about.
PIECE = 2000
PURGED = "AUDIT_PURGED"
MOST_TOLD = 100


@dataclass(frozen=True)
class Problem:
    """What is wrong with a block, or with one event of it; `block` is None for an event in no block."""

    said: str
    block: int | None = None
    event: str = ""

    def __str__(self) -> str:
        where = [f"Block {self.block}"] if self.block else []
        where += [f"event {self.event}"] if self.event else []
        words = ", ".join(where)
        return f"{words[:1].upper()}{words[1:]}: {self.said}" if words else self.said


@dataclass
class Look:
    """A walk along the chain: what it has come to, and what is wrong so far."""

    anchor: str = ""
    block: int = 0
    events: int = 0
    head: str = chain.GENESIS
    problems: list[Problem] = field(default_factory=list)

    def whole(self) -> Iterator[int]:
        """Walk along all of the chain, piece by piece; each tells the block that was come to."""
        yield from self._walk(_seals(), purged_through())
        self._tell(self._cut_off())
        self._tell(Problem("is in no block, and came too late for one", event=pk) for pk in _late())
        if self.anchor:
            self._tell(self._anchored())

    def end(self, blocks: int) -> None:
        """Walk along the last blocks only."""
        seals = list(Seal.objects.order_by("-number")[: blocks + 1])[::-1]
        if len(seals) > blocks:
            self.block, self.head = seals[0].number, seals[0].hash
            seals = seals[1:]
        for _ in self._walk(seals, purged_through()):
            pass
        self._tell(self._cut_off())

    def _walk(self, seals: Iterable[Seal], purged: int) -> Iterator[int]:
        piece: list[Seal] = []
        for seal in seals:
            self._tell(self._link(seal))
            self.block, self.head = seal.number, seal.hash
            if seal.number > purged:
                piece.append(seal)
                self.events += seal.events
            if sum(each.events for each in piece) >= PIECE:
                self._tell(contents(piece))
                piece = []
                yield self.block
        if piece:
            self._tell(contents(piece))
        yield self.block

    def _link(self, seal: Seal) -> Iterator[Problem]:
        if seal.number != self.block + 1:
            yield Problem(f"is missing; block {seal.number} follows block {self.block}", self.block + 1)
        elif seal.previous != self.head:
            yield Problem("does not follow from the block before", seal.number)
        if seal.hash != chain.block_hash(seal.number, seal.previous, seal.events, seal.content):
            yield Problem("was changed", seal.number)

    def _cut_off(self) -> Iterator[Problem]:
        # A block that was sealed since we read the last one is none that is missing.
        since = Seal.objects.filter(number=OuterRef("seal"))
        beyond = SealedEvent.objects.filter(~Exists(since), seal__gt=self.block).order_by("seal")
        if (number := beyond.values_list("seal", flat=True).first()) is not None:
            yield Problem("is missing, and events say they are in it", number)

    def _anchored(self) -> Iterator[Problem]:
        if not Seal.objects.filter(hash=self.anchor).exists():
            yield Problem("No block has the hash of the anchor: the chain was cut off or written anew.")

    def _tell(self, problems: Iterable[Problem]) -> None:
        self.problems += list(problems)[: MOST_TOLD - len(self.problems)]


def _seals() -> Iterator[Seal]:
    """All blocks in their order, a piece at a time: a quiet installation seals a few events in each."""
    last = -1
    while piece := list(Seal.objects.filter(number__gt=last).order_by("number")[:PIECE]):
        yield from piece
        last = piece[-1].number


def contents(seals: list[Seal]) -> Iterator[Problem]:
    """What is wrong with the events of these blocks, which stand side by side."""
    first, last = seals[0].number, seals[-1].number
    entries: dict[int, list[tuple[str, str]]] = {seal.number: [] for seal in seals}
    covered = SealedEvent.objects.filter(seal__gte=first, seal__lte=last).order_by("seal", "event_id")
    for number, *entry in covered.values_list("seal", "event_id", "hash"):
        entries.setdefault(number, []).append((entry[0], entry[1]))
    ids = [event_id for each in entries.values() for event_id, _ in each]
    found = {event["id"]: event for event in _events(ids)}
    for seal in seals:
        inside = entries[seal.number]
        for event_id, told in inside:
            event = found.get(event_id)
            if event is None:
                yield Problem("was removed", seal.number, event_id)
            elif chain.event_hash(event) != told:
                yield Problem("was changed", seal.number, event_id)
        yield from _listing(seal, inside)


def _listing(seal: Seal, inside: list[tuple[str, str]]) -> Iterator[Problem]:
    if len(inside) != seal.events:
        yield Problem(f"covers {seal.events:,} events, and {len(inside):,} say they are in it", seal.number)
    elif chain.content(told for _, told in inside) != seal.content:
        yield Problem("does not cover the events that say they are in it", seal.number)


def _events(ids: list[str]) -> Iterator[dict[str, object]]:
    for start in range(0, len(ids), PIECE):
        yield from AuditEvent.objects.filter(pk__in=ids[start : start + PIECE]).values(*chain.COLUMNS)


def _late() -> list[str]:
    return list(too_late().order_by("pk").values_list("pk", flat=True)[:MOST_TOLD])


def purged_through() -> int:
    """The last block whose events went by a purge, as the trail itself tells; 0 without one."""
    told = AuditEvent.objects.filter(action=PURGED).order_by("-pk").values_list("details", flat=True).first()
    block = told.get("block") if isinstance(told, dict) else None
    return block if isinstance(block, int) else 0


def keep_result(look: Look, at: datetime) -> None:
    """Remember how a look at the whole chain ended, for the page that tells it."""
    problem = str(look.problems[0]) if look.problems else ""
    Verification.objects.update_or_create(
        pk=1, defaults={"ended_at": at, "seal": look.block, "events": look.events, "problem": problem}
    )
