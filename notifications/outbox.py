"""Put messages into the outbox: events of one group join the message that still waits."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from chronos_site.locks import locked
from notifications import hours
from notifications.contacts import Contact
from notifications.happenings import DIGEST, Happening
from notifications.models import Notification
from notifications.rules import Rule

# What one message tells in full, and of how many jobs it knows that they are not the same.
MOST_JOBS = 10
MOST_OTHERS = 500

Groups = dict[str, list[Happening]]


def post(happenings: Iterable[Happening]) -> None:
    """Write the messages of these events, or add the events to messages that nobody has taken yet.

    Call it in the transaction that causes them, after everything else is locked: who posts for a rule holds
    it until the end, so that of two that post at once the second finds the first one's message.
    """
    groups = _grouped(happenings)
    if not groups:
        return
    there = _held(groups)
    waiting = locked(Notification.objects.filter(open_key__in=groups).order_by("pk"))
    open_ones = {message.open_key: message for message in waiting}
    for key, group in groups.items():
        if not {group[0].known.rule.pk, _contact(group[0], key).pk} <= there:
            continue
        if message := open_ones.get(key):
            _join(message, group)
        else:
            _open(key, group)


def _grouped(happenings: Iterable[Happening]) -> Groups:
    groups: Groups = defaultdict(list)
    for each in happenings:
        held = hours.held_until(each.known.rule, each.at, urgent=each.urgent) is not None
        for contact in each.known.contacts:
            kind = DIGEST if held else each.template
            groups[f"{each.known.rule.pk}:{contact.pk}:{kind}"].append(each)
    return dict(sorted(groups.items()))


def _held(groups: Groups) -> set[str]:
    """Those of the rules and contact points that are still there, locked: messages refer to them."""
    rules = hold_rules(each.known.rule.pk for group in groups.values() for each in group)
    contacts = {_contact(group[0], key).pk for key, group in groups.items()}
    found = locked(Contact.objects.filter(pk__in=contacts).order_by("pk"))
    return rules | set(found.values_list("pk", flat=True))


def hold_rules(rule_ids: Iterable[str]) -> set[str]:
    """Those of the rules that are still there, locked until the transaction ends."""
    wanted = set(rule_ids)
    if not wanted:
        return set()
    found = locked(Rule.objects.filter(pk__in=wanted).order_by("pk"))
    return set(found.values_list("pk", flat=True))


def _join(message: Notification, group: Sequence[Happening]) -> None:
    message.count += len(group)
    message.payload = _with(message.payload or {}, group)
    message.save(update_fields=["count", "payload"])


def _open(key: str, group: Sequence[Happening]) -> None:
    first = group[0]
    rule = first.known.rule
    contact = _contact(first, key)
    held = hours.held_until(rule, first.at, urgent=first.urgent)
    # What joins while it waits may be of any kind: only the first of a digest says when it goes out.
    due = held or max(first.at + timedelta(seconds=rule.group_seconds), _earliest(key, first.at))
    Notification.objects.create(
        user_id=contact.owner_id,
        job_id=first.job.pk if first.job else None,
        run_id=first.run_id,
        rule=rule,
        contact_id=contact.pk,
        channel=contact.channel,
        target=contact.address,
        template_code=DIGEST if held else first.template,
        payload=_with({}, group),
        count=len(group),
        event_key=first.key,
        group_key=key,
        open_key=key,
        created_at=first.at,
        next_attempt_at=due,
        held_until=held,
    )


def _contact(happening: Happening, key: str) -> Contact:
    return next(each for each in happening.known.contacts if f":{each.pk}:" in key)


def _earliest(key: str, at: datetime) -> datetime:
    """When the group's next message may go out: some minutes after its last one."""
    last = Notification.objects.filter(group_key=key).order_by("-pk").values_list("sent_at", "created_at")
    sent, created = last.first() or (None, None)
    before = sent or created
    return before + hours.APART if before else at


def _with(payload: dict[str, Any], group: Sequence[Happening]) -> dict[str, Any]:
    """The payload with the events of the group: the first one's facts, and the jobs that they are about."""
    jobs: dict[str, Any] = payload.setdefault("jobs", {})
    others: list[str] = payload.setdefault("others", [])
    for each in group:
        payload.setdefault("first", each.told)
        if each.job is None:
            continue
        if known := jobs.get(each.job.pk):
            known["count"] += 1
        elif len(jobs) < MOST_JOBS:
            jobs[each.job.pk] = _row(each)
        elif each.job.pk not in others and len(others) < MOST_OTHERS:
            others.append(each.job.pk)
    return payload


def _row(each: Happening) -> dict[str, Any]:
    run = each.facts.get("run") or {}
    return {
        "name": each.job.name if each.job else "",
        "count": 1,
        "event": each.template,
        "error_class": run.get("error_class") or "",
        "error_line": run.get("error_line") or "",
        "url": run.get("url") or (f"/jobs/{each.job.pk}/" if each.job else ""),
    }


def facts(message: Notification) -> dict[str, Any]:
    """What the message tells, for its template."""
    payload = message.payload or {}
    told = dict(payload.get("first") or {})
    told["count"] = message.count
    if message.count > 1:
        told["jobs"] = list((payload.get("jobs") or {}).values())
        told["more_jobs"] = len(payload.get("others") or ())
    if message.held_until:
        told["period"] = "the hours in which messages were held back"
    return told
