"""What is too old goes, and nothing else does."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from chronos_site.schema import first_id, new_ulid
from jobs.executors import base
from runs import artefacts, days, purge, retention
from runs.artefacts import Artefact
from runs.bulk import BulkItem, BulkOperation
from runs.housekeeping import House, everything
from runs.models import DeadLetter, Process, Run, RunLog, Skip
from runs.processes import beat
from runs.trials import Trial
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

DAY = timedelta(days=1)


def made(at):
    """A fresh id of that time."""
    return first_id(at)[:10] + new_ulid()[10:]


def ago(**span):
    return timezone.now() - timedelta(**span)


def run(job, state="SUCCESS", *, old, **fields):
    at = ago(days=old, minutes=fields.pop("minutes", 0))
    return factories.run(job, state, at=at, **{"pk": made(at), **fields})


@pytest.fixture
def probe():
    """A job whose last run was good and is of today."""
    job = factories.job()
    run(job, old=0)
    return job


def keep_house():
    at = timezone.now()
    while days.roll_up(at):
        pass
    return sum(everything())


def left(model=Run):
    return set(model.objects.values_list("pk", flat=True))


# Runs


@pytest.mark.parametrize(
    ("state", "kept", "fields"),
    [
        ("SUCCESS", 90, {}),
        ("FAILURE", 180, {}),
        ("TIMEOUT", 180, {}),
        ("CANCELLED", 90, {}),
        ("CANCELLED", 30, {"skip_reason": Skip.OVERLAP, "skipped_count": 1}),
    ],
)
def test_a_run_goes_when_its_time_is_over(probe, state, kept, fields):
    gone, stays = run(probe, state, old=kept + 1, **fields), run(probe, state, old=kept - 1, **fields)
    keep_house()
    assert gone.pk not in left()
    assert stays.pk in left()


def test_the_last_run_and_the_last_good_one_of_a_job_stay():
    job = factories.job()
    good, _, bad = run(job, old=400), run(job, "FAILURE", old=399), run(job, "FAILURE", old=398)
    keep_house()
    assert left() == {good.pk, bad.pk}


def test_a_skipped_tick_is_not_the_last_run_of_a_job():
    job = factories.job()
    good = run(job, old=400)
    run(job, "CANCELLED", old=399, skip_reason=Skip.MISFIRE, skipped_count=3)
    keep_house()
    assert left() == {good.pk}


@pytest.mark.parametrize("state", ["PENDING", "RUNNING"])
def test_what_has_not_ended_stays_however_old_it_is(probe, state):
    active = run(probe, state, old=900)
    keep_house()
    assert active.pk in left()


def test_a_run_goes_with_all_that_belongs_to_it(probe):
    old = run(probe, "FAILURE", old=200)
    factories.log(old, "one", "two")
    artefacts.keep([(old.pk, base.Artefact("a.txt", b"x" * 10, "text/plain"))])
    keep_house()
    assert not RunLog.objects.exists()
    assert not Artefact.objects.exists()


def test_a_long_log_goes_in_pieces_before_its_run(probe):
    old = run(probe, "FAILURE", old=200)
    factories.log(old, *map(str, range(2500)))
    assert list(purge.remove("RUNS_FAILED", [old.pk])) == [0, 0, 0, 1]


def test_runs_of_days_that_are_not_added_up_stay(probe):
    old = run(probe, "FAILURE", old=200)
    assert sum(everything()) == 0
    assert old.pk in left()


def test_what_is_purged_is_still_in_the_totals_of_its_day(probe):
    run(probe, "FAILURE", old=200)
    keep_house()
    assert probe.days.get(failed=1).day == ago(days=200).date()


# Dead letters


def letter(run, status="PENDING", old=0):
    closed = {} if status == "PENDING" else {"resolved_at": ago(days=old)}
    at = ago(days=old)
    return DeadLetter.objects.create(
        pk=made(at), job=run.job, run=run, failure_reason="x", status=status, created_at=at, **closed
    )


def test_an_open_dead_letter_keeps_its_run_its_log_and_its_files(probe):
    old = run(probe, "FAILURE", old=900)
    waits = letter(old, old=900)
    factories.log(old, "why")
    artefacts.keep([(old.pk, base.Artefact("a.txt", b"x", "text/plain"))])
    keep_house()
    assert (left(DeadLetter), RunLog.objects.count()) == ({waits.pk}, 1)
    assert old.pk in left()


def test_a_dead_letter_that_is_opened_once_more_while_it_is_to_go_stays_with_all_of_its_run(probe):
    old = run(probe, "FAILURE", old=900)
    waits = letter(old, "RESOLVED", old=400)
    factories.log(old, "why")
    artefacts.keep([(old.pk, base.Artefact("a.txt", b"x", "text/plain"))])
    keys = {
        "LETTERS_CLOSED": [waits.pk],
        "ARTEFACTS": list(left(Artefact)),
        "LOGS_FAILED": list(left(RunLog)),
        "RUNS_FAILED": [old.pk],
    }
    DeadLetter.objects.update(status="PENDING")
    assert {code: sum(purge.remove(code, each)) for code, each in keys.items()} == dict.fromkeys(keys, 0)
    assert (left(DeadLetter), RunLog.objects.count(), Artefact.objects.count()) == ({waits.pk}, 1, 1)
    DeadLetter.objects.update(status="RESOLVED")
    assert {code: sum(purge.remove(code, each)) for code, each in keys.items()} == dict.fromkeys(keys, 1)


@pytest.mark.parametrize("status", ["RESOLVED", "IGNORED"])
def test_a_closed_dead_letter_goes_a_year_after_it_was_closed(probe, status):
    _, stays = (letter(run(probe, "FAILURE", old=old - 300), status, old) for old in (366, 364))
    keep_house()
    assert left(DeadLetter) == {stays.pk}


# Logs and files


@pytest.mark.parametrize(
    ("state", "kept"), [("SUCCESS", 30), ("CANCELLED", 30), ("FAILURE", 90), ("TIMEOUT", 90)]
)
def test_the_log_goes_before_the_run(probe, state, kept):
    gone, stays = run(probe, state, old=kept + 1), run(probe, state, old=kept - 1)
    for each in (gone, stays):
        factories.log(each, "line")
    keep_house()
    assert set(RunLog.objects.values_list("run_id", flat=True)) == {stays.pk}
    assert gone.pk in left()


def file_of(run, old):
    return Artefact.objects.create(
        pk=made(ago(days=old)), run=run, name="a", media_type="text/plain", size=0, created_at=ago(days=old)
    )


def test_files_go_after_a_month_but_not_those_of_open_dead_letters(probe):
    _, needed, stays = (
        file_of(run(probe, "FAILURE", old=40, minutes=n), old) for n, old in enumerate((31, 31, 29))
    )
    letter(needed.run)
    keep_house()
    assert left(Artefact) == {needed.pk, stays.pk}


# The rest


def test_trials_and_bulk_operations_go(probe):
    for old in (6, 8, 91):
        at = ago(days=old)
        plain = {"person": probe.owner, "owner_id": probe.owner_id, "definition": {}}
        Trial.objects.create(pk=made(at), created_at=at, **plain)
        bulk = BulkOperation.objects.create(pk=made(at), action="pause", total=1, ended_at=at)
        BulkItem.objects.create(operation=bulk, target_id=probe.pk)
    keep_house()
    assert (Trial.objects.count(), BulkOperation.objects.count(), BulkItem.objects.count()) == (1, 2, 2)


def test_a_bulk_operation_that_is_under_way_stays():
    at = ago(days=400)
    BulkOperation.objects.create(pk=made(at), action="pause", total=1)
    keep_house()
    assert BulkOperation.objects.exists()


def test_the_audit_trail_stays(probe):
    old = ago(days=4000)
    AuditEvent.objects.create(
        id=made(old), timestamp=old, entity_type="Job", entity_id=probe.pk, action="JOB_PAUSED"
    )
    before = AuditEvent.objects.count()
    keep_house()
    assert AuditEvent.objects.count() == before


# Rules


def test_a_rule_of_people_goes_before_the_default(probe):
    gone, stays = run(probe, old=6), run(probe, "FAILURE", old=900)
    retention.change({"RUNS_SUCCESS": 5, "RUNS_FAILED": None}, by=None)
    keep_house()
    assert gone.pk not in left()
    assert stays.pk in left()


def test_a_change_of_the_rules_is_audited_and_no_change_is_none():
    ada = factories.ada()
    same = retention.rules()
    assert retention.change({**same, "TRIALS": 3}, by=ada, note="Little room") == ["TRIALS"]
    assert retention.change({**same, "TRIALS": 3}, by=ada) == []
    event = AuditEvent.objects.get(action="RETENTION_CHANGED")
    assert event.details == {"subject": "TRIALS", "changes": {"days": [7, 3]}, "note": "Little room"}


# How


def test_no_statement_touches_more_than_a_thousand_rows(probe, monkeypatch):
    monkeypatch.setattr(purge, "CHUNK", 3)
    for n in range(8):
        factories.log(run(probe, old=100, minutes=n), "a")
    days.roll_up(timezone.now())
    with CaptureQueriesContext(connection) as queries:
        keep_house()
    deletes = [each["sql"] for each in queries if each["sql"].startswith("DELETE")]
    assert left(RunLog) == set()
    assert left() == {probe.runs.get().pk}
    assert len([each for each in deletes if "job_run_logs" in each]) >= 3


def test_the_preview_counts_what_would_go_and_no_further_than_it_must(probe, monkeypatch):
    for n in range(3):
        factories.log(run(probe, old=100, minutes=n), "a", "b")
    factories.log(run(probe, "FAILURE", old=100), "c")
    before = retention.cutoffs(retention.rules(), timezone.now())
    told = purge.counted(before)
    assert (told["RUNS_SUCCESS"], told["RUNS_FAILED"], told["LOGS_SUCCESS"], told["LOGS_FAILED"]) == (
        "3",
        "0",
        "6",
        "1",
    )
    monkeypatch.setattr(purge, "MOST_COUNTED", 2)
    assert purge.counted(before)["RUNS_SUCCESS"] == "3+"


def test_of_two_schedulers_the_eldest_keeps_house(probe, monkeypatch):
    monkeypatch.setattr("runs.housekeeping.SLICE_SECONDS", 30)
    old = run(probe, old=100)
    for name, age in (("s-1", 2), ("s-2", 1)):
        beat(name, Process.Kind.SCHEDULER)
        Process.objects.filter(pk=name).update(started_at=ago(hours=age))
    while days.roll_up(timezone.now()):
        pass
    House("s-2").keep()
    assert old.pk in left()
    House("s-1").keep()
    assert old.pk not in left()


def test_people_without_a_scheduler_purge_by_hand(probe, capsys):
    old = run(probe, old=100)
    while days.roll_up(timezone.now()):
        pass
    call_command("purge", dry_run=True)
    assert "RUNS_SUCCESS    1 would go, kept 90 days" in capsys.readouterr().out
    assert old.pk in left()
    call_command("purge")
    assert "RUNS_SUCCESS    1 deleted, kept 90 days" in capsys.readouterr().out
    assert old.pk not in left()
