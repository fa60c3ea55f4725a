"""Jobs run, paused, resumed, cancelled and deleted by the many: each as its own page does it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django import forms
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import actions as jobs
from jobs import definition, moves
from jobs.executors import placeholders
from jobs.models import Job, JobQuerySet, JobSchedule, Status
from jobs.moves import Event, IllegalMove
from jobs.pausing import PauseForm
from runs import actions as runs
from runs.bulk_actions.base import Before, BulkAction, Parameters, Refused, Rule


class OfJobs(BulkAction[Job]):
    """What is done to jobs that the person may see."""

    noun = "job"
    page = "job_detail"

    def targets(self, user: User) -> JobQuerySet:
        return Job.objects.visible_to(user).select_related("schedule", "owner")


class OfDefinitions(OfJobs):
    """What is done to jobs for which their whole definition is read."""

    def targets(self, user: User) -> JobQuerySet:
        return super().targets(user).select_related("payload")


class Move(OfJobs):
    """What a job's status must allow."""

    event: Event
    together = undoes_together = True

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        legal = moves.MOVES[self.event]
        return [
            Rule(cannot(status, self.event), Q(status=status)) for status in Status if status not in legal
        ]


class RunNow(OfDefinitions):
    code, verb, done, icon = "RUN_NOW", "Run now", "started by hand", "play"
    effects = (
        "Each job runs once, now, beside its schedule; it starts when a worker has a slot for it.",
        "A job that already waits for a run by hand gets no second one.",
        "Jobs that ask for a parameter without a default are left out: start those from their own pages.",
    )

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        return []

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> None:
        if lacking := placeholders.without_default(definition.of(target)["payload"]):
            raise Refused(f"It asks for a parameter: {lacking[0]}."[:255])
        runs.run_now(target, by=by, at=at)


class Pause(Move):
    code, verb, done, icon = "PAUSE", "Pause", "paused", "pause"
    event = Event.PAUSE
    form = PauseForm
    undoable = True
    effects = (
        "They stop firing until they are resumed, or until the time you give.",
        "Runs in progress go on, and nothing is cancelled.",
        "Fires missed meanwhile follow each job's rule for missed fires.",
    )

    def told(self, parameters: Parameters) -> str:
        until = _instant(parameters.get("until"))
        return f"until {until:%-d %b %Y %H:%M} UTC" if until else ""

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> Before:
        until = _still_ahead(parameters, at)
        jobs.pause(target, by=by, at=at, note=parameters.get("note", ""), until=until)
        return _before(until, at)

    def apply_all(
        self, targets: Sequence[Job], parameters: Parameters, *, by: User, at: datetime
    ) -> Mapping[str, Before]:
        until, note = _still_ahead(parameters, at), parameters.get("note", "")
        paused = jobs.pause_all([job.pk for job in targets], by=by, at=at, note=note, until=until)
        return dict.fromkeys(paused, _before(until, at))

    def undo(self, target: Job, before: Before, parameters: Parameters, *, by: User, at: datetime) -> None:
        plan = _held(target)
        if target.status == Status.PAUSED and _is_another(plan, before):
            raise Refused("Its pause was changed since.")
        jobs.resume(target, by=by, at=at)

    def undo_all(
        self, targets: Mapping[Job, Before], parameters: Parameters, *, by: User, at: datetime
    ) -> set[str]:
        plans = jobs.hold_plans(job.pk for job in targets)
        told = {job.pk: before for job, before in targets.items()}
        same = [pk for pk, plan in plans.items() if not _is_another(plan, told[pk])]
        return jobs.resume_all(same, by=by, at=at)


class Resume(Move):
    code, verb, done, icon = "RESUME", "Resume", "resumed", "play"
    event = Event.RESUME
    undoable = True
    effects = (
        "They fire again, on their own schedules.",
        "Fires missed meanwhile follow each job's rule for missed fires: some may run at once.",
    )

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> Before:
        until = target.schedule.paused_until
        jobs.resume(target, by=by, at=at)
        return _before(until, at)

    def apply_all(
        self, targets: Sequence[Job], parameters: Parameters, *, by: User, at: datetime
    ) -> Mapping[str, Before]:
        until = {job.pk: job.schedule.paused_until for job in targets}
        return {pk: _before(until[pk], at) for pk in jobs.resume_all(until, by=by, at=at)}

    def undo(self, target: Job, before: Before, parameters: Parameters, *, by: User, at: datetime) -> None:
        until = _instant(before["until"])
        if until and until <= at:
            raise Refused("The time until which it was paused has passed.")
        if _was_resumed_since(_held(target), before):
            raise Refused("It was resumed once more since.")
        jobs.pause(target, by=by, at=at, until=until)

    def undo_all(
        self, targets: Mapping[Job, Before], parameters: Parameters, *, by: User, at: datetime
    ) -> set[str]:
        # Those whose pauses had no end; each of the others has its own.
        endless = {job.pk: before for job, before in targets.items() if before["until"] is None}
        plans = jobs.hold_plans(endless)
        same = [pk for pk, plan in plans.items() if not _was_resumed_since(plan, endless[pk])]
        return jobs.pause_all(same, by=by, at=at)


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(
        label=_("Note"), required=False, max_length=255, help_text=_("Why; the audit trail keeps it.")
    )


class Cancel(Move):
    code, verb, done, icon = "CANCEL", "Cancel", "cancelled", "stop"
    event = Event.CANCEL
    form = NoteForm
    dangerous = True
    effects = (
        "They stop firing for good. What waits to run ends as cancelled, what runs is asked to stop.",
        "Their history stays. To make one fire again, give it a schedule on its own page.",
    )

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> None:
        runs.cancel_job(target, by=by, at=at, note=parameters.get("note", ""))

    def apply_all(
        self, targets: Sequence[Job], parameters: Parameters, *, by: User, at: datetime
    ) -> Mapping[str, None]:
        note = parameters.get("note", "")
        return dict.fromkeys(runs.cancel_jobs([job.pk for job in targets], by=by, at=at, note=note))


class Delete(OfJobs):
    code, verb, done, icon = "DELETE", "Delete", "deleted", "trash"
    dangerous = True
    effects = (
        "Their schedules stop, and their runs, logs and dead letters go too.",
        "What a run in progress has started elsewhere goes on; its outcome is not recorded.",
        "The audit trail keeps that each job existed and who deleted it.",
    )

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        return []

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> None:
        jobs.delete(target, by=by)


_MADE_BY = {Event.PAUSE: Status.PAUSED, Event.CANCEL: Status.CANCELLED}


def cannot(status: str, event: Event) -> str:
    """Why a job in this status is refused; the same for all of them, so that they can be counted."""
    word = Status(status).label
    if _MADE_BY.get(event) == status:
        return f"It is {word.lower()} already."
    return f"{word}: it cannot {event}."


def sentence(error: IllegalMove) -> str:
    return cannot(error.job.status, error.event)


def _still_ahead(parameters: Parameters, at: datetime) -> datetime | None:
    until = _instant(parameters.get("until"))
    if until and until <= at:
        raise Refused("The time until which it was to be paused has passed.")
    return until


def _before(until: datetime | None, at: datetime) -> Before:
    return {"until": until.isoformat() if until else None, "at": at.isoformat()}


def _held(target: Job) -> JobSchedule:
    """The job's plan, held; raises JobSchedule.DoesNotExist where the job was deleted meanwhile."""
    for plan in jobs.hold_plans([target.pk]).values():
        return plan
    raise JobSchedule.DoesNotExist


def _is_another(plan: JobSchedule, before: Before) -> bool:
    """Whether the job's pause is not the one that was made then."""
    return plan.paused_until != _instant(before["until"]) or _was_resumed_since(plan, before)


def _was_resumed_since(plan: JobSchedule, before: Before) -> bool:
    # Operations from before this was kept do not tell when.
    at = _instant(before.get("at"))
    return bool(at and plan.resumed_at and plan.resumed_at > at)


def _instant(stored: str | None) -> datetime | None:
    return parse_datetime(stored) if stored else None
