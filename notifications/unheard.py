"""Jobs whose failures nobody is told of."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast

from accounts.models import Role
from jobs.models import Job, JobQuerySet, JobTag, Status
from notifications.rules import Event, Rule, RuleContact

OVER = (Status.CANCELLED, Status.SUCCEEDED)


def unheard(at: datetime) -> JobQuerySet:
    """Jobs that may still run and that no rule tells of when they fail; in one query."""
    told = RuleContact.objects.filter(rule=OuterRef("pk"), contact__enabled=True)
    # Not as JSON, which only some databases can look into.
    rules = Rule.objects.speaking(at).annotate(events_text=Cast("events", TextField()))
    of_failure = Q(events_text__contains=Event.FAILURE) | Q(events_text__contains=Event.DEAD_LETTER)
    covering = rules.filter(of_failure, Exists(told)).filter(_covers()).filter(_may_see())
    return Job.objects.exclude(status__in=OVER).filter(~Exists(covering))


def _covers() -> Q:
    """The scope of rules, for a job outside."""
    tags = JobTag.objects.filter(job=OuterRef(OuterRef("pk"))).values("name")
    return (
        Q(scope=Rule.Scope.ALL)
        | Q(scope=Rule.Scope.JOB, job=OuterRef("pk"))
        | Q(scope=Rule.Scope.OWNER, of_owner=OuterRef("owner"))
        | Q(scope=Rule.Scope.TAG, tag__in=tags)
    )


def _may_see() -> Q:
    seeing = Q(owner__roles__contains=Role.OPERATOR.value) | Q(owner__roles__contains=Role.ADMIN.value)
    return seeing | Q(owner=OuterRef("owner"))
