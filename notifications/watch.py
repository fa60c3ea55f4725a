"""Look for what no run's end tells: late starts, silent workers, slow runs, trouble of Chronos; remind.

The scheduler whose turn it is looks every few seconds; of a scheduler that is gone, a worker tells.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from redis import RedisError

from chronos_site.clock import database_now
from chronos_site.locks import locked
from jobs.models import Priority
from notifications import deliver, heartbeats, known
from notifications.acknowledged import acknowledged
from notifications.alerts import Alert
from notifications.happenings import Happening
from notifications.known import Known, Subject
from notifications.outbox import hold_rules, post
from notifications.rules import Event
from runs import history, late
from runs.carrying import something_waits
from runs.models import Process, Run, Trigger
from runs.ring import ring, store
from runs.stops import Stop

logger = logging.getLogger(__name__)

# What is looked at in one round: more of it would tell nothing new.
MOST = 200
MOST_COMPARED = 30
MOST_PROMISED = 1000
# Rescue ends a lost run within seconds; a lease that is over for longer is nobody's.
SILENT_AFTER = timedelta(seconds=10)
# A pause by hand of a few minutes is nobody's trouble.
STOPPED_AFTER = timedelta(minutes=10)
# A message that waits for longer has no worker that hears bells: whoever lives delivers it.
OVERDUE = timedelta(seconds=30)
LASTING = timedelta(seconds=25)

Kind = Alert.Kind
EVENTS: Mapping[Kind, Event] = {
    Kind.FAILING: Event.FAILURE,
    Kind.LATE: Event.LATE,
    Kind.STUCK: Event.STUCK,
    Kind.SLOW: Event.SLOW,
    Kind.SCHEDULER: Event.SCHEDULER,
}
PER_RUN = (Kind.LATE, Kind.STUCK, Kind.SLOW)


def watch(**_: Any) -> None:
    """One round of the scheduler that keeps house."""
    at = database_now()
    heartbeats.ticked(at)
    deliver.give_up(at)
    rules = known.rules()
    if not rules:
        return
    for kind in PER_RUN:
        if any(each.wants(EVENTS[kind]) for each in rules):
            _watch_runs(kind, rules, at)
    _watch_chronos(rules, at, redis=True)
    remind(at)


def watch_from_a_worker(*, idle: bool, **_: Any) -> None:
    """Tell of what only somebody else than the scheduler can tell, and deliver what nobody is woken for."""
    at = database_now()
    if _schedulers(at) == 0 and (rules := known.rules()):
        _watch_chronos(rules, at, redis=False)
    # With Redis away no bell rings, and that itself may be the message.
    if idle and deliver.waiting(at - OVERDUE).exists():
        deliver.deliver(_once())


def _once() -> Any:
    rounds = iter((True,))
    return lambda: next(rounds, False)


# Runs


@dataclass(frozen=True)
class Sight:
    """A run that is late, silent or slow, and since when."""

    run_id: str
    job_id: str
    since: datetime
    facts: Mapping[str, Any]


def _watch_runs(kind: Kind, rules: Sequence[Known], at: datetime) -> None:
    seen = {Kind.LATE: _late, Kind.STUCK: _silent, Kind.SLOW: _slow}[kind](at)
    by_job: dict[str, Sight] = {}
    for sight in seen:
        by_job.setdefault(sight.job_id, sight)
    whole = len(seen) < MOST
    _tell_of_runs(kind, rules, by_job, at, whole=whole)


def _late(at: datetime) -> list[Sight]:
    """Runs that miss a promise, or may start and have not for a minute, but for what somebody backfills."""
    waiting = late.waiting(Run.objects.exclude(trigger=Trigger.BACKFILL), at).order_by("available_at")
    rows = waiting.values_list("pk", "job_id", "available_at", "scheduled_time", "attempt")[:MOST]
    due = [
        Sight(pk, job_id, since, _run(pk, scheduled_time=tick, attempt=attempt))
        for pk, job_id, since, tick, attempt in rows
        if since
    ]
    promised = (late.Promised(*row) for row in late.promised(Run.objects.all())[:MOST_PROMISED])
    missed = [run for run in promised if run.missed(at)]
    return due + [_broken_promise(run) for run in missed[:MOST]]


def _broken_promise(run: late.Promised) -> Sight:
    facts = _run(run.pk, scheduled_time=run.tick, attempt=run.attempt, started=run.start_time)
    return Sight(run.pk, run.job_id, run.tick, facts)


def _silent(at: datetime) -> list[Sight]:
    """Runs whose worker has not renewed the lease."""
    silent = Run.objects.running().filter(lease_expires_at__lt=at - SILENT_AFTER).order_by("lease_expires_at")
    rows = silent.values_list("pk", "job_id", "lease_expires_at", "scheduled_time", "attempt", "start_time")
    return [
        Sight(pk, job_id, since, _run(pk, scheduled_time=tick, attempt=attempt, started=started))
        for pk, job_id, since, tick, attempt, started in rows[:MOST]
        if since
    ]


def _slow(at: datetime) -> list[Sight]:
    """Of the runs in progress that take longest, those that are far over their usual."""
    going = Run.objects.running().filter(start_time__lt=at - late.LATE_AFTER).order_by("start_time")
    rows = list(going.values_list("pk", "job_id", "start_time", "scheduled_time", "attempt")[:MOST_COMPARED])
    past = history.last_runs({row[1] for row in rows})
    return list(_over_usual(rows, past, at))


def _over_usual(rows: Iterable[Any], past: Mapping[str, Sequence[Run]], at: datetime) -> Iterator[Sight]:
    for pk, job_id, started, tick, attempt in rows:
        usual = late.usual(past.get(job_id, ()))
        seconds = (at - started).total_seconds()
        if usual and late.is_slow(seconds, usual):
            facts = _run(pk, scheduled_time=tick, attempt=attempt, started=started)
            facts["run"] |= {"duration": seconds, "usual": usual.p50 / 1000}
            yield Sight(pk, job_id, started, facts)


def _run(pk: str, *, attempt: int, **instants: datetime | None) -> dict[str, Any]:
    told = {name: at.isoformat() if at else None for name, at in instants.items()}
    return {"run": {"id": pk, "url": f"/runs/{pk}/", "attempt": attempt, **told}}


@transaction.atomic
def _tell_of_runs(
    kind: Kind, rules: Sequence[Known], seen: Mapping[str, Sight], at: datetime, *, whole: bool
) -> None:
    """Open what is new, close what is over; `whole` says that all there is was seen."""
    wanted = [each for each in rules if each.wants(EVENTS[kind])]
    open_ones = {
        (alert.rule_id, str(alert.job_id)): alert
        for alert in Alert.objects.open().filter(kind=kind, rule__in=[each.rule.pk for each in wanted])
    }
    over = [alert.pk for (_, job_id), alert in open_ones.items() if whole and job_id not in seen]
    Alert.objects.open().filter(pk__in=over).close(at)
    jobs = known.subjects(seen, with_tags=any(each.rule.tag for each in wanted))
    new = [
        (each, job)
        for each in wanted
        for job in jobs.values()
        if each.covers(job) and (each.rule.pk, job.pk) not in open_ones
    ]
    there = hold_rules(each.rule.pk for each, _ in new)
    quiet = acknowledged(set(jobs), (), at) if new else set()
    new = [(each, job) for each, job in new if each.rule.pk in there and job.pk not in quiet]
    _open(kind, [(each, job, seen[job.pk]) for each, job in new], at)


def _open(kind: Kind, new: Sequence[tuple[Known, Subject, Sight]], at: datetime) -> None:
    Alert.objects.bulk_create(
        Alert(
            rule=each.rule,
            kind=kind,
            job_id=job.pk,
            run_id=sight.run_id,
            open_key=f"{each.rule.pk}:{kind.value}:{job.pk}",
            opened_at=sight.since,
            last_at=at,
            told_at=at,
            remind_at=each.reminds_at(at),
        )
        for each, job, sight in new
    )
    post(
        Happening(
            each,
            EVENTS[kind],
            # A run may be late twice: when it starts, and when it ends.
            f"{kind.value}:{sight.run_id}:{at.isoformat()}",
            at,
            job,
            sight.run_id,
            {**sight.facts, "since": sight.since.isoformat()},
        )
        for each, job, sight in new
    )


# Chronos itself


def troubles(at: datetime, *, redis: bool) -> dict[str, str]:
    """What is wrong with Chronos itself, by a name for it, each as a sentence."""
    found: dict[str, str] = {}
    alive = set(Process.objects.alive(at).values_list("kind", flat=True))
    if Process.Kind.SCHEDULER not in alive:
        found["SCHEDULER"] = (
            "No scheduler has given a sign of life for half a minute: nothing is started on time."
        )
    if Process.Kind.WORKER not in alive:
        found["WORKER"] = "No worker has given a sign of life for half a minute: what is due waits."
    old = Stop.objects.exclude(kind=Stop.Kind.WORKER).filter(since__lt=at - STOPPED_AFTER)
    for kind, name in old.values_list("kind", "name"):
        if kind == Stop.Kind.FIRING:
            found["FIRING"] = "Firing has been paused for more than ten minutes: no schedule starts anything."
        else:
            found[f"QUEUE:{name}"] = f"The queue {name} has been stopped for more than ten minutes."
    if redis and not _redis_answers():
        found["REDIS"] = "Redis does not answer: no worker hears that there is something to do."
    return found


def _redis_answers() -> bool:
    try:
        return bool(store(settings.REDIS_URL).ping())
    except RedisError:
        return False


def _schedulers(at: datetime) -> int:
    return Process.objects.alive(at).filter(kind=Process.Kind.SCHEDULER).count()


# When each trouble was first seen by this process: what passes by itself is nobody's news.
_seen: dict[str, datetime] = {}


def lasting(found: Mapping[str, str], seen: dict[str, datetime], at: datetime) -> dict[str, str]:
    """Those of the troubles that were seen for a while; `seen` keeps since when."""
    for name in [name for name in seen if name not in found]:
        del seen[name]
    return {name: told for name, told in found.items() if seen.setdefault(name, at) <= at - LASTING}


def _watch_chronos(rules: Sequence[Known], at: datetime, *, redis: bool) -> None:
    wanted = [each for each in rules if each.wants(Event.SCHEDULER) and each.sees_all]
    if wanted:
        wrong = lasting(troubles(at, redis=redis), _seen, at)
        _tell_of_chronos(wanted, wrong, at, redis=redis)
        if not redis and something_waits():
            ring([Priority.HIGH.rank])


@transaction.atomic
def _tell_of_chronos(rules: Sequence[Known], wrong: Mapping[str, str], at: datetime, *, redis: bool) -> None:
    there = hold_rules(each.rule.pk for each in rules)
    found = locked(Alert.objects.open().filter(kind=Kind.SCHEDULER, rule__in=there).order_by("pk"))
    open_ones = {(alert.rule_id, alert.about): alert for alert in found}
    told: list[Happening] = []
    by_rule = {each.rule.pk: each for each in rules if each.rule.pk in there}
    for (rule_id, about), alert in open_ones.items():
        # Who cannot see Redis from where it stands does not say that it is back.
        if about not in wrong and (redis or about != "REDIS"):
            _is_over(alert, at)
            if by_rule[rule_id].wants(Event.RECOVERY):
                told.append(
                    _of_chronos(by_rule[rule_id], Event.RECOVERY, about, alert.reason, alert.opened_at, at)
                )
    for each in by_rule.values():
        for about, problem in wrong.items():
            if (each.rule.pk, about) not in open_ones:
                _open_chronos(each, about, problem, at)
                told.append(_of_chronos(each, Event.SCHEDULER, about, problem, at, at))
    post(told)


def _is_over(alert: Alert, at: datetime) -> None:
    alert.close(at)
    alert.save(update_fields=["closed_at", "open_key", "remind_at"])


def _open_chronos(each: Known, about: str, problem: str, at: datetime) -> None:
    Alert.objects.create(
        rule=each.rule,
        kind=Kind.SCHEDULER,
        about=about,
        reason=problem,
        open_key=f"{each.rule.pk}:{Kind.SCHEDULER.value}:{about}",
        opened_at=at,
        last_at=at,
        told_at=at,
        remind_at=each.reminds_at(at),
    )


def _of_chronos(
    each: Known, event: Event, about: str, problem: str, since: datetime, at: datetime
) -> Happening:
    key = f"{event.value}:{about}:{at.isoformat()}"
    return Happening(each, event, key, at, facts={"problem": problem, "since": since.isoformat()})


# Reminders


@transaction.atomic
def remind(at: datetime) -> int:
    """Tell once more what is not over, as often as its rule says; gives how many were told."""
    due = Alert.objects.open().filter(remind_at__lte=at, told_at__isnull=False).order_by("pk")
    rules = {each.rule.pk: each for each in known.rules()}
    found = list(due.filter(rule__in=rules).values_list("pk", "rule_id", "job_id")[:MOST])
    if not found:
        return 0
    there = hold_rules(rule_id for _, rule_id, _ in found)
    alerts = [
        alert
        for alert in locked(Alert.objects.filter(pk__in=[pk for pk, *_ in found]).order_by("pk"))
        if alert.closed_at is None and alert.rule_id in there
    ]
    job_ids = {str(alert.job_id) for alert in alerts if alert.job_id}
    jobs = known.subjects(job_ids, with_tags=any(each.rule.tag for each in rules.values()))
    alerts = _still_told(alerts, rules, jobs, at)
    quiet = acknowledged(job_ids, (), at)
    told = [
        _reminder(alert, rules[alert.rule_id], jobs, at)
        for alert in alerts
        if alert.job_id not in quiet and rules[alert.rule_id].rule.remind_seconds
    ]
    for alert in alerts:
        alert.remind_at = rules[alert.rule_id].reminds_at(at)
    Alert.objects.bulk_update(alerts, ["remind_at", "reminded"])
    post(told)
    return len(told)


def _still_told(
    alerts: Sequence[Alert], rules: Mapping[str, Known], jobs: Mapping[str, Subject], at: datetime
) -> list[Alert]:
    """Those that their rules would tell of today; the others are closed."""
    told = [alert for alert in alerts if _tells(rules[alert.rule_id], alert, jobs)]
    others = {alert.pk for alert in alerts} - {alert.pk for alert in told}
    Alert.objects.filter(pk__in=others).close(at)
    return told


def _tells(each: Known, alert: Alert, jobs: Mapping[str, Subject]) -> bool:
    kind = Kind(alert.kind)
    if not each.wants(EVENTS[kind], *((Event.DEAD_LETTER,) if kind is Kind.FAILING else ())):
        return False
    if kind is Kind.SCHEDULER:
        return each.sees_all
    job = jobs.get(str(alert.job_id))
    return job is not None and each.covers(job)


def _reminder(alert: Alert, each: Known, jobs: Mapping[str, Subject], at: datetime) -> Happening:
    alert.reminded += 1
    facts: dict[str, Any] = {"since": alert.opened_at.isoformat(), "reminder": True}
    if alert.kind == Kind.SCHEDULER:
        facts["problem"] = alert.reason
    if alert.kind == Kind.FAILING:
        error_class, _, error_line = alert.reason.partition(": ")
        facts["failures_in_a_row"] = alert.count
        facts["run"] = {
            "id": alert.run_id,
            "url": f"/runs/{alert.run_id}/",
            "error_class": error_class,
            "error_line": error_line,
        }
    job = jobs.get(str(alert.job_id))
    key = f"REMIND:{alert.pk}:{alert.reminded}"
    return Happening(each, EVENTS[Kind(alert.kind)], key, at, job, alert.run_id, facts)
