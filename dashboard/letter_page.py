"""What the page of one dead letter shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.models import User
from dashboard import definitions, letter_groups, run_differences
from dashboard.definitions import Change, Field
from dashboard.letters import Letter, letters
from dashboard.run_differences import Fact
from jobs import rights, zones
from jobs.definition import Definition
from jobs.models import JobVersion
from runs.acknowledgements import Acknowledgement
from runs.failure_signatures import FailureSignature
from runs.letter_views import AcknowledgeForm
from runs.models import DeadLetter, Run, RunLog

LOG_LINES = 12
CLOSED_SHOWN = 5


@dataclass(frozen=True)
class LetterPage:
    """One event, how it came to it, what changed before, and what people did about failures alike."""

    letter: DeadLetter
    user: User
    at: datetime
    replay: Run | None
    definition: Definition
    good: Run | None
    changes: list[Change]
    facts: list[Fact]
    log: Sequence[RunLog]
    known: FailureSignature | None
    closed: Sequence[DeadLetter]
    acknowledgements: Sequence[Acknowledgement]

    @classmethod
    def read(cls, letter: DeadLetter, user: User, at: datetime) -> "LetterPage":
        run = letter.run
        shown: Letter = letters([letter])[0]
        good = run_differences.last_good(run) if run else None
        versions = _versions(run, good) if run else {}
        own = versions.get(run.version, {}) if run else {}
        before = versions.get(good.version, own) if good else own
        facts = run_differences.facts(good, run) if good and run else []
        return cls(
            letter,
            user,
            at,
            shown.replay,
            own,
            good,
            definitions.changes(before, own) if own else [],
            [fact for fact in facts if not fact.same],
            _last_lines(run) if run else [],
            _known(letter),
            _closed_alike(letter, user),
            _acknowledged(letter, at),
        )

    @property
    def shown(self) -> Letter:
        return Letter(self.letter, self.replay)

    @property
    def error(self) -> tuple[str, str]:
        """The class and the message."""
        error_class, colon, message = self.letter.failure_reason.partition(": ")
        return (error_class, message) if colon else ("", error_class)

    @property
    def most_attempts(self) -> int:
        policy = self.definition.get("retry") or {}
        attempt = self.letter.run.attempt if self.letter.run else 1
        return max(attempt, int(policy.get("max_attempts") or 1))

    @property
    def payload(self) -> list[Field]:
        return definitions.payload(self.definition) if self.definition else []

    @property
    def zone(self) -> str:
        told = (self.definition.get("schedule") or {}).get("timezone")
        return told if told in zones.names() else "UTC"

    @property
    def can_replay(self) -> bool:
        return self.shown.pending and not self.shown.replaying and self.letter.run_id is not None

    @property
    def replayed_too_often(self) -> bool:
        return self.letter.replays >= settings.MOST_REPLAYS

    @property
    def can_edit(self) -> bool:
        """Whether the person may change what the job executes."""
        return not rights.refusal(self.user, self.letter.job.type)

    @property
    def pill(self) -> tuple[str, str]:
        return letter_groups.pill(self.known, self.user, self.at)

    @property
    def of_job(self) -> Acknowledgement | None:
        return next((each for each in self.acknowledgements if each.job_id), None)

    @property
    def of_signature(self) -> Acknowledgement | None:
        return next((each for each in self.acknowledgements if each.signature), None)

    @property
    def decision(self) -> FailureSignature | None:
        """What an operator reads of the last decision about failures alike."""
        return self.known if self.known and self.known.decision and self.user.is_operator else None

    @property
    def form(self) -> AcknowledgeForm:
        return AcknowledgeForm()


def _versions(*runs: Run | None) -> dict[int, Definition]:
    there = [run for run in runs if run]
    wanted = {run.version for run in there}
    rows = JobVersion.objects.filter(job=there[0].job_id, version__in=wanted)
    return dict(rows.values_list("version", "definition"))


def _last_lines(run: Run) -> list[RunLog]:
    newest = list(RunLog.objects.filter(run=run).order_by("-pk")[:LOG_LINES])
    return newest[::-1]


def _known(letter: DeadLetter) -> FailureSignature | None:
    rows = FailureSignature.objects.filter(pk=letter.signature).select_related("decided_by")
    return rows.first() if letter.signature else None


def _closed_alike(letter: DeadLetter, user: User) -> list[DeadLetter]:
    """How the last ones alike were closed, as far as the person may see them."""
    if not letter.signature:
        return []
    closed = DeadLetter.objects.visible_to(user).filter(
        status__in=[DeadLetter.Status.RESOLVED, DeadLetter.Status.IGNORED], signature=letter.signature
    )
    rows = closed.exclude(pk=letter.pk).select_related("job", "closed_by").defer("failure_reason")
    return list(rows.order_by("-created_at")[:CLOSED_SHOWN])


def _acknowledged(letter: DeadLetter, at: datetime) -> list[Acknowledgement]:
    signatures = [letter.signature] if letter.signature else []
    rows = Acknowledgement.objects.acknowledged([letter.job_id], signatures, at)
    return list(rows.select_related("by"))
