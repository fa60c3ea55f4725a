"""What the job list can be asked for: each condition, its words and the jobs that it finds."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, TextChoices, When

from accounts.models import User
from dashboard import windows
from dashboard.lately import FAILURES_BACK
from jobs.models import Job, JobPayload, JobQuerySet, JobSchedule, JobTag, Kind, Priority, Status, Type
from runs import history
from runs.history import Ends, Errors
from runs.late import LATE_AFTER
from runs.models import Outcome, Run

MOST_TARGETS = 5000
MOST_LISTED = 1000
_START_OF_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{6,26}")

Values = Sequence[str]


class Seeker:
    """Who looks for jobs and when, with what has been read to answer; it is read once.

    `since` is how far back runs were looked at, None where that was all the way; `cut` says that not every
    address was looked at for its host.
    """

    def __init__(self, user: User, at: datetime) -> None:
        self.user, self.at = user, at
        self.cut = False
        self._ends: dict[tuple[Outcome, ...], Ends] = {}
        self._tagged: dict[Values, list[str] | None] = {}
        self._calling: dict[str, list[str]] = {}

    @property
    def visible(self) -> JobQuerySet:
        return Job.objects.visible_to(self.user)

    def suspects(self, jobs: JobQuerySet, outcomes: tuple[Outcome, ...]) -> JobQuerySet:
        """Those of the jobs whose last runs are worth a look."""
        # Among everyone's jobs, asking each for its last run takes seconds; people's own are few.
        if not self.user.is_operator:
            return jobs
        if outcomes == history.BROKEN and "errors" in self.__dict__:
            return Ends(frozenset(self.errors.starts)).suspects(jobs)
        if outcomes not in self._ends:
            self._ends[outcomes] = history.newest_ends(outcomes)
        return self._ends[outcomes].suspects(jobs)

    def few_tagged(self, *names: str) -> list[str] | None:
        """The ids of the jobs with one of the tags, which databases find best; None where they are many."""
        if names not in self._tagged:
            found = list(_tags(*names).values_list("job_id", flat=True)[: MOST_LISTED + 1])
            self._tagged[names] = found if len(found) <= MOST_LISTED else None
        return self._tagged[names]

    def calling(self, text: str) -> list[str]:
        """The ids of the jobs whose HTTP or database address has the text in its host.

        The rest of an address may be secret, so it cannot be searched.
        """
        wanted = text.lower()
        if wanted not in self._calling:
            payloads = JobPayload.objects.filter(host__icontains=wanted, job__in=self.visible)
            told = list(payloads.values_list("job_id", flat=True)[: MOST_TARGETS + 1])
            self.cut = len(told) > MOST_TARGETS
            self._calling[wanted] = told[:MOST_TARGETS]
        return self._calling[wanted]

    @cached_property
    def errors(self) -> Errors:
        runs = Run.objects.visible_to(self.user)
        return history.newest_errors(
            runs if self.user.is_operator else runs.filter(end_time__gte=self.at - FAILURES_BACK)
        )

    @property
    def since(self) -> datetime | None:
        read = [ends.since for ends in self._ends.values()]
        if "errors" in self.__dict__:
            own = None if self.user.is_operator else self.at - FAILURES_BACK
            read.append(self.errors.since or own)
        return max((since for since in read if since), default=None)


Find = Callable[[JobQuerySet, Values, Seeker], JobQuerySet]


@dataclass(frozen=True)
class Condition:
    """One thing to ask for; `many` values mean any of them."""

    label: str
    find: Find
    words: Callable[[str], str] = str
    means: Callable[[str], bool] = bool
    many: bool = False


def _choice(label: str, choices: type[TextChoices], find: Find) -> Condition:
    return Condition(
        label, find, lambda value: str(choices(value).label), lambda value: value in choices.values, many=True
    )


def _any_of(column: str) -> Find:
    return lambda jobs, values, seeker: jobs.filter(**{f"{column}__in": values})


def _flag(label: str, words: str, find: Callable[[JobQuerySet, Seeker], JobQuerySet]) -> Condition:
    return Condition(
        label,
        lambda jobs, values, seeker: find(jobs, seeker),
        lambda value: words,
        lambda value: value == "1",
    )


def _named(jobs: JobQuerySet, values: Values, seeker: Seeker) -> JobQuerySet:
    text = values[0]
    few = seeker.few_tagged(text)
    named = Q(name__icontains=text) | Q(pk__in=_tags(text).values("job_id") if few is None else few)
    start = text.upper()
    return jobs.filter(named | Q(pk__startswith=start) if _START_OF_ID.fullmatch(start) else named)


def _tags(*names: str) -> "QuerySet[JobTag]":
    return JobTag.objects.filter(name__in={*names, *map(str.lower, names)})


def _tagged(jobs: JobQuerySet, values: Values, seeker: Seeker) -> JobQuerySet:
    few = seeker.few_tagged(*values)
    if few is not None:
        return jobs.filter(pk__in=few)
    if not seeker.user.is_operator:
        return jobs.filter(pk__in=_tags(*values).values("job_id"))
    # As a join, which EXISTS would become as well, PostgreSQL asks for the tag of each of everyone's jobs in
    # the order of the list, 30 ms until the first page is there; in a CASE it reads the tag's jobs once.
    has_it = Exists(_tags(*values).filter(job=OuterRef("pk")))
    return jobs.filter(Case(When(has_it, then=True), default=False))


def _owned(jobs: JobQuerySet, values: Values, seeker: Seeker) -> JobQuerySet:
    owner = values[0]
    if not seeker.user.is_operator:
        # They see their own alone: which jobs these are need not be asked again.
        return jobs if owner == "me" or owner.lower() in seeker.user.email.lower() else jobs.none()
    if owner == "me":
        return jobs.filter(owner=seeker.user)
    if owner == "others":
        return jobs.exclude(owner=seeker.user)
    return jobs.filter(owner__in=User.objects.filter(email__icontains=owner))


def _ended_last(jobs: JobQuerySet, outcomes: Values, seeker: Seeker) -> JobQuerySet:
    wanted = tuple(outcome for outcome in Outcome if outcome in outcomes)
    return history.ended_last(seeker.suspects(jobs, wanted), wanted)


def _due(jobs: JobQuerySet, values: Values, seeker: Seeker) -> JobQuerySet:
    since, until = windows.window(values[0], seeker.at)
    return jobs.filter(schedule__next_fire_at__gte=since, schedule__next_fire_at__lt=until)


def _late(jobs: JobQuerySet, seeker: Seeker) -> JobQuerySet:
    return jobs.filter(schedule__next_fire_at__lt=seeker.at - LATE_AFTER)


CONDITIONS: dict[str, Condition] = {
    "q": Condition("text", _named),
    "status": _choice("status", Status, _any_of("status")),
    "type": _choice("type", Type, _any_of("type")),
    "priority": _choice("priority", Priority, _any_of("priority")),
    "schedule": _choice("schedule", Kind, _any_of("schedule__schedule_type")),
    "outcome": _choice("last run", Outcome, _ended_last),
    "tag": Condition("tag", _tagged, many=True),
    "owner": Condition("owner", _owned),
    "fires": Condition("fires", _due, windows.words, windows.makes_sense),
    "error": Condition(
        "last error says", lambda jobs, values, seeker: jobs.filter(pk__in=seeker.errors.saying(values[0]))
    ),
    "host": Condition(
        "calls host", lambda jobs, values, seeker: jobs.filter(pk__in=seeker.calling(values[0]))
    ),
    "failing": _flag(
        "failing",
        "now",
        lambda jobs, seeker: history.failing(seeker.suspects(jobs, history.BROKEN)),
    ),
    "late": _flag("late", "now", _late),
    "broken": _flag(
        "schedule",
        "does not fire",
        lambda jobs, seeker: jobs.filter(pk__in=JobSchedule.objects.broken().values("job_id")),
    ),
}
# Those that are ticked in a list.
CHOICES: dict[str, type[TextChoices]] = {
    "status": Status,
    "type": Type,
    "priority": Priority,
    "schedule": Kind,
    "outcome": Outcome,
}
