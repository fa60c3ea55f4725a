"""Dead letters replayed, resolved, ignored and assigned by the many: each as its own page does it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import definition
from jobs.models import Job
from runs import triage
from runs.bulk_actions.base import Before, BulkAction, Pace, Parameters, Refused, Rule
from runs.execution import repeatable
from runs.models import DeadLetter, DeadLetterQuerySet
from runs.triage import NotWaiting, is_replaying

# The first step of a careful replay, and the second.
CANARY, SECOND = 1, 10
# How soon the replays of a step are looked at again.
LOOK = timedelta(seconds=2)
# Jobs whose definitions are read for a preview.
MOST_JOBS = 500
Status = DeadLetter.Status


class OfLetters(BulkAction[DeadLetter]):
    """What is done to dead letters that the person may see, many in one transaction."""

    noun = "dead letter"
    page = "dead_letter_detail"
    together = True

    def targets(self, user: User) -> DeadLetterQuerySet:
        return DeadLetter.objects.visible_to(user).select_related("job", "closed_by")

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        return [
            Rule("It is resolved already.", Q(status=Status.RESOLVED)),
            Rule("It is ignored already.", Q(status=Status.IGNORED)),
        ]

    def act(self, letters: DeadLetterQuerySet, parameters: Parameters, *, by: User, at: datetime) -> int:
        """Do it to those that allow it; gives how many."""
        raise NotImplementedError

    def changed(self, ids: Sequence[str], parameters: Parameters, at: datetime) -> dict[str, Before]:
        """Those of the events that `act` has changed at this instant, with what undoing needs."""
        raise NotImplementedError

    def apply_all(
        self, targets: Sequence[DeadLetter], parameters: Parameters, *, by: User, at: datetime
    ) -> dict[str, Before]:
        ids = [letter.pk for letter in targets]
        self.act(DeadLetter.objects.filter(pk__in=ids), parameters, by=by, at=at)
        return self.changed(ids, parameters, at)

    def apply(self, target: DeadLetter, parameters: Parameters, *, by: User, at: datetime) -> Before:
        done = self.apply_all([target], parameters, by=by, at=at)
        if target.pk not in done:
            raise NotWaiting(DeadLetter.objects.select_related("closed_by").get(pk=target.pk))
        return done[target.pk]


class NotesForm(forms.Form):
    """Why."""

    note = forms.CharField(
        label=_("Note"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown the next time this failure comes up."),
    )


class _Close(OfLetters):
    """Close them with a note."""

    form = NotesForm
    undoable = True
    close: ClassVar[Callable[..., int]]
    status: ClassVar[DeadLetter.Status]

    def act(self, letters: DeadLetterQuerySet, parameters: Parameters, *, by: User, at: datetime) -> int:
        return type(self).close(letters, by=by, at=at, notes=parameters["note"])

    def changed(self, ids: Sequence[str], parameters: Parameters, at: datetime) -> dict[str, Before]:
        closed = DeadLetter.objects.filter(pk__in=ids, status=self.status, resolved_at=at)
        return {pk: {"at": at.isoformat()} for pk in closed.values_list("pk", flat=True)}

    def undo(
        self, target: DeadLetter, before: Before, parameters: Parameters, *, by: User, at: datetime
    ) -> None:
        closed_at = parse_datetime(before["at"])
        one = DeadLetter.objects.filter(pk=target.pk)
        if closed_at is None or not triage.reopen(one, closed_at=closed_at, by=by):
            raise Refused("Somebody has decided otherwise since.")


class Resolve(_Close):
    code, verb, done, icon = "RESOLVE", "Resolve", "resolved", "check"
    close = triage.resolve
    status = Status.RESOLVED
    effects = (
        "They leave the inbox; nothing of them runs again.",
        "Your note is kept with each of them, and told the next time this failure comes up.",
    )


class Ignore(_Close):
    code, verb, done, icon = "IGNORE", "Ignore", "ignored", "x"
    close = triage.ignore
    status = Status.IGNORED
    effects = (
        "They leave the inbox; nothing of them runs again.",
        "The next failure of the same kind makes a dead letter all the same.",
    )


class AssignForm(forms.Form):
    """To whom."""

    assignee = forms.EmailField(
        label=_("Who looks after them"), help_text=_("E-mail of somebody who may sign in.")
    )

    def clean_assignee(self) -> User:
        found = User.objects.filter(email__iexact=self.cleaned_data["assignee"], is_active=True).first()
        if found is None:
            raise forms.ValidationError(_("Nobody with this e-mail may sign in."))
        return found


class Assign(OfLetters):
    code, verb, done, icon = "ASSIGN", "Assign", "assigned to", "user"
    form = AssignForm
    effects = (
        "They stay in the inbox, under Mine for whoever looks after them.",
        "Nobody is given dead letters of jobs that they may not see.",
    )

    def parameters(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        return {"assignee": cleaned["assignee"].pk, "email": cleaned["assignee"].email}

    def told(self, parameters: Parameters) -> str:
        return str(parameters["email"])

    def act(self, letters: DeadLetterQuerySet, parameters: Parameters, *, by: User, at: datetime) -> int:
        to = User.objects.filter(pk=parameters["assignee"], is_active=True).first()
        if to is None:
            raise Refused("Who was to look after it may no longer sign in.")
        return triage.assign(letters, to=to, by=by, at=at)

    def changed(self, ids: Sequence[str], parameters: Parameters, at: datetime) -> dict[str, Before]:
        theirs = DeadLetter.objects.pending().filter(pk__in=ids, assignee=parameters["assignee"])
        return {pk: {} for pk in theirs.values_list("pk", flat=True)}


class ReplayForm(forms.Form):
    """How carefully, and why."""

    canary = forms.BooleanField(
        label=_("One first, then ten, then the rest in steps"),
        required=False,
        initial=True,
        help_text=_(
            "It stops itself when the first one fails, or too many of a step; the rest stay pending."
        ),
    )
    step = forms.IntegerField(
        label=_("Then at a time"), required=False, min_value=1, max_value=10_000, initial=100
    )
    stagger = forms.IntegerField(
        label=_("Seconds between steps"), required=False, min_value=0, max_value=3600, initial=10
    )
    most_failed = forms.IntegerField(
        label=_("Stop when more than this fail"),
        required=False,
        min_value=0,
        max_value=100,
        initial=20,
        help_text=_("Percent of a step."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Shown the next time this failure comes up."),
    )
    force = forms.BooleanField(
        label=_("Also those that were replayed too often"),
        required=False,
        help_text=_("For operators, and only with a note."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("force") and not cleaned.get("note", "").strip():
            self.add_error("note", _("Say why another replay may succeed."))
        for name in ("step", "stagger", "most_failed"):
            if cleaned.get(name) is None and name not in self.errors:
                cleaned[name] = self.fields[name].initial
        return cleaned


class Replay(OfLetters):
    code, verb, done, icon = "REPLAY", "Replay", "replayed", "replay"
    form = ReplayForm
    effects = (
        "Each occurrence runs once more, as a new one, with the job as it is now.",
        "A dead letter is resolved when its replay succeeds, and stays in the inbox when it fails.",
        "What is cancelled on the way, or stops itself, leaves the rest pending.",
        "Their schedules go on as they are; a run that is at work already is not stopped.",
    )

    def told(self, parameters: Parameters) -> str:
        if not parameters.get("canary"):
            return ""
        return f"one first, then {SECOND}, then {parameters['step']} at a time"

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        rules = [
            *super().check(parameters, user),
            Rule("Its run is gone: there is nothing to replay.", Q(run=None)),
            Rule("A replay of it is in progress.", Q(is_replaying())),
        ]
        if parameters.get("force") and user.is_operator:
            return rules
        return [*rules, Rule(triage.too_often(), Q(replays__gte=settings.MOST_REPLAYS))]

    def warnings(self, targets: QuerySet[DeadLetter]) -> list[str]:
        counts = dict(
            targets.order_by().values_list("job").annotate(count=Count("pk")).order_by("-count")[:MOST_JOBS]
        )
        jobs = Job.objects.filter(pk__in=counts).select_related("schedule", "payload", "retry_policy")
        unsafe = sum(
            counts[job.pk]
            for job in jobs.prefetch_related("tags")
            if not repeatable(definition.of_loaded(job))
        )
        if not unsafe:
            return []
        verb = "belongs" if unsafe == 1 else "belong"
        return [
            f"{unsafe:,} of them {verb} to jobs not marked safe to repeat: what they did may happen twice."
        ]

    def act(self, letters: DeadLetterQuerySet, parameters: Parameters, *, by: User, at: datetime) -> int:
        note, force = parameters.get("note", ""), bool(parameters.get("force"))
        return triage.replay(letters, by=by, at=at, note=note, force=force)

    def changed(self, ids: Sequence[str], parameters: Parameters, at: datetime) -> dict[str, Before]:
        replayed = DeadLetter.objects.filter(pk__in=ids, replayed_at=at)
        return {pk: {} for pk in replayed.values_list("pk", flat=True)}

    def pace(self, operation: Any, at: datetime) -> Pace:
        if not operation.parameters.get("canary"):
            return Pace()
        size, left = step_at(operation.done, operation.parameters["step"])
        if not size:
            return Pace(most=left)
        done = operation.items.filter(state="DONE").order_by("-pk").values_list("target_id", flat=True)
        return _after(list(done[:size]), left, operation.parameters, at)


def step_at(done: int, step: int) -> tuple[int, int]:
    """The size of the step that has just been completed, 0 within one; and how many the next may take."""
    begun = before = 0
    for bound in _bounds(step):
        if bound > done:
            return (begun - before if done == begun else 0, bound - done)
        before, begun = begun, bound
    return 0, 0


def _bounds(step: int) -> Iterator[int]:
    """After how many a step ends: 1, 11, and so on."""
    yield CANARY
    bound = CANARY + SECOND
    while True:
        yield bound
        bound += step


def _after(ids: Sequence[str], left: int, parameters: Parameters, at: datetime) -> Pace:
    """What follows a step of these events: a stop when too many failed, a pause, or the next step."""
    letters = DeadLetter.objects.filter(pk__in=ids)
    waiting = letters.pending().annotate(going=is_replaying())
    told = list(waiting.values_list("going", "replay_failed_at", "replayed_at"))
    failed = sum(not going for going, *_ in told)
    most = 0 if len(ids) <= CANARY else len(ids) * parameters["most_failed"] // 100
    if failed > most:
        return Pace(stop=_why(failed, len(ids)))
    if len(told) > failed:
        return Pace(again=at + LOOK)
    mended = letters.exclude(status=Status.PENDING).values_list("resolved_at", flat=True)
    ends = [end for end in (*mended, *(failed_at for _, failed_at, _ in told)) if end]
    ready = max(ends, default=at) + timedelta(seconds=parameters["stagger"])
    return Pace(again=ready) if ready > at else Pace(most=left)


def _why(failed: int, size: int) -> str:
    if size == CANARY:
        return "The first replay did not succeed: the rest stay pending."
    return f"{failed:,} of the last {size:,} replays did not succeed: the rest stay pending."
