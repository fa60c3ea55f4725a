"""What is known of each failure signature: when it was seen, how often, and what people decided last.

It outlives the events: they are kept for a time, the experience with them is not to be lost.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.db.models import F

from accounts.models import User
from chronos_site import rows
from chronos_site.locks import locked
from chronos_site.logs import first_line
from chronos_site.schema import SeedIndex, set_null
from runs.models import DeadLetter
from runs.signature import normal

TITLE_LIMIT = 255


class Decision(models.TextChoices):
    RESOLVED = "RESOLVED", "Resolved"
    IGNORED = "IGNORED", "Ignored"
    REPLAYED = "REPLAYED", "Replayed"


class FailureSignature(models.Model):
    """One kind of failure. `events` counts all there ever were, `resolved` and `ignored` those closed so."""

    signature = models.CharField(max_length=64, primary_key=True)
    title = models.CharField(max_length=TITLE_LIMIT)
    error_class = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    events = models.PositiveIntegerField(default=0, db_default=0)
    resolved = models.PositiveIntegerField(default=0, db_default=0)
    ignored = models.PositiveIntegerField(default=0, db_default=0)
    decision = models.CharField(max_length=20, choices=Decision, blank=True, default="", db_default="")
    notes = models.TextField(blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "failure_signatures"
        indexes = [
            SeedIndex(fields=["error_class"], name="idx_failure_signatures_class"),
            SeedIndex(fields=["decided_by"], name="idx_failure_signatures_decided_by"),
        ]

    def __str__(self) -> str:
        return self.title


def title(reason: str) -> tuple[str, str]:
    """An event's error class and the first line of its reason without what changes from run to run."""
    error_class, _, message = reason.partition(": ")
    told = first_line(normal(message))
    # 404 Not Found, of HTTP_404: this number is part of what happened.
    same = re.match(r"\d+", message)
    if same and error_class.endswith(f"_{same[0]}"):
        told = told.replace("<n>", same[0], 1)
    return error_class[:64], told[:TITLE_LIMIT]


_COLUMNS = "signature, title, error_class, first_seen_at, last_seen_at, events, resolved, notes"
_VALUES = "(%s, %s, %s, %s, %s, %s, %s, '')"
# What follows where the signature is known: how often it was seen, and when.
_CONFLICT = (
    "ON CONFLICT (signature) DO UPDATE SET events = failure_signatures.events + excluded.events, "
    "resolved = failure_signatures.resolved + excluded.resolved, "
    "last_seen_at = {most}(failure_signatures.last_seen_at, excluded.last_seen_at), "
    "first_seen_at = {least}(failure_signatures.first_seen_at, excluded.first_seen_at)"
)
_FOUND = {
    "postgresql": _CONFLICT.format(most="GREATEST", least="LEAST"),
    "sqlite": _CONFLICT.format(most="MAX", least="MIN"),
    "mysql": "ON DUPLICATE KEY UPDATE events = events + VALUES(events), "
    "resolved = resolved + VALUES(resolved), "
    "last_seen_at = GREATEST(last_seen_at, VALUES(last_seen_at)), "
    "first_seen_at = LEAST(first_seen_at, VALUES(first_seen_at))",
}


def seen(letters: Iterable[DeadLetter], *, mended: Iterable[DeadLetter] = ()) -> None:
    """Add new events, and those whose replays have succeeded, to what is known of their signatures.

    Call it near the end of a transaction: who ends runs with the same failure waits for its row. Rows are
    taken in the order of their keys, after runs, jobs and events.
    """
    groups: defaultdict[str, list[DeadLetter]] = defaultdict(list)
    new = Counter[str]()
    for letter in letters:
        new[letter.signature or ""] += 1
        groups[letter.signature or ""].append(letter)
    for letter in mended:
        groups[letter.signature or ""].append(letter)
    # Those without a signature were made by nobody's engine.
    groups.pop("", None)
    values = [value for key in sorted(groups) for value in _row(key, groups[key], new[key])]
    if values:
        marks = ", ".join([_VALUES] * len(groups))
        with connection.cursor() as cursor:
            # Names of our own columns; every value is bound.
            cursor.execute(
                f"INSERT INTO failure_signatures ({_COLUMNS}) VALUES {marks} {_FOUND[connection.vendor]}",  # noqa: S608
                values,
            )


def _row(signature: str, letters: Sequence[DeadLetter], new: int) -> list[Any]:
    error_class, told = title(letters[0].failure_reason)
    times = [letter.created_at for letter in letters]
    seen_at = [rows.stored(min(times)), rows.stored(max(times))]
    return [signature, told, error_class, *seen_at, new, len(letters) - new]


def decided(
    letters: Iterable[DeadLetter], decision: Decision, *, by: User | None, at: datetime, notes: str = ""
) -> None:
    """Count what became of these events; what a person says of them is what is told the next time."""
    counts = _counted(letters)
    told: dict[str, Any] = {}
    if notes and by:
        told = {"decision": decision, "notes": notes, "decided_at": at, "decided_by": by}
    column = {Decision.RESOLVED: "resolved", Decision.IGNORED: "ignored"}.get(decision)
    if column or told:
        _add(counts, column, told)


def reopened(letters: Iterable[DeadLetter], column: str) -> None:
    """Take back that these events were closed, `resolved` or `ignored`."""
    _add({signature: -count for signature, count in _counted(letters).items()}, column, {})


def _counted(letters: Iterable[DeadLetter]) -> Counter[str]:
    return Counter(letter.signature for letter in letters if letter.signature)


def _add(counts: Mapping[str, int], column: str | None, told: Mapping[str, Any]) -> None:
    known = FailureSignature.objects.filter(pk__in=list(counts)).order_by("pk")
    for pk in list(locked(known).values_list("pk", flat=True)):
        change = {column: F(column) + counts[pk]} if column else {}
        FailureSignature.objects.filter(pk=pk).update(**change, **told)
