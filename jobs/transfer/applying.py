"""An owner's jobs become what files say: made, changed and removed, all of it or nothing."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from accounts.models import User
from chronos_site.locks import locked
from jobs import actions, recorded, rights, tags
from jobs import definition as definitions
from jobs.definition import Definition
from jobs.executors import TYPES
from jobs.models import Job, JobTag
from jobs.transfer.importing import Entry, Import, Verdict
from jobs.transfer.keys import BASICS, RETRY, SCHEDULE, Keys, at, by_field
from jobs.transfer.part import Problem

NOTE = "Applied from a file"
_PARTS: dict[str, tuple[str, Keys]] = {
    "schedule": ("schedule", SCHEDULE),
    "retry": ("retryPolicy", RETRY),
    "payload": ("payload", {}),
}


class Deed(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass
class Step:
    """What applying does to one job, or why it refuses; `differences` are masked, in the request's words."""

    source: str
    name: str
    definition: Definition | None = None
    job: Job | None = None
    deed: Deed = Deed.UNCHANGED
    differences: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_denied: bool = False

    def refuse(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, reason))


@dataclass
class Plan:
    """The steps in the order in which they are taken, and the jobs of the set that no file names any more."""

    steps: list[Step]
    left: list[Job] = field(default_factory=list)
    is_done: bool = False

    @property
    def digest(self) -> str:
        """Stands for what the plan does to which versions of jobs: another one means something else."""
        told = [
            (step.name, step.deed, step.definition, step.job and (step.job.pk, step.job.version))
            for step in self.steps
        ]
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()

    @property
    def is_refused(self) -> bool:
        return any(step.deed is Deed.REFUSED for step in self.steps)

    @property
    def is_denied(self) -> bool:
        """Whether something in it is refused to this person, whatever the request says."""
        return any(step.is_denied for step in self.steps)

    @property
    def changes_nothing(self) -> bool:
        return all(step.deed is Deed.UNCHANGED for step in self.steps)


@dataclass(frozen=True)
class Apply:
    """How to apply: whose jobs they are, who does it (None: the machine's administrator), when, and as what.

    The tag marks the jobs of one set of files: what has it and is in no file any more goes, if `prune`; an
    empty one marks nothing. With `seen`, the digest of a plan that somebody looked at, only that is done.
    """

    owner: User
    by: User | None
    at: datetime
    tag: str
    dry_run: bool = False
    prune: bool = False
    seen: str | None = None

    def carry_out(self, entries: Sequence[Entry]) -> Plan:
        """Find what differs and, unless one request is refused, make it so."""
        # Names may stand already: that is what applying is for.
        reading = Import(self.owner, by=self.by, at=self.at, dry_run=True, allow_duplicates=True)
        verdicts = reading.carry_out(entries)
        if self.dry_run:
            return self._plan(verdicts)
        with transaction.atomic():
            # What is compared now, nobody changes until it is written.
            actions.hold_plans(self._concerned(verdicts))
            # Nor does anybody else apply to these jobs: a name that is new would be made twice.
            locked(User.objects.filter(pk=self.owner.pk)).get()
            plan = self._plan(verdicts)
            if not plan.is_refused and self.seen in (None, plan.digest):
                for step in plan.steps:
                    self._take(step)
                plan.is_done = True
        return plan

    def _concerned(self, verdicts: Iterable[Verdict]) -> set[str]:
        """The ids of the owner's jobs that the requests name, or that have the tag."""
        # Only names that were found good: a database does not even look for half a character.
        names = {verdict.name for verdict in verdicts if verdict.reading.definition}
        named = Job.objects.filter(owner=self.owner, name__in=names).values_list("pk", flat=True)
        tagged = JobTag.objects.filter(job__owner=self.owner, name=self.tag).values_list("job_id", flat=True)
        return {*named, *tagged}

    def _plan(self, verdicts: Sequence[Verdict]) -> Plan:
        stored = self._stored(verdicts)
        written = Counter(verdict.name for verdict in verdicts)
        steps = [self._step(verdict, stored[verdict.name], written[verdict.name]) for verdict in verdicts]
        left = [job for name, jobs in stored.items() if name not in written for job in jobs]
        # MariaDB finds cafe where café is asked for.
        left = [job for job in left if self.tag in {tag.name for tag in job.tags.all()}]
        if self.prune:
            steps += [Step("", job.name, job=job, deed=Deed.REMOVED) for job in left]
        return Plan(steps, [] if self.prune else left)

    def _stored(self, verdicts: Iterable[Verdict]) -> dict[str, list[Job]]:
        jobs = Job.objects.filter(pk__in=self._concerned(verdicts)).order_by("pk")
        found: dict[str, list[Job]] = defaultdict(list)
        loaded = jobs.select_related("schedule", "payload", "retry_policy", "owner").prefetch_related("tags")
        for job in loaded:
            found[job.name].append(job)
        return found

    def _step(self, verdict: Verdict, stored: Sequence[Job], written: int) -> Step:
        step = Step(verdict.source, verdict.name, problems=list(verdict.problems))
        step.is_denied = verdict.reading.is_denied
        if verdict.reading.definition:
            step.definition = self._tagged(step, verdict.reading.definition)
            step.job = stored[0] if stored else None
            self._check(step, stored, written)
        if step.problems:
            step.deed = Deed.REFUSED
        elif step.definition:
            _compare(step, step.definition)
            step.warnings = [] if step.deed is Deed.UNCHANGED else verdict.warnings
        return step

    def _tagged(self, step: Step, definition: Definition) -> Definition:
        if not self.tag:
            return definition
        names = sorted({*definition.get("tags", ()), self.tag})
        if len(names) > tags.MOST:
            step.refuse("tags", f"A job has at most {tags.MOST} tags, and {self.tag} is one of them.")
        return {**definition, "tags": names}

    def _check(self, step: Step, stored: Sequence[Job], written: int) -> None:
        if written > 1:
            step.refuse("name", "This name stands twice in the files: a job is found by its name.")
        if len(stored) > 1:
            step.refuse("name", f"{self.owner.email} has {len(stored)} jobs of this name: rename the others.")
        elif step.job and step.definition and step.job.type != step.definition["type"]:
            self._check_type(step, step.job)

    def _check_type(self, step: Step, job: Job) -> None:
        try:
            rights.require(job.type, by=self.by, owner=self.owner)
        except rights.NotAllowed as refused:
            step.refuse("type", str(refused))
            step.is_denied = True
        if job.runs.exists():
            step.refuse("type", f"The job has runs: its type stays {job.type}.")

    def _take(self, step: Step) -> None:
        definition, job = step.definition, step.job
        if step.deed is Deed.REMOVED and job:
            actions.delete(job, by=self.by)
        elif step.deed is Deed.CHANGED and job and definition:
            step.job = actions.edit(job, definition, by=self.by, at=self.at, note=NOTE, version=job.version)
        elif step.deed is Deed.CREATED and definition:
            step.job = actions.create(definition, owner=self.owner, by=self.by, at=self.at)


def _compare(step: Step, definition: Definition) -> None:
    if step.job is None:
        step.deed = Deed.CREATED
        return
    found = recorded.changes(definitions.of_loaded(step.job), definitions.stored(definition))
    if found:
        step.deed = Deed.CHANGED
        aliases = TYPES[definition["type"]].aliases
        step.differences = {_said(name, aliases): sides for name, sides in found.items()}


def _said(name: str, of_payload: Keys) -> str:
    """Where a request writes what a definition keeps under this dotted name."""
    part, _, inner = name.partition(".")
    if part not in _PARTS:
        return {**by_field(BASICS), "safe_to_repeat": "safeToRepeat"}.get(name, name)
    path, keys = _PARTS[part]
    column, dot, rest = inner.partition(".")
    return at(path, by_field(keys or of_payload).get(column, column) + dot + rest) if column else path
