"""Contact points, a rule and the messages that the demo's history would have sent."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from notifications import sample, wording
from notifications.channel_names import Channel
from notifications.contacts import Contact
from notifications.models import Delivery, Notification
from notifications.rules import Event, Rule, RuleContact
from runs.models import DeadLetter, Outcome, Run

DAYS = 3
GONE = timedelta(hours=12)
SECONDS_TO_SEND = 3
_STORM = timedelta(minutes=40)
_REFUSAL = "hooks.example.com said 410 Gone: this hook was removed"
_DEAD_LETTER = "DLQ_OPENED"
_RECOVERED = "RECOVERED"
_FAILURE = "JOB_FAILURE"


def tell(
    runs: Sequence[Run], letters: Sequence[DeadLetter], *, to: User, at: datetime, storm: datetime
) -> None:
    """Add what a rule of theirs would have told the person in the last days, and of the outage at `storm`.

    The rule is muted, so that the demo writes to nobody.
    """
    contacts = _contacts(to, at)
    rule = _rule(to, contacts, at)
    messages = [
        message
        for letter in letters
        if letter.created_at > at - timedelta(days=DAYS)
        for message in _of_letter(letter, rule, contacts, at)
    ]
    messages += [
        _recovered(run, rule, contacts[0]) for run in _mended(runs) if _ended(run) > at - timedelta(days=DAYS)
    ]
    if stormy := [run for run in runs if _failed(run) and storm <= _ended(run) < storm + _STORM]:
        messages.append(_of_many(stormy, rule, contacts[0]))
    Notification.objects.bulk_create(sorted(messages, key=lambda message: message.created_at))


def _contacts(to: User, at: datetime) -> list[Contact]:
    mail = Contact(owner=to, name="My e-mail", channel=Channel.EMAIL, address=to.email)
    mail.verified_at = mail.last_ok_at = at - timedelta(hours=1)
    hook = Contact(
        owner=to,
        name="On-call hook",
        channel=Channel.WEBHOOK,
        address="https://hooks.example.com/ops/oncall",
        settings={"shape": "JSON"},
        shared=True,
        last_ok_at=at - GONE,
        last_error_at=at - timedelta(hours=1),
        last_error=_REFUSAL,
    )
    phone = Contact(owner=to, name="My phone", channel=Channel.SMS, address="+442079460199")
    return Contact.objects.bulk_create([mail, hook, phone])


def _rule(to: User, contacts: Sequence[Contact], at: datetime) -> Rule:
    rule = Rule.objects.create(
        name="Whatever gives up",
        owner=to,
        events=[Event.DEAD_LETTER.value, Event.FAILURE.value, Event.RECOVERY.value],
        muted_until=at + timedelta(days=365),
    )
    RuleContact.objects.bulk_create(RuleContact(rule=rule, contact=contact) for contact in contacts[:2])
    return rule


def _of_letter(
    letter: DeadLetter, rule: Rule, contacts: Sequence[Contact], at: datetime
) -> Iterator[Notification]:
    run = letter.run
    if run is None:
        return
    facts = {
        **_facts(_DEAD_LETTER, rule, run),
        "dead_letter": {"id": letter.pk, "url": f"/dead-letters/{letter.pk}/"},
    }
    mail, hook, _ = contacts
    yield _sent(_DEAD_LETTER, facts, rule, mail, run, answer="250 2.0.0 Ok: queued")
    if letter.created_at < at - GONE:
        yield _sent(_DEAD_LETTER, facts, rule, hook, run, answer="200 OK")
    else:
        yield _message(_DEAD_LETTER, facts, rule, hook, run, status=Delivery.FAILED, error=_REFUSAL)


def _recovered(run: Run, rule: Rule, contact: Contact) -> Notification:
    return _sent(_RECOVERED, _facts(_RECOVERED, rule, run), rule, contact, run, answer="250 2.0.0 Ok: queued")


def _of_many(runs: Sequence[Run], rule: Rule, contact: Contact) -> Notification:
    """One message of them all, as a storm of failures makes."""
    first = runs[0]
    jobs: dict[str, dict[str, Any]] = {}
    for run in runs:
        row = {"name": run.job.name, "count": 0, "event": _FAILURE, **_error(run), "url": f"/runs/{run.pk}/"}
        jobs.setdefault(run.job_id, row)["count"] += 1
    facts = {**_facts(_FAILURE, rule, first), "count": len(runs), "jobs": list(jobs.values()), "more_jobs": 0}
    message = _sent(_FAILURE, facts, rule, contact, first, answer="250 2.0.0 Ok: queued")
    message.count = len(runs)
    message.payload = {"first": _facts(_FAILURE, rule, first), "jobs": jobs}
    return message


def _facts(code: str, rule: Rule, run: Run) -> dict[str, Any]:
    return {
        "event": code,
        "at": _ended(run).isoformat(),
        "rule": rule.name,
        "count": 1,
        "job": sample.about(run.job),
        "run": sample.told(run, run.error_message),
        "mute_url": f"/notifications/rules/{rule.pk}/",
    }


def _error(run: Run) -> dict[str, str]:
    return {"error_class": run.error_class or "", "error_line": run.error_message or ""}


def _sent(
    code: str, facts: dict[str, Any], rule: Rule, contact: Contact, run: Run, *, answer: str
) -> Notification:
    message = _message(code, facts, rule, contact, run, status=Delivery.SENT, answer=answer)
    message.sent_at = message.created_at + timedelta(seconds=SECONDS_TO_SEND)
    return message


def _message(
    code: str, facts: dict[str, Any], rule: Rule, contact: Contact, run: Run, **fields: Any
) -> Notification:
    return Notification(
        user=contact.owner,
        job=run.job,
        run=run,
        rule=rule,
        contact=contact,
        channel=contact.channel,
        target=contact.address,
        template_code=code,
        payload={"first": facts},
        event_key=f"{code}:{run.pk}",
        group_key=f"{rule.pk}:{contact.pk}:{code}",
        created_at=_ended(run),
        attempts=1,
        next_attempt_at=None,
        subject=wording.render(code, contact.channel, facts).subject,
        **fields,
    )


def _mended(runs: Sequence[Run]) -> Iterator[Run]:
    """Runs that succeeded where their job's run before had given up."""
    last: dict[str, Run] = {}
    for run in sorted(runs, key=_ended):
        before = last.get(run.job_id)
        if (
            run.outcome == Outcome.SUCCESS
            and before
            and _failed(before)
            and before.scheduled_time < run.scheduled_time
        ):
            yield run
        last[run.job_id] = run


def _failed(run: Run) -> bool:
    return run.outcome in (Outcome.FAILURE, Outcome.TIMEOUT)


def _ended(run: Run) -> datetime:
    return run.end_time or run.scheduled_time
