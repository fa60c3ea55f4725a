"""One value of many jobs changed: each as an edit of its own, with a version to go back to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import actions, definition, moves, rights
from jobs.definition import Definition
from jobs.executors import TYPES
from jobs.executors.fields import NumberField
from jobs.models import Job, Priority, Type
from runs.bulk_actions.base import Before, Parameters, Refused, Rule
from runs.bulk_actions.steering import OfDefinitions, OfJobs

SAVED_SINCE = "Somebody has saved it since."
# Those whose whole run has a limit that people set.
TIMED = [code for code, each in TYPES.items() if "timeout_seconds" in each.form.base_fields]


class Change(OfDefinitions):
    """An edit of each job's definition, if its type is the person's to edit and it changes anything."""

    icon = "edit"
    undoable = True
    effects = (
        "Each job gets a new version; runs that have been fired go on with the version they were fired with.",
        "Jobs that wait to be armed are armed, as whenever they are saved.",
        "Undo leaves jobs alone that somebody has saved since.",
    )
    # What is said of a job that has the value already.
    same: ClassVar[str] = "It has this value already."

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        return [*_not_theirs(user), *([Rule(self.same, self.having(parameters))] if parameters else [])]

    def having(self, parameters: Parameters) -> Q:
        """The jobs that have the value already."""
        raise NotImplementedError

    def value(self, job: Job) -> Any:
        """What the job has now, as JSON."""
        raise NotImplementedError

    def wanted(self, now: Any, parameters: Parameters) -> Any:
        """What it will have."""
        raise NotImplementedError

    def put(self, value: Any, into: Definition) -> None:
        """Write the value into a definition."""
        raise NotImplementedError

    def words(self, value: Any) -> str:
        """The value for people."""
        raise NotImplementedError

    def change(self, target: Job, parameters: Parameters) -> tuple[str, str] | None:
        now = self.value(target)
        return self.words(now), self.words(self.wanted(now, parameters))

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> Before:
        before = self.value(target)
        wanted = self.wanted(before, parameters)
        if wanted == before:
            raise Refused(self.same)
        job = self._edit(target, wanted, by=by, at=at)
        return {"value": before, "version": job.version}

    def undo(self, target: Job, before: Before, parameters: Parameters, *, by: User, at: datetime) -> None:
        if target.version != before["version"]:
            raise Refused(SAVED_SINCE)
        self._edit(target, before["value"], by=by, at=at)

    def _edit(self, job: Job, value: Any, *, by: User, at: datetime) -> Job:
        changed = definition.of(job)
        self.put(value, changed)
        return actions.edit(job, changed, by=by, at=at, version=job.version)


class PriorityForm(forms.Form):
    """Which one."""

    priority = forms.ChoiceField(choices=Priority)


class ChangePriority(Change):
    code, verb, done = "PRIORITY", "Change the priority", "now of priority"
    form = PriorityForm

    def told(self, parameters: Parameters) -> str:
        return self.words(parameters["priority"])

    def having(self, parameters: Parameters) -> Q:
        return Q(priority=parameters["priority"])

    def value(self, job: Job) -> str:
        return job.priority

    def wanted(self, now: str, parameters: Parameters) -> str:
        return str(parameters["priority"])

    def put(self, value: str, into: Definition) -> None:
        into["priority"] = value

    def words(self, value: str) -> str:
        return str(Priority(value).label)


class TimeoutForm(forms.Form):
    """How long."""

    seconds = NumberField(label=_("Timeout"), least=1, most=86_400, help_text=_("Seconds for the whole run."))


class ChangeTimeout(Change):
    code, verb, done = "TIMEOUT", "Change the timeout", "now limited to"
    form = TimeoutForm

    def told(self, parameters: Parameters) -> str:
        return self.words(parameters["seconds"])

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        untimed = Rule("Its type has no timeout for the whole run.", ~Q(type__in=TIMED))
        return [untimed, *super().check(parameters, user)]

    def having(self, parameters: Parameters) -> Q:
        return Q(payload__timeout_seconds=parameters["seconds"])

    def value(self, job: Job) -> int | None:
        return job.payload.timeout_seconds

    def wanted(self, now: int | None, parameters: Parameters) -> int:
        return int(parameters["seconds"])

    def put(self, value: int | None, into: Definition) -> None:
        into["payload"] = {**into["payload"], "timeout_seconds": value}

    def words(self, value: int | None) -> str:
        return f"{value:,} s" if value else "its type's"

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> Before:
        if target.type not in TIMED:
            raise Refused("Its type has no timeout for the whole run.")
        return super().apply(target, parameters, by=by, at=at)


class OwnerForm(forms.Form):
    """Who."""

    owner = forms.EmailField(
        label=_("New owner"), max_length=255, help_text=_("E-mail of somebody who may sign in.")
    )

    def clean_owner(self) -> User:
        owner = User.objects.filter(email__iexact=self.cleaned_data["owner"], is_active=True).first()
        if owner is None:
            raise forms.ValidationError(_("Nobody with this e-mail may sign in."))
        return owner


class ChangeOwner(OfJobs):
    code, verb, done, icon = "OWNER", "Change the owner", "handed over to", "user"
    form = OwnerForm
    undoable = True
    effects = (
        "The new owner sees and changes the jobs; whoever had them sees them no more, unless an operator.",
        "Their runs, dead letters and history go with them.",
        "Undo leaves jobs alone whose owner has changed since.",
    )

    def offered_to(self, user: User) -> bool:
        return user.is_operator

    def parameters(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        return {"owner": cleaned["owner"].pk, "email": cleaned["owner"].email}

    def told(self, parameters: Parameters) -> str:
        return str(parameters["email"])

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        theirs = [Rule(_owned_by(parameters), Q(owner=parameters["owner"]))] if parameters else []
        return [*_not_theirs(user), *theirs]

    def change(self, target: Job, parameters: Parameters) -> tuple[str, str] | None:
        return target.owner.email, parameters["email"]

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> Before:
        job = _held(target)
        if job.owner_id == parameters["owner"]:
            raise Refused(_owned_by(parameters))
        before = job.owner_id
        self._hand_over(job, parameters["owner"], by=by)
        return {"owner": before}

    def undo(self, target: Job, before: Before, parameters: Parameters, *, by: User, at: datetime) -> None:
        job = _held(target)
        if job.owner_id != parameters["owner"]:
            raise Refused("Its owner has changed since.")
        self._hand_over(job, before["owner"], by=by)

    def _hand_over(self, job: Job, owner_id: int, *, by: User) -> None:
        rights.require(job.type, by=by, owner=job.owner)
        owner = User.objects.filter(pk=owner_id, is_active=True).first()
        if owner is None:
            raise Refused("Who was to own it may no longer sign in.")
        actions.hand_over(job, owner, by=by)


def _owned_by(parameters: Parameters) -> str:
    return f"It belongs to {parameters['email']} already."[:255]


def _held(job: Job) -> Job:
    """The job as it is now; nobody changes it until the transaction ends."""
    moves.hold([job.pk])
    return Job.objects.select_related("owner").get(pk=job.pk)


def _not_theirs(user: User) -> list[Rule]:
    """Jobs of types that the person may not edit."""
    told = ((code, rights.refusal(user, code)) for code in Type.values)
    return [Rule(sentence, Q(type=code)) for code, sentence in told if sentence]
