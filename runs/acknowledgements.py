"""Who has taken note of a failure, so that nobody else is bothered with it until it recovers, or a time."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site.locks import locked
from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid, set_null
from chronos_site.statements import compiled
from jobs.models import Job
from runs.models import DeadLetter

# What one slice of housekeeping ends at most.
MOST_ENDED = 500


class NotAcknowledged(Exception):
    """There is nothing to take back; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__("Nobody has acknowledged it, or that is over by now.")


class AcknowledgementQuerySet(models.QuerySet["Acknowledgement"]):
    def open(self) -> Self:
        """Those that nothing has ended yet."""
        return self.filter(open_for__isnull=False)

    def in_force(self, at: datetime) -> Self:
        """Those that hold at the instant: housekeeping may come to end one a little after its time."""
        return self.open().filter(Q(until=None) | Q(until__gt=at))

    def acknowledged(self, job_ids: Iterable[str], signatures: Iterable[str], at: datetime) -> Self:
        """Those that hold at the instant for one of these jobs or signatures: whoever alerts keeps silent.

        An acknowledgement has a `job_id` or a `signature`, never both.
        """
        subjects = [of_job(job_id) for job_id in job_ids] + [of_signature(each) for each in signatures]
        return self.in_force(at).filter(open_for__in=subjects)


class Acknowledgement(models.Model):
    """A person's word that they know of a job's failures, or of all failures of one signature.

    `open_for` names the subject while it is open and is NULL afterwards: the database lets a subject have one
    that is open. `until` is NULL for until it recovers.
    """

    class End(models.TextChoices):
        TIME = "TIME", "Its time came"
        RECOVERED = "RECOVERED", "It recovered"
        REPLACED = "REPLACED", "Somebody acknowledged it anew"
        TAKEN_BACK = "TAKEN_BACK", "Somebody took it back"

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    job = models.ForeignKey(
        Job, on_delete=cascade, null=True, related_name="acknowledgements", db_index=False
    )
    signature = models.CharField(max_length=64, blank=True, default="", db_default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=255, blank=True, default="", db_default="")
    until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=20, choices=End, blank=True, default="", db_default="")
    open_for = models.CharField(max_length=80, null=True, unique=True, editable=False)  # noqa: DJ001

    objects = AcknowledgementQuerySet.as_manager()

    class Meta:
        db_table = "acknowledgements"
        indexes = [
            SeedIndex(fields=["job"], name="idx_acknowledgements_job"),
            SeedIndex(fields=["by"], name="idx_acknowledgements_by"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(job__isnull=False, signature="") | (Q(job=None) & ~Q(signature="")),
                name="chk_acknowledgements_subject",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, open_for__isnull=False) | Q(ended_at__isnull=False, open_for=None),
                name="chk_acknowledgements_open",
            ),
        ]

    def __str__(self) -> str:
        return f"Acknowledgement {self.pk}"


def of_job(job_id: str) -> str:
    """What `open_for` says of a job."""
    return f"job {job_id}"


def of_signature(signature: str) -> str:
    """What `open_for` says of a signature."""
    return f"signature {signature}"


def held_for(job: Job, at: datetime) -> Acknowledgement | None:
    """What holds for this job at the instant, with the person."""
    return _held.first(of_job(job.pk), at)


@compiled
def _held(subject: str, at: datetime) -> models.QuerySet[Acknowledgement]:
    # No more than one is open for a subject.
    return Acknowledgement.objects.in_force(at).filter(open_for=subject).select_related("by")


@transaction.atomic
def acknowledge_job(
    job: Job, *, by: User, at: datetime, note: str = "", until: datetime | None = None
) -> Acknowledgement:
    """Take note of the job's failures; what was acknowledged of it before ends."""
    made = Acknowledgement(job=job, by=by, note=note, until=until, created_at=at, open_for=of_job(job.pk))
    _replace(made, at)
    record(by, "JOB_ACKNOWLEDGED", job, details=_told(made), note=note)
    return made


@transaction.atomic
def acknowledge_signature(
    signature: str, *, by: User, at: datetime, note: str = "", until: datetime | None = None
) -> Acknowledgement:
    """Take note of all failures of one signature, in whosever jobs; what was acknowledged before ends."""
    made = Acknowledgement(
        signature=signature, by=by, note=note, until=until, created_at=at, open_for=of_signature(signature)
    )
    _replace(made, at)
    record(by, "SIGNATURE_ACKNOWLEDGED", made, details={"signature": signature, **_told(made)}, note=note)
    return made


def _told(made: Acknowledgement) -> dict[str, str]:
    return {"until": made.until.isoformat()} if made.until else {}


def _replace(made: Acknowledgement, at: datetime) -> None:
    try:
        with transaction.atomic():
            _put(made, at)
    except IntegrityError:
        # Somebody has done the same in this moment, and theirs is there by now: the last word counts.
        _put(made, at)


def _put(made: Acknowledgement, at: datetime) -> None:
    _end(Acknowledgement.objects.filter(open_for=made.open_for), Acknowledgement.End.REPLACED, at)
    made.save(force_insert=True)


@transaction.atomic
def take_back(acknowledgement: Acknowledgement, *, by: User, at: datetime) -> None:
    """Let it be told again. Raises NotAcknowledged."""
    one = Acknowledgement.objects.filter(pk=acknowledgement.pk)
    if not _end(one, Acknowledgement.End.TAKEN_BACK, at):
        raise NotAcknowledged
    record(by, "ACKNOWLEDGEMENT_TAKEN_BACK", acknowledgement.job or acknowledgement)


def recovered(job_ids: Collection[str], at: datetime) -> None:
    """End what was acknowledged of jobs that have just succeeded. Hold the jobs."""
    open_ones = Acknowledgement.objects.filter(open_for__in=[of_job(job_id) for job_id in job_ids])
    # Nearly always there are none, and an UPDATE that finds nothing costs more than a look.
    if found := list(open_ones.values_list("pk", flat=True)):
        _end(Acknowledgement.objects.filter(pk__in=found), Acknowledgement.End.RECOVERED, at)


def end_due(at: datetime) -> int:
    """End those whose time has come, and those of signatures of which nothing waits any more."""
    over = Acknowledgement.objects.open().filter(until__lte=at)
    waiting = DeadLetter.objects.pending().filter(signature=OuterRef("signature"))
    calm = Acknowledgement.objects.open().filter(~Exists(waiting), job=None)
    return _some(over, Acknowledgement.End.TIME, at) + _some(calm, Acknowledgement.End.RECOVERED, at)


def _some(which: AcknowledgementQuerySet, why: Acknowledgement.End, at: datetime) -> int:
    found = list(which.order_by("pk").values_list("pk", flat=True)[:MOST_ENDED])
    return _end(Acknowledgement.objects.filter(pk__in=found), why, at) if found else 0


@transaction.atomic
def _end(which: AcknowledgementQuerySet, why: Acknowledgement.End, at: datetime) -> int:
    """End those of them that are open, in the order of their keys; gives how many."""
    held = list(locked(which.order_by("pk")).values_list("pk", flat=True))
    ended = Acknowledgement.objects.open().filter(pk__in=held)
    return ended.update(ended_at=at, ended_by=why, open_for=None) if held else 0
