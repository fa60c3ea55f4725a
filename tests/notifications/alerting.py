"""Contact points, rules and ends of runs for tests."""

from datetime import timedelta

from notifications import known
from notifications.contacts import Contact
from notifications.rules import Event, Rule, RuleContact
from runs.models import Outcome, Run
from runs.settle import Ended, settle
from tests import factories

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def contact(owner, address="oncall@example.com", **fields):
    return Contact.objects.create(
        **{"owner": owner, "name": address, "channel": "EMAIL", "address": address, **fields}
    )


def rule(owner, *events, contacts=None, **fields):
    """A rule of these events for all jobs that its owner may see, with one contact point of theirs."""
    made = Rule.objects.create(
        **{"owner": owner, "name": "everything", "events": [str(event) for event in events], **fields}
    )
    for each in contacts if contacts is not None else [contact(owner)]:
        RuleContact.objects.create(rule=made, contact=each)
    known.forget()
    return made


FAILURES = (Event.FAILURE, Event.RECOVERY)


def running(job, *, at=factories.NOON, **fields):
    return factories.run(job, "RUNNING", at=at, claim_token="01J0TOKEN", **fields)


def ended(
    run, outcome=Outcome.FAILURE, *, at=None, error_class="HTTP_503", message="503 from billing", **how
):
    at = at or run.start_time + SECOND
    if outcome == Outcome.SUCCESS:
        return Ended(run, outcome, at, **how)
    return Ended(run, outcome, at, error_class=error_class, error_message=message, **how)


def end(job, outcome=Outcome.FAILURE, *, at=factories.NOON, **how):
    """A run of the job that starts at the instant and ends a second later."""
    run = running(job, at=at)
    settle([ended(run, outcome, **how)])
    return Run.objects.get(pk=run.pk)
