"""The rules as a process knows them: read every few seconds, so that ending runs seldom asks for them."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from chronos_site.clock import database_now
from jobs.models import Job, JobTag, Priority
from notifications.alerts import Alert
from notifications.contacts import Contact
from notifications.heartbeats import Heartbeat
from notifications.rules import Event, Rule, RuleContact

REMEMBERED_SECONDS = 3.0


@dataclass(frozen=True)
class Subject:
    """What rules need to know of a job."""

    pk: str
    name: str
    owner_id: int
    owner: str
    urgent: bool
    description: str
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Known:
    """A rule that speaks, and the contact points that it tells."""

    rule: Rule
    sees_all: bool
    contacts: tuple[Contact, ...]

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self.rule.events)

    def wants(self, *events: Event) -> bool:
        return not self.events.isdisjoint(events)

    def reminds_at(self, at: datetime) -> datetime | None:
        """When it reminds of what it told at the instant."""
        seconds = self.rule.remind_seconds
        return at + timedelta(seconds=seconds) if seconds else None

    def covers(self, job: Subject) -> bool:
        """Whether the job is in its scope, and one that its owner may see."""
        rule = self.rule
        if not self.sees_all and job.owner_id != rule.owner_id:
            return False
        within: dict[Rule.Scope, bool] = {
            Rule.Scope.ALL: True,
            Rule.Scope.JOB: rule.job_id == job.pk,
            Rule.Scope.TAG: rule.tag in job.tags,
            Rule.Scope.OWNER: rule.of_owner_id == job.owner_id,
        }
        return within[Rule.Scope(rule.scope)]


@dataclass
class _Memory:
    rules: tuple[Known, ...] = ()
    beating: frozenset[str] = frozenset()
    failing: bool = False
    until: float = -1.0


_memory = _Memory()


def _remembered() -> _Memory:
    if time.monotonic() >= _memory.until:
        _memory.rules = tuple(_read(database_now()))
        jobs = Heartbeat.objects.filter(job__isnull=False).values_list("job_id", flat=True)
        _memory.beating = frozenset(map(str, jobs))
        _memory.failing = Alert.objects.failing().exists()
        _memory.until = time.monotonic() + REMEMBERED_SECONDS
    return _memory


def rules() -> tuple[Known, ...]:
    """The rules that speak, in the order of their ids; up to a few seconds old."""
    return _remembered().rules


def beating() -> frozenset[str]:
    """The jobs with heartbeats, likewise."""
    return _remembered().beating


def failing() -> bool:
    """Whether a job fails that a rule has told of, though it may say nothing now; likewise."""
    return _remembered().failing


def silent() -> bool:
    """Whether, as far as this process knows, nobody is to hear of anything: then nothing is asked."""
    return not (_memory.rules or _memory.beating or _memory.failing) and time.monotonic() < _memory.until


def forget() -> None:
    """Read them anew at the next question."""
    _memory.until = -1.0


def forget_after_commit() -> None:
    """The same once what was changed can be read."""
    transaction.on_commit(forget)


def _read(at: datetime) -> Iterable[Known]:
    speaking = list(Rule.objects.speaking(at).order_by("pk"))
    if not speaking:
        return
    people = User.objects.in_bulk({rule.owner_id for rule in speaking})
    told: dict[str, list[Contact]] = {rule.pk: [] for rule in speaking}
    pairs = RuleContact.objects.filter(rule__in=told, contact__enabled=True).select_related("contact")
    for pair in pairs.order_by("rule_id", "contact_id"):
        told[pair.rule_id].append(pair.contact)
    for rule in speaking:
        owner = people.get(rule.owner_id)
        if owner and told[rule.pk]:
            yield Known(rule, owner.is_operator, tuple(told[rule.pk]))


def subjects(job_ids: Iterable[str], *, with_tags: bool) -> Mapping[str, Subject]:
    """What rules need to know of these jobs; tags only where a rule asks for them."""
    wanted = set(job_ids)
    if not wanted:
        return {}
    tags: dict[str, set[str]] = {}
    if with_tags:
        for job_id, name in JobTag.objects.filter(job__in=wanted).values_list("job_id", "name"):
            tags.setdefault(job_id, set()).add(name)
    columns = ("pk", "name", "owner_id", "owner__email", "priority", "description")
    return {
        pk: Subject(pk, name, owner_id, email, priority == Priority.HIGH, text, frozenset(tags.get(pk, ())))
        for pk, name, owner_id, email, priority, text in Job.objects.filter(pk__in=wanted).values_list(
            *columns
        )
    }
