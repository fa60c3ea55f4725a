"""Turn the ends of runs into what rules tell: in the transaction that settles them, and never in its way."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from chronos_site.locks import locked
from notifications import heartbeats, known
from notifications.acknowledged import acknowledged
from notifications.alerts import Alert
from notifications.happenings import Happening, line
from notifications.known import Known, Subject
from notifications.outbox import hold_rules, post
from notifications.rules import Event
from runs.models import Outcome
from runs.settle import Ended
from runs.signals import Settled

logger = logging.getLogger(__name__)


def hear(group: Settled, **_: Any) -> None:
    """Write what the ends of these runs give to tell; a failure of ours changes nothing about the runs."""
    if known.silent():
        return
    try:
        with transaction.atomic():
            _hear(group)
    except Exception:  # whatever it is, the runs need their outcome
        if connection.needs_rollback:
            # The database has taken all of it back, and the runs' ends with it: they are to be settled again.
            raise
        logger.exception("alerts of %d runs are not written", len(group.ended))


def _hear(group: Settled) -> None:
    rules = known.rules()
    well = [ended for ended in group.ended if ended.outcome == Outcome.SUCCESS]
    if beating := known.beating() & {ended.run.job_id for ended in well}:
        heartbeats.succeeded(beating, max(ended.at for ended in well))
    if not (rules or known.failing()):
        return
    failed = [ended for ended in group.ended if ended.failed]
    open_ones = _open_about({ended.run.job_id for ended in (*failed, *well)})
    about = {ended.run.job_id for ended in failed} | {job_id for _, job_id in open_ones.values()}
    if any(each.wants(Event.SUCCESS) for each in rules):
        about |= {ended.run.job_id for ended in well}
    jobs = known.subjects(about, with_tags=any(each.rule.tag for each in rules))
    concerned = [each for each in rules if any(each.covers(job) for job in jobs.values())]
    # Whoever deletes a rule locks it before what is open for it: so do we.
    there = hold_rules({each.rule.pk for each in concerned} | {rule_id for rule_id, _ in open_ones.values()})
    if not there:
        return
    books = _Books([each for each in concerned if each.rule.pk in there], jobs, _locked(open_ones))
    books.silenced = _silenced(failed)
    # In the order in which they ended: a job may fail and recover within one group.
    for ended in sorted(group.ended, key=lambda each: (each.at, each.run.pk)):
        if ended.run.job_id not in jobs:
            continue
        if ended.outcome == Outcome.SUCCESS:
            books.went_well(ended)
        elif ended.failed and ended.run.pk in group.again:
            books.is_tried_again(ended)
        elif ended.failed:
            books.failed(ended, group.letters.get(ended.run.pk))
    books.close()


Key = tuple[str, str]


def _open_about(job_ids: Collection[str]) -> dict[int, Key]:
    """What is open about these jobs: the alerts' ids with those of their rules and jobs."""
    found = Alert.objects.failing().filter(job__in=list(job_ids)).values_list("pk", "rule_id", "job_id")
    return {pk: (rule_id, str(job_id)) for pk, rule_id, job_id in found}


def _locked(open_ones: Collection[int]) -> dict[Key, Alert]:
    """Those that are still open, by rule and job, locked."""
    if not open_ones:
        return {}
    alerts = locked(Alert.objects.filter(pk__in=list(open_ones)).order_by("pk"))
    return {(alert.rule_id, str(alert.job_id)): alert for alert in alerts if alert.closed_at is None}


def _silenced(failed: Sequence[Ended]) -> set[str]:
    if not failed:
        return set()
    signatures = {ended.signature for ended in failed}
    at = max(ended.at for ended in failed)
    return acknowledged({ended.run.job_id for ended in failed}, signatures, at)


def tells_of_failure(
    wanted: Collection[str], after: int, *, count: int, told: bool, letter: bool
) -> Event | None:
    """What the `count`th failure in a row gives to tell, if anything; `told` says whether it was told before.

    The failure is told once; a dead letter is told each time, since each waits for a decision.
    """
    if Event.FAILURE in wanted and count >= after and not told:
        return Event.FAILURE
    if Event.DEAD_LETTER in wanted and letter:
        return Event.DEAD_LETTER
    return None


class _Books:
    """What is open about some jobs while their runs end one after the other, and what is to be told of it."""

    def __init__(self, rules: Sequence[Known], jobs: Mapping[str, Subject], alerts: dict[Key, Alert]) -> None:
        self._rules, self._jobs, self._alerts = rules, jobs, alerts
        self.silenced: Collection[str] = ()
        self._made: list[Alert] = []
        self._changed: dict[int, Alert] = {}
        self._told: list[Happening] = []

    def _of(self, ended: Ended, *events: Event) -> Iterator[tuple[Known, Subject]]:
        job = self._jobs[ended.run.job_id]
        return ((each, job) for each in self._rules if each.wants(*events) and each.covers(job))

    def went_well(self, ended: Ended) -> None:
        over = self._over(ended)
        for each, job in self._of(ended, Event.SUCCESS, Event.RECOVERY):
            alert = over.get(each.rule.pk)
            if alert and alert.told_at and each.wants(Event.RECOVERY):
                self._tell(each, Event.RECOVERY, ended, job, _lasted(alert))
            elif each.wants(Event.SUCCESS):
                self._tell(each, Event.SUCCESS, ended, job)

    def _over(self, ended: Ended) -> dict[str, Alert]:
        """Close what is open about the job, by its rules; also for rules that say nothing of it now.

        Were it left open, the next failure would be taken for one that was told.
        """
        keys = [key for key in self._alerts if key[1] == ended.run.job_id]
        over = {rule_id: self._alerts.pop((rule_id, job_id)) for rule_id, job_id in keys}
        for alert in over.values():
            alert.close(ended.at)
            self._note(alert)
        return over

    def is_tried_again(self, ended: Ended) -> None:
        for each, job in self._of(ended, Event.RETRY):
            if not self._is_silenced(ended):
                self._tell(each, Event.RETRY, ended, job)

    def failed(self, ended: Ended, letter: str | None) -> None:
        for each, job in self._of(ended, Event.FAILURE, Event.DEAD_LETTER):
            alert = self._counted(each, job, ended)
            event = tells_of_failure(
                each.events,
                each.rule.after_failures,
                count=alert.count,
                told=alert.told_at is not None,
                letter=letter is not None,
            )
            if event is None or self._is_silenced(ended):
                continue
            if alert.told_at is None:
                alert.told_at = ended.at
                alert.remind_at = each.reminds_at(ended.at)
            dead = {"dead_letter": {"id": letter, "url": f"/dead-letters/{letter}/"}} if letter else {}
            self._tell(each, event, ended, job, {**_lasted(alert), **dead})

    def _counted(self, each: Known, job: Subject, ended: Ended) -> Alert:
        """What is open about the job for the rule, with this failure in it."""
        alert = self._alerts.get((each.rule.pk, job.pk))
        if alert is None:
            alert = Alert(
                rule=each.rule,
                kind=Alert.Kind.FAILING,
                job_id=job.pk,
                open_key=f"{each.rule.pk}:{Alert.Kind.FAILING.value}:{job.pk}",
                opened_at=ended.at,
                count=0,
            )
            self._alerts[each.rule.pk, job.pk] = alert
            self._made.append(alert)
        alert.count += 1
        alert.last_at, alert.run_id = ended.at, ended.run.pk
        alert.reason = f"{ended.error_class}: {line(ended.error_message)}"[:255]
        self._note(alert)
        return alert

    def _note(self, alert: Alert) -> None:
        if alert.pk:
            self._changed[alert.pk] = alert

    def _is_silenced(self, ended: Ended) -> bool:
        subjects = {ended.run.job_id, ended.signature}
        return bool(self.silenced) and not subjects.isdisjoint(self.silenced)

    def _tell(
        self,
        each: Known,
        event: Event,
        ended: Ended,
        job: Subject,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        key = f"{event.value}:{ended.run.pk}"
        facts = {"run": _run(ended), **(more or {})}
        self._told.append(Happening(each, event, key, ended.at, job, ended.run.pk, facts))

    def close(self) -> None:
        """Write what is open now, and post what is to be told."""
        Alert.objects.bulk_create(self._made)
        if self._changed:
            Alert.objects.bulk_update(self._changed.values(), _CHANGED)
        post(self._told)


_CHANGED = (
    "count",
    "last_at",
    "run",
    "reason",
    "told_at",
    "remind_at",
    "closed_at",
    "open_key",
)


def _lasted(alert: Alert) -> dict[str, Any]:
    return {"since": alert.opened_at.isoformat(), "failures_in_a_row": alert.count}


def _run(ended: Ended) -> dict[str, Any]:
    run = ended.run
    duration = ended.duration_ms
    told = {
        "id": run.pk,
        "url": f"/runs/{run.pk}/",
        "attempt": run.attempt,
        "scheduled_time": run.scheduled_time.isoformat(),
        "started": _iso(run.start_time),
        "ended": ended.at.isoformat(),
        "duration": None if duration is None else duration / 1000,
        "outcome": ended.outcome.value,
    }
    if ended.failed:
        told |= {"error_class": ended.error_class, "error_line": line(ended.error_message)}
    return told


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
