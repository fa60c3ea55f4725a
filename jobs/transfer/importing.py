"""Requests become jobs: a verdict for each, and all of them or none unless told otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from accounts.models import User
from jobs import actions, definition, rights, vault
from jobs.executors import placeholders
from jobs.models import Job, JobSchedule, Kind
from jobs.schedules import next_fire
from jobs.transfer import requests
from jobs.transfer.limits import REQUESTS_LIMIT, Unreadable
from jobs.transfer.part import Problem
from jobs.transfer.requests import Reading

FORMAT = "chronos-jobs/1"


class Outcome(StrEnum):
    IMPORTED = "imported"
    WOULD_BE_IMPORTED = "would be imported"
    REFUSED = "refused"


@dataclass(frozen=True)
class Entry:
    """One request of a file, and the word by which its writer finds it there."""

    source: str
    request: Any


@dataclass
class Verdict:
    """What became of one request, or would."""

    source: str
    reading: Reading
    outcome: Outcome = Outcome.WOULD_BE_IMPORTED
    job: Job | None = None

    @property
    def name(self) -> str:
        return self.reading.name

    @property
    def problems(self) -> list[Problem]:
        return self.reading.problems

    @property
    def warnings(self) -> list[str]:
        return self.reading.warnings

    @property
    def is_refused(self) -> bool:
        return self.outcome is Outcome.REFUSED


@dataclass
class Import:
    """How to import: whose the jobs become, who does it (None: the machine's administrator), and when."""

    owner: User
    by: User | None
    at: datetime
    dry_run: bool = False
    partial: bool = False
    allow_duplicates: bool = False
    _taken: set[str] = field(default_factory=set)
    _missing: set[str] = field(default_factory=set)

    def carry_out(self, entries: Sequence[Entry]) -> list[Verdict]:
        """Judge every request and store the good ones: none of them if one is refused, unless `partial`."""
        # Reading takes its time; the transaction, in which SQLite keeps others waiting, comes after it.
        verdicts = [Verdict(entry.source, requests.read(entry.request)) for entry in entries]
        if self.dry_run:
            self._judge_all(verdicts)
            return verdicts
        with transaction.atomic():
            self._judge_all(verdicts)
            if self.partial or not any(verdict.is_refused for verdict in verdicts):
                for verdict in verdicts:
                    self._store(verdict)
        return verdicts

    def _judge_all(self, verdicts: list[Verdict]) -> None:
        self._missing = self._missing_secrets(verdicts)
        # Only names that were found good: a database does not even look for half a character.
        self._taken = self._names_in_use(verdict.name for verdict in verdicts if verdict.reading.definition)
        for verdict in verdicts:
            self._judge(verdict)

    def _names_in_use(self, names: Iterable[str]) -> set[str]:
        owned = Job.objects.filter(owner=self.owner, name__in=set(names))
        return set(owned.values_list("name", flat=True))

    def _missing_secrets(self, verdicts: Iterable[Verdict]) -> set[str]:
        """Which of the secrets that the requests name are none that jobs of the owner may use."""
        good = (verdict.reading.definition for verdict in verdicts)
        named = {name for found in good if found for name in placeholders.secrets(found["payload"])}
        return set(vault.missing(named, owner_id=self.owner.pk))

    def _judge(self, verdict: Verdict) -> None:
        reading = verdict.reading
        if reading.definition:
            self._check(reading, reading.definition)
        if reading.problems:
            verdict.outcome = Outcome.REFUSED
        elif reading.definition:
            self._taken.add(reading.definition["name"])
            reading.warnings += _why_pending(reading.definition, self.at)
            reading.warnings += [
                f"Scheduled runs fail: {{{{ param:{name} }}}} has no default."
                for name in placeholders.without_default(reading.definition["payload"])
            ]

    def _check(self, reading: Reading, found: definition.Definition) -> None:
        try:
            rights.require(found["type"], by=self.by, owner=self.owner)
        except rights.NotAllowed as refused:
            reading.refuse("type", str(refused))
            reading.is_denied = True
        if found["name"] in self._taken and not self.allow_duplicates:
            reading.refuse("name", f"{self.owner.email} has a job of this name already, here or in the file.")
        if missing := self._missing.intersection(placeholders.secrets(found["payload"])):
            told = ", ".join(sorted(missing))
            reading.warnings.append(f"Fails until there are secrets that its owner may use: {told}.")

    def _store(self, verdict: Verdict) -> None:
        if verdict.is_refused or verdict.reading.definition is None:
            return
        verdict.job = actions.create(verdict.reading.definition, owner=self.owner, by=self.by, at=self.at)
        verdict.outcome = Outcome.IMPORTED


def entries_of(document: Any, most: int = REQUESTS_LIMIT) -> list[Entry]:
    """The requests in a file: an export, a list, a list of {source, title, job}, or one request alone.

    Raises Unreadable when there are none or more than `most`.
    """
    found = _listed(document)
    if not found:
        raise Unreadable("The file holds no job requests.")
    if len(found) > most:
        raise Unreadable(f"The file holds more than {most:,} job requests: split it.")
    return [_entry(each, number) for number, each in enumerate(found, 1)]


def _listed(document: Any) -> list[Any]:
    if isinstance(document, dict) and "format" in document:
        if document["format"] != FORMAT:
            raise Unreadable(f"The file's format is not {FORMAT}: another version of Chronos wrote it.")
        document = document.get("jobs")
    elif isinstance(document, dict):
        document = [document]
    if not isinstance(document, list):
        raise Unreadable("The file holds no job requests: write a list of objects, or one object.")
    return document


def _entry(found: Any, number: int) -> Entry:
    if not isinstance(found, dict) or "job" not in found or "schedule" in found:
        return Entry(f"#{number}", found)
    source = found.get("source")
    return Entry(source if isinstance(source, str) and source.strip() else f"#{number}", found["job"])


def _why_pending(found: definition.Definition, at: datetime) -> list[str]:
    """Why the job will not be armed; empty when it will."""
    plan = JobSchedule(**definition.instants(found["schedule"])).plan
    reasons = []
    if plan.kind == Kind.ONCE and plan.run_at and plan.run_at <= at:
        reasons.append(f"Stays pending: its time, {plan.run_at:%Y-%m-%d %H:%M} UTC, has passed.")
    elif next_fire(plan, at) is None:
        reasons.append("Stays pending: its schedule has ended.")
    return reasons
