"""One decision about many jobs or dead letters, carried out in the background."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Self, TypeVar

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site.locks import locked
from chronos_site.schema import PartialIndex, SeedIndex, UlidField, cascade, new_ulid, set_null
from jobs.models import Priority
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.base import BulkAction
from runs.ring import ring

MOST = 100_000
# Up to so many are carried out by the request that asks for them.
AT_ONCE = 200
LEASE = timedelta(seconds=30)

Row = TypeVar("Row", bound=models.Model)


class TooManyTargets(Exception):
    """More than one operation takes; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__(f"More than {MOST:,} match: choose fewer, in several steps.")


class NotAsPreviewed(Exception):
    """The targets are not those that the person has seen; `str()` is the sentence for the person."""

    def __init__(self, total: int, *, others: bool = False) -> None:
        what = f"others match, {total:,} in all" if others else f"{total:,} match"
        super().__init__(f"By now {what}: look at them once more.")


class BulkHasEnded(Exception):
    """There is nothing left to cancel; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__("It has ended already: nothing of it is left to cancel.")


class CannotUndo(Exception):
    """The operation stays as it was done; `str()` is the sentence for the person."""


class BulkOperationQuerySet(models.QuerySet["BulkOperation"]):
    def visible_to(self, user: User) -> Self:
        """Their own, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(by=user)

    def free(self, at: datetime) -> Self:
        """Those that have not ended, that nobody carries out and that need not wait, oldest first."""
        nobody = Q(lease_expires_at=None) | Q(lease_expires_at__lt=at)
        ready = Q(resumes_at=None) | Q(resumes_at__lte=at)
        return self.filter(nobody, ready, ended_at=None).order_by("pk")


class BulkOperation(models.Model):
    """One thing a person does to many jobs or dead letters, carried out in the background.

    `parameters` says with what (a note, the changes), `conditions` how the targets were found.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", "Waiting"
        RUNNING = "RUNNING", "Under way"
        DONE = "DONE", "Done"
        CANCELLED = "CANCELLED", "Cancelled"
        STOPPED = "STOPPED", "Stopped itself"

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    action = models.CharField(max_length=40)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )
    parameters = models.JSONField(default=dict)
    conditions = models.JSONField(default=list)
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    claim_token = models.CharField(max_length=26, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True)
    # For one that goes in steps: when the next may begin, and why it went no further.
    resumes_at = models.DateTimeField(null=True)
    stopped_because = models.CharField(max_length=255, blank=True, default="", db_default="")
    undoes = models.OneToOneField("self", on_delete=set_null, null=True, related_name="undone_by")

    objects = BulkOperationQuerySet.as_manager()

    class Meta:
        db_table = "bulk_operations"
        indexes = [
            SeedIndex(fields=["by", "created_at"], name="idx_bulk_operations_by"),
            PartialIndex(
                fields=["id"],
                condition=Q(ended_at__isnull=True),
                fallback=["ended_at"],
                name="idx_bulk_operations_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.total}"

    @property
    def deed(self) -> BulkAction[Any]:
        """What is done, or taken back."""
        return ACTIONS[self.action]

    @property
    def left(self) -> int:
        """Targets that nothing was done to: they wait, or stay as they are when it was cancelled."""
        return self.total - self.done - self.refused

    @property
    def title(self) -> str:
        """Pause: until 3 Mar 2026 06:00 UTC; or Undo: pause."""
        if self.undoes_id:
            return f"Undo: {self.deed.verb.lower()}"
        told = self.deed.told(self.parameters)
        return f"{self.deed.verb}: {told}" if told else self.deed.verb

    @property
    def summary(self) -> str:
        """3 jobs are paused until 3 Mar 2026 06:00 UTC."""
        as_before = "as it was" if self.done == 1 else "as they were"
        told = as_before if self.undoes_id else f"{self.deed.done} {self.deed.told(self.parameters)}"
        noun, verb = (self.deed.noun, "is") if self.done == 1 else (f"{self.deed.noun}s", "are")
        return f"{self.done:,} {noun} {verb} {told.strip()}."

    def why_not_undone(self) -> str:
        """Why it cannot be taken back; empty when it can."""
        if self.undoes_id:
            return "It took something back itself."
        if not self.deed.undoable:
            return f"What is {self.deed.done} cannot be undone."
        if self.ended_at is None:
            return "It is still under way: cancel the rest first."
        if not self.done:
            return "It changed nothing."
        return "It was undone already." if self.undoing and not self.undoing.may_go_on else ""

    @property
    def undoing(self) -> "BulkOperation | None":
        """What takes it back."""
        return getattr(self, "undone_by", None)

    @property
    def to_take_back(self) -> int:
        """How many targets it can still be taken back for."""
        return self.undoing.left if self.undoing else self.done

    @property
    def may_go_on(self) -> bool:
        """Whether it was cancelled before it had come to all of its targets."""
        return self.state == self.State.CANCELLED and self.left > 0


class BulkItem(models.Model):
    """One target of a bulk operation: what became of it, and what undoing it needs."""

    class State(models.TextChoices):
        PENDING = "PENDING", "Waiting"
        DONE = "DONE", "Done"
        REFUSED = "REFUSED", "Refused"

    operation = models.ForeignKey(BulkOperation, on_delete=cascade, related_name="items", db_index=False)
    target_id = UlidField()
    state = models.CharField(max_length=20, choices=State, default=State.PENDING, db_default="PENDING")
    message = models.CharField(max_length=255, blank=True, default="", db_default="")
    before = models.JSONField(null=True)

    class Meta:
        db_table = "bulk_items"
        constraints = [models.UniqueConstraint(fields=["operation", "target_id"], name="uniq_bulk_items")]
        indexes = [SeedIndex(fields=["operation", "state", "id"], name="idx_bulk_items_state")]

    def __str__(self) -> str:
        return f"{self.target_id} of {self.operation_id}"


def fingerprint(ids: Iterable[str]) -> str:
    """What tells one set of targets from another."""
    return sha256("".join(sorted(ids)).encode()).hexdigest()


@transaction.atomic
def start(
    action: BulkAction[Row],
    targets: "models.QuerySet[Row]",
    *,
    by: User,
    parameters: dict[str, Any],
    expected: int,
    at: datetime,
    conditions: Sequence[tuple[str, str]] = (),
    seen: str = "",
) -> BulkOperation:
    """Write down the targets, `expected` by the person, and have it done to them.

    `seen` is the fingerprint of those that the person was shown, where others may match by now.
    Few targets are the caller's to carry out: the operation has a claim token then.
    Raises TooManyTargets and NotAsPreviewed.
    """
    operation = BulkOperation(
        action=action.code, by=by, parameters=parameters, conditions=list(conditions), total=expected
    )
    operation.save(force_insert=True)
    found = targets.order_by("pk").values_list("pk")
    if (total := _enumerate(operation, ["target_id"], found)) != expected:
        raise NotAsPreviewed(total)
    if seen and fingerprint(operation.items.values_list("target_id", flat=True)) != seen:
        raise NotAsPreviewed(total, others=True)
    told = {"action": action.code, "total": total, "parameters": parameters, "conditions": conditions}
    record(by, "BULK_STARTED", operation, details=told, note=parameters.get("note", ""))
    _hand_on(operation, at)
    return operation


@transaction.atomic
def cancel(operation: BulkOperation, *, by: User, at: datetime) -> None:
    """Leave the rest as it is; what is done stays done. Raises BulkHasEnded."""
    operation = locked(BulkOperation.objects.filter(pk=operation.pk)).get()
    if operation.ended_at:
        raise BulkHasEnded
    operation.cancel_requested_at = operation.cancel_requested_at or at
    if operation.lease_expires_at is None or operation.lease_expires_at < at:
        operation.state, operation.ended_at = BulkOperation.State.CANCELLED, at
    operation.save(update_fields=["cancel_requested_at", "state", "ended_at"])
    record(by, "BULK_CANCELLED", operation, details={"left": operation.left})


@transaction.atomic
def undo(operation: BulkOperation, *, by: User, at: datetime) -> BulkOperation:
    """Take back what was done, but for targets that were changed since; as an operation of its own.

    One that was cancelled halfway goes on. Raises CannotUndo.
    """
    operation = locked(BulkOperation.objects.filter(pk=operation.pk)).get()
    if sentence := operation.why_not_undone():
        raise CannotUndo(sentence)
    undoing = _gone_on(operation.undoing, by) if operation.undoing else _undoing(operation, by)
    record(by, "BULK_UNDONE", undoing, details={"undoes": operation.pk, "total": undoing.left})
    _hand_on(undoing, at)
    return undoing


def _undoing(operation: BulkOperation, by: User) -> BulkOperation:
    undoing = BulkOperation(
        action=operation.action,
        by=by,
        parameters=operation.parameters,
        total=operation.done,
        undoes=operation,
    )
    undoing.save(force_insert=True)
    done = operation.items.filter(state=BulkItem.State.DONE).order_by("pk")
    _enumerate(undoing, ["target_id", "before"], done.values_list("target_id", "before"))
    return undoing


def _gone_on(undoing: BulkOperation, by: User) -> BulkOperation:
    undoing.by, undoing.state = by, BulkOperation.State.PENDING
    undoing.cancel_requested_at = undoing.ended_at = None
    undoing.save(update_fields=["by", "state", "cancel_requested_at", "ended_at"])
    return undoing


def _enumerate(operation: BulkOperation, columns: list[str], found: "models.QuerySet[Any, Any]") -> int:
    """Write down the targets, from one table to the other; gives how many they are."""
    try:
        chosen, params = found[: MOST + 1].query.sql_with_params()
    except EmptyResultSet:
        return 0
    names = ", ".join(connection.ops.quote_name(name) for name in ["operation_id", *columns])
    into = f"{BulkItem._meta.db_table} ({names})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {into} SELECT %s, t.* FROM ({chosen}) t", [operation.pk, *params])  # noqa: S608
        total: int = cursor.rowcount
    if total > MOST:
        raise TooManyTargets
    return total


def _hand_on(operation: BulkOperation, at: datetime) -> None:
    """Give it to the caller when it is small, else to the workers."""
    if operation.total <= AT_ONCE:
        operation.claim_token, operation.lease_expires_at = new_ulid(), at + LEASE
        operation.save(update_fields=["claim_token", "lease_expires_at"])
    else:
        ring_for_it()


def ring_for_it() -> None:
    """Wake a worker once the transaction has been committed."""
    transaction.on_commit(lambda: ring([Priority.HIGH.rank]))
