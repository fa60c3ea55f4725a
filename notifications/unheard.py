"""Jobs whose failures nobody is told of."""

from django.db.models import Q

from jobs.models import Job, JobQuerySet, JobTag, Status
from notifications import known
from notifications.rules import Event, Rule

OF_FAILURE = (Event.FAILURE, Event.DEAD_LETTER)
OVER = (Status.CANCELLED, Status.SUCCEEDED)


def unheard() -> JobQuerySet:
    """Jobs that may still run and that no rule tells of when they fail."""
    jobs = Job.objects.exclude(status__in=OVER)
    for each in known.rules():
        if each.wants(*OF_FAILURE):
            heard = _scope(each.rule) & (Q() if each.sees_all else Q(owner=each.rule.owner_id))
            # No condition at all means every job.
            jobs = jobs.exclude(heard) if heard else Job.objects.none()
    return jobs


def _scope(rule: Rule) -> Q:
    return {
        Rule.Scope.ALL: Q(),
        Rule.Scope.JOB: Q(pk=rule.job_id),
        Rule.Scope.TAG: Q(pk__in=JobTag.objects.filter(name=rule.tag).values("job")),
        Rule.Scope.OWNER: Q(owner=rule.of_owner_id),
    }[Rule.Scope(rule.scope)]
