"""Carry out bulk operations: in small transactions, each item once, whoever dies in between."""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import OperationalError, transaction
from django.db.models import F

from accounts.models import User
from chronos_site import rows
from chronos_site.clock import database_now
from chronos_site.locks import locked
from chronos_site.schema import new_ulid
from jobs.actions import Stale, TypeIsFixed
from jobs.moves import IllegalMove
from runs.bulk import LEASE, BulkItem, BulkOperation, ring_for_it
from runs.bulk_actions.base import Pace, Refused
from runs.bulk_actions.steering import sentence
from runs.fire import OF_THE_DATABASE
from runs.triage import CannotSee, NotWaiting

logger = logging.getLogger(__name__)

# Of one transaction: others wait for what it holds.
FIRST_BATCH, BATCH, BATCH_TOGETHER = 10, 50, 100
BATCH_SECONDS = 0.2
# Transactions that collide with others are tried again.
TRIES = 10
PAUSE_SECONDS = 0.1
MESSAGE_LIMIT = 255

State = BulkItem.State
# What tells a person why, in its own words.
REFUSALS = (Refused, PermissionDenied, TypeIsFixed, NotWaiting, CannotSee)
GoOn = Callable[[], bool]


class NoLongerOurs(Exception):
    """Somebody else has taken the operation up since."""


def take(at: datetime) -> BulkOperation | None:
    """The oldest operation that nobody carries out, if there is one; it is ours until the lease ends."""
    free = BulkOperation.objects.free(at)
    if not free.exists():
        return None
    with transaction.atomic():
        operation = locked(free, skip=True).first()
        if operation:
            operation.state, operation.claim_token = BulkOperation.State.RUNNING, new_ulid()
            operation.lease_expires_at = at + LEASE
            operation.save(update_fields=["state", "claim_token", "lease_expires_at"])
    return operation


def carry_out(operation: BulkOperation, *, go_on: GoOn) -> None:
    """Do what is left of an operation that we have claimed; when we may not go on, others may."""
    size = FIRST_BATCH
    try:
        while go_on():
            if not (settled := _tried(operation, size)):
                return
            # As many as the time is enough for: what is read and not settled is read once more.
            most = BATCH_TOGETHER if operation.deed.together else BATCH
            size = min(most, settled * 2) if settled >= size else settled
        _leave(operation)
    except NoLongerOurs:
        logger.warning("bulk operation %s was taken up by another process", operation.pk)
    except OF_THE_DATABASE:
        # Its lease runs out, and somebody else goes on where we are.
        logger.exception("bulk operation %s cannot go on here", operation.pk)


def _tried(operation: BulkOperation, size: int) -> int:
    """One batch, again while it collides with others; gives how many were settled, 0 when nothing is left."""
    for _ in range(TRIES):
        try:
            return _batch(operation, size)
        except OperationalError as error:
            logger.warning("bulk operation %s collided: %s", operation.pk, error)
            # Alone, an item holds no more than its own page's button would.
            size = 1
            time.sleep(PAUSE_SECONDS)
    return _batch(operation, size)


@transaction.atomic
def _batch(operation: BulkOperation, size: int) -> int:
    """Do some of what is left and write down what became of each; gives how many, 0 when nothing is left."""
    at = database_now()
    ours = BulkOperation.objects.filter(pk=operation.pk, claim_token=operation.claim_token, ended_at=None)
    if not ours.update(lease_expires_at=at + LEASE, state=BulkOperation.State.RUNNING):
        raise NoLongerOurs
    operation.refresh_from_db()
    if operation.cancel_requested_at:
        _end(operation, BulkOperation.State.CANCELLED, at)
        return 0
    waiting = list(operation.items.filter(state=State.PENDING).order_by("pk")[:size])
    if not waiting:
        _end(operation, BulkOperation.State.DONE, at)
        return 0
    pace = operation.deed.pace(operation, at)
    if pace.stop or pace.again:
        _halt(operation, pace, at)
        return 0
    settled = _settle(operation, waiting[: pace.most], at)
    _write(operation, settled)
    return len(settled)


def _end(operation: BulkOperation, state: BulkOperation.State, at: datetime) -> None:
    operation.state, operation.ended_at = state, at
    operation.claim_token, operation.lease_expires_at = "", None
    operation.save(update_fields=["state", "ended_at", "claim_token", "lease_expires_at"])


def _halt(operation: BulkOperation, pace: Pace, at: datetime) -> None:
    """End it where it is, or let whoever comes after the pause go on."""
    if pace.stop:
        operation.stopped_because = pace.stop[:MESSAGE_LIMIT]
        operation.save(update_fields=["stopped_because"])
        _end(operation, BulkOperation.State.STOPPED, at)
        return
    operation.claim_token, operation.lease_expires_at, operation.resumes_at = "", None, pace.again
    operation.save(update_fields=["claim_token", "lease_expires_at", "resumes_at"])


def _settle(operation: BulkOperation, waiting: list[BulkItem], at: datetime) -> list[BulkItem]:
    """The items that were done or refused before the batch had taken its time."""
    by = operation.by if operation.by and operation.by.is_active else None
    targets = operation.deed.targets(by).in_bulk([item.target_id for item in waiting]) if by else {}
    until = time.monotonic() + BATCH_SECONDS
    settled = _settle_together(operation, waiting, targets, by, at) if by else []
    done = set(settled)
    for item in (item for item in waiting if item not in done):
        _settle_one(operation, item, targets.get(item.target_id), by, at)
        settled.append(item)
        if time.monotonic() > until:
            break
    return settled


def _settle_together(
    operation: BulkOperation, waiting: list[BulkItem], targets: dict[str, Any], by: User, at: datetime
) -> list[BulkItem]:
    """The items that were done in one go; none where that cannot be, or where one of them spoils it."""
    found = {item: targets[item.target_id] for item in waiting if item.target_id in targets}
    deed = operation.deed
    together = deed.undoes_together if operation.undoes_id else deed.together
    if not together or len(found) < 2:
        return []
    try:
        with transaction.atomic():
            done = _do_together(operation, found, by, at)
    except OF_THE_DATABASE:
        raise
    except Exception:  # one by one, each tells what is wrong with it
        return []
    settled = [item for item in found if item.target_id in done]
    for item in settled:
        item.state, item.before = State.DONE, done[item.target_id] or item.before
    return settled


def _do_together(
    operation: BulkOperation, found: dict[BulkItem, Any], by: User, at: datetime
) -> Mapping[str, Any]:
    deed, parameters = operation.deed, operation.parameters
    if not operation.undoes_id:
        return deed.apply_all(list(found.values()), parameters, by=by, at=at)
    before = {target: item.before or {} for item, target in found.items()}
    return dict.fromkeys(deed.undo_all(before, parameters, by=by, at=at))


def _settle_one(operation: BulkOperation, item: BulkItem, target: Any, by: User | None, at: datetime) -> None:
    try:
        with transaction.atomic():
            _do(operation, item, target, by, at)
        item.state = State.DONE
    except OF_THE_DATABASE:
        raise
    except Exception as error:  # whatever one target meets, the others are to be done
        item.state, item.message = State.REFUSED, _told(error)[:MESSAGE_LIMIT]
        if not item.message:
            logger.exception("bulk operation %s: %s failed", operation.pk, item.target_id)
            item.message = "Something went wrong; the log of the process that did it tells what."


def _do(operation: BulkOperation, item: BulkItem, target: Any, by: User | None, at: datetime) -> None:
    if by is None:
        raise Refused("Whoever asked for it may no longer act here.")
    if target is None:
        raise Refused(f"It is gone, or {by.email} may no longer see it.")
    if operation.undoes_id:
        operation.deed.undo(target, item.before or {}, operation.parameters, by=by, at=at)
    else:
        item.before = operation.deed.apply(target, operation.parameters, by=by, at=at)


def _told(error: Exception) -> str:
    """The sentence for the person; empty for what is no refusal."""
    if isinstance(error, IllegalMove):
        return sentence(error)
    if isinstance(error, Stale):
        return "Somebody saved it in the same moment."
    if isinstance(error, ObjectDoesNotExist):
        return "It was deleted in the same moment."
    return str(error) if isinstance(error, REFUSALS) else ""


def _write(operation: BulkOperation, settled: list[BulkItem]) -> None:
    told = [
        (item.state, item.message, json.dumps(item.before) if item.before is not None else None, item.pk)
        for item in settled
    ]
    rows.update(BulkItem, ["state", "message", "before"], told)
    counted = Counter(item.state for item in settled)
    BulkOperation.objects.filter(pk=operation.pk).update(
        done=F("done") + counted[State.DONE], refused=F("refused") + counted[State.REFUSED]
    )


def _leave(operation: BulkOperation) -> None:
    """Let somebody else go on."""
    ours = BulkOperation.objects.filter(pk=operation.pk, claim_token=operation.claim_token, ended_at=None)
    if ours.update(claim_token="", lease_expires_at=None):
        ring_for_it()
