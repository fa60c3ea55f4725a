"""The doctor finds each thing that can be wrong, by its name and id, and nothing where all is well."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from audit.models import Verification
from chronos_site.clock import database_now
from jobs import actions
from jobs.executors import base
from jobs.models import Job, JobSchedule, Status
from runs import artefacts
from runs.acknowledgements import Acknowledgement, acknowledge_job, acknowledge_signature
from runs.actions import cancel_job, run_now
from runs.artefacts import Artefact
from runs.claim import claim
from runs.doctor import Verdict, examine, invariants
from runs.failure_signatures import FailureSignature
from runs.fire import fire
from runs.invariants import INVARIANTS, Moment, is_unique
from runs.models import DeadLetter, Outcome, Process, Run, Trigger
from runs.processes import beat
from runs.settle import Ended, settle
from tests import factories
from tests.audit.trail import BEGAN, a_trail, an_event, forge

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

EVERY = {"schedule_type": "INTERVAL", "interval_seconds": 300}
AGAIN = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 0}


@dataclass
class World:
    """An installation in the middle of its work: each job and its newest runs by what becomes of them."""

    now: datetime
    jobs: dict[str, Job] = field(default_factory=dict)

    def runs(self, name):
        return Run.objects.filter(job=self.jobs[name]).order_by("scheduled_time", "attempt")

    def one(self, name):
        return Run.objects.filter(pk=self.runs(name)[0].pk)

    def job(self, name):
        return Job.objects.filter(pk=self.jobs[name].pk)

    def schedule(self, name):
        return JobSchedule.objects.filter(job=self.jobs[name])


@pytest.fixture
def world():
    """Made by the engine itself."""
    world = World(database_now())
    beat("s-1", Process.Kind.SCHEDULER)
    beat("w-1", Process.Kind.WORKER, slots=128)
    Process.objects.update(started_at=world.now - timedelta(hours=1))
    _define(world)
    fire(world.now)
    _work()
    _work()
    actions.pause(world.jobs["paused"], by=None, at=world.now)
    cancel_job(world.jobs["cancelled"], by=None, at=world.now)
    # The next tick of each: it waits, is skipped, or lies ahead.
    fire(world.now + timedelta(seconds=299))
    return world


def _define(world):
    alice, began = factories.alice(), world.now - timedelta(seconds=301)

    def make(name, at=began, **over):
        world.jobs[name] = factories.job(alice, at=at, name=name, **over)

    for name in ("well", "runs", "paused", "cancelled"):
        make(name, schedule=EVERY)
    make("fails", schedule=EVERY, retry=AGAIN)
    make("queues", schedule={**EVERY, "overlap_policy": "QUEUE"})
    make("once", schedule={"schedule_type": "ONCE", "run_at": world.now})
    make("idle", at=world.now, schedule={**EVERY, "interval_seconds": 3600})


def _work():
    """Claim what is due, and end some of it."""
    for claimed in claim("w-1", 100, {}):
        name = claimed.definition["name"]
        if name in ("well", "once"):
            settle([Ended(claimed.run, Outcome.SUCCESS, database_now())])
        if name == "fails":
            settle([Ended(claimed.run, Outcome.FAILURE, database_now(), "HTTP_503", "No")])


def broken(days=7, apart=0.0):
    """The ids of what is broken, by the name of the invariant."""
    return {found.name: set(found.ids) for found in invariants(days, apart=apart) if found.ids}


def test_nothing_is_wrong_with_what_the_engine_does(world):
    states = {run.state for run in Run.objects.all()}
    assert states == {"PENDING", "RUNNING", "SUCCESS", "FAILURE", "SKIPPED"}
    assert DeadLetter.objects.count() == 1
    assert Run.objects.pending().filter(available_at=None).exists()
    assert broken() == {}


def hours_ago(world, hours=1):
    return world.now - timedelta(hours=hours)


# What is done to a part of the world, and the invariant that it breaks.
SEEDS = [
    ("times-fit-the-state", lambda w: w.one("well"), {"end_time": None}),
    ("times-fit-the-state", lambda w: w.one("well"), {"end_time": hours_ago}),
    ("times-fit-the-state", lambda w: w.one("well"), {"duration_ms": None}),
    ("times-fit-the-state", lambda w: w.one("well"), {"start_time": None, "duration_ms": 1}),
    ("times-fit-the-state", lambda w: w.one("well"), {"lease_expires_at": hours_ago}),
    ("times-fit-the-state", lambda w: w.one("runs"), {"end_time": hours_ago}),
    ("times-fit-the-state", lambda w: w.one("runs"), {"duration_ms": 1}),
    ("times-fit-the-state", lambda w: w.one("runs"), {"skip_reason": "OVERLAP"}),
    ("nothing-starts-early", lambda w: w.one("well"), {"start_time": hours_ago}),
    ("nothing-starts-early", lambda w: w.one("runs"), {"available_at": None}),
    ("a-running-run-is-held", lambda w: w.one("runs"), {"claim_token": None}),
    ("a-running-run-is-held", lambda w: w.one("runs"), {"worker_id": None}),
    ("a-running-run-is-held", lambda w: w.one("runs"), {"lease_expires_at": None}),
    ("a-lost-run-is-rescued", lambda w: w.one("runs"), {"lease_expires_at": hours_ago}),
    ("a-due-run-is-claimed", lambda w: w.runs("well").pending(), {"available_at": hours_ago}),
    ("a-waiting-run-waits-for-another", lambda w: w.runs("well").pending(), {"available_at": None}),
    ("attempts-have-no-gaps", lambda w: w.runs("fails").filter(attempt=2), {"attempt": 3}),
    ("a-skipped-tick-says-why", lambda w: w.runs("runs").filter(outcome="CANCELLED"), {"skipped_count": 0}),
    ("a-skipped-tick-says-why", lambda w: w.runs("runs").filter(outcome="CANCELLED"), {"skip_reason": None}),
    ("a-skipped-tick-says-why", lambda w: w.one("well"), {"skip_reason": "OVERLAP", "skipped_count": 1}),
    ("a-version-stays", lambda w: w.one("well"), {"version": 99}),
    ("an-exhausted-occurrence-has-a-dead-letter", lambda w: w.one("well"), {"outcome": "TIMEOUT"}),
    ("a-closed-dead-letter-says-when", lambda w: DeadLetter.objects.all(), {"status": "RESOLVED"}),
    ("a-closed-dead-letter-says-when", lambda w: DeadLetter.objects.all(), {"resolved_at": hours_ago}),
    ("a-due-schedule-fires", lambda w: w.schedule("idle"), {"next_fire_at": hours_ago}),
    ("a-bad-schedule-is-not-armed", lambda w: w.schedule("idle"), {"problem": "no such zone"}),
    ("a-held-tick-belongs-to-a-paused-job", lambda w: w.schedule("idle"), {"held_fire_at": hours_ago}),
    ("an-armed-job-is-scheduled-or-running", lambda w: w.schedule("once"), {"next_fire_at": hours_ago}),
    ("an-armed-job-is-scheduled-or-running", lambda w: w.schedule("paused"), {"next_fire_at": hours_ago}),
    ("a-running-job-runs", lambda w: w.job("idle"), {"status": Status.RUNNING}),
]


def test_what_breaks_an_invariant_is_found_by_its_id(world):
    moment = Moment.at(database_now(), 7)
    claims = {each.name: each for each in INVARIANTS}
    for name, part, change in SEEDS:
        with transaction.atomic():
            ids = spoil(world, part(world), change)
            assert (name, change, set(claims[name].broken(moment))) == (name, change, ids)
            transaction.set_rollback(True)


def spoil(world, rows, change):
    """Change the rows by hand; gives the ids by which the doctor would name them."""
    ids = {getattr(row, "job_id", row.pk) if isinstance(row, JobSchedule) else row.pk for row in rows}
    told = {key: value(world) if callable(value) else value for key, value in change.items()}
    type(rows[0]).objects.filter(pk__in=[row.pk for row in rows]).update(**told)
    return ids


def test_an_attempt_after_a_success_is_found(world):
    world.runs("fails").filter(attempt=1).update(outcome="SUCCESS")
    assert broken()["nothing-follows-an-end"] == {world.runs("fails").get(attempt=2).pk}


def test_a_dead_letter_that_nothing_deserves_is_found(world):
    letter = DeadLetter.objects.get()
    DeadLetter.objects.update(run=world.one("fails").get())
    assert broken()["a-dead-letter-is-deserved"] == {letter.pk}
    DeadLetter.objects.update(run=world.runs("well")[0])
    assert broken()["a-dead-letter-is-deserved"] == {letter.pk}


def test_a_job_that_waits_for_nothing_is_found(world):
    world.schedule("idle").update(next_fire_at=None)
    assert broken() == {"a-scheduled-job-has-something-ahead": {world.jobs["idle"].pk}}


def test_a_job_that_hides_its_running_run_is_found(world):
    world.job("queues").update(status=Status.SCHEDULED)
    running = world.runs("queues").running().get()
    assert broken() == {"a-job-that-runs-says-so": {running.pk}}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_a_job_that_is_over_and_has_a_run_waiting_is_found(world, status):
    world.job("well").update(status=status)
    assert broken()["a-finished-job-has-nothing-left"] == {world.runs("well").pending().get().pk}


@pytest.fixture
def file(world):
    artefacts.keep([(world.one("well").get().pk, base.Artefact("a.bin", b"x" * 1_000_001))])
    assert broken() == {}
    return Artefact.objects.get()


def test_a_file_that_lacks_a_part_is_found(file):
    file.parts.get(number=1).delete()
    assert broken() == {"a-file-is-whole": {file.pk}}


def test_a_file_of_a_run_that_has_not_ended_is_found(world, file):
    Artefact.objects.update(run=world.one("runs").get())
    assert broken() == {"a-file-is-whole": {file.pk}}


def test_a_signature_that_counts_too_few_is_found(world):
    signature = DeadLetter.objects.get().signature
    FailureSignature.objects.update(events=0)
    assert broken() == {"a-signature-knows-its-dead-letters": {signature}}
    FailureSignature.objects.all().delete()
    assert broken() == {"a-signature-knows-its-dead-letters": {signature}}


def acknowledged(world, **fields):
    by = world.job("well").get().owner
    acknowledge_job(world.job("well").get(), by=by, at=world.now)
    acknowledge_signature("a" * 64, by=by, at=world.now)
    assert broken() == {}
    made = Acknowledgement.objects.filter(job__isnull=False)
    made.update(**fields)
    return made.get().pk


def test_an_acknowledgement_of_something_else_is_found(world):
    pk = acknowledged(world, open_for="job of somebody else")
    assert broken() == {"an-open-acknowledgement-names-its-subject": {pk}}


def test_an_acknowledgement_that_does_not_end_is_found(world):
    pk = acknowledged(world, until=world.now - timedelta(minutes=2))
    assert broken() == {"an-acknowledgement-ends": {pk}}


def test_every_invariant_has_a_test(request):
    tests = request.path.parent.parent
    text = request.path.read_text() + (tests / "notifications" / "test_keeping.py").read_text()
    assert [each.name for each in INVARIANTS if f'"{each.name}"' not in text] == []


def test_nobody_is_blamed_for_what_nobody_is_there_to_do(world):
    world.one("runs").update(lease_expires_at=hours_ago(world))
    world.runs("well").pending().update(available_at=hours_ago(world))
    world.schedule("idle").update(next_fire_at=hours_ago(world))
    Process.objects.update(started_at=world.now)
    assert broken() == {}


@pytest.mark.parametrize(("slots", "busy"), [(128, 128), (128, 124), (0, 0)])
def test_a_run_may_wait_while_no_worker_has_room(world, slots, busy):
    world.runs("well").pending().update(available_at=hours_ago(world))
    Process.objects.filter(kind="WORKER").update(slots=slots, busy=busy)
    assert broken() == {}


def test_an_urgent_run_does_not_wait_while_there_is_a_slot_for_such(world):
    world.runs("well").pending().update(available_at=hours_ago(world), priority=1)
    Process.objects.filter(kind="WORKER").update(slots=128, busy=127)
    assert set(broken()) == {"a-due-run-is-claimed"}


def test_what_is_no_longer_so_at_the_second_look_was_never_broken(world):
    world.schedule("idle").update(next_fire_at=hours_ago(world))
    # Alive for the first look alone: at the second one nobody is there to blame.
    Process.objects.filter(kind="SCHEDULER").update(beat_at=database_now() - timedelta(seconds=29))
    assert broken(apart=1.5) == {}


def test_a_cancelled_job_may_be_run_again_while_its_old_run_is_being_stopped(world):
    run_now(world.jobs["cancelled"], by=None, at=world.now)
    assert world.job("cancelled").get().status == Status.RUNNING
    assert broken() == {}


def test_a_replay_that_failed_needs_no_second_dead_letter(world):
    origin = world.runs("fails").get(attempt=2)
    at = world.now + timedelta(microseconds=1)
    for attempt, trigger in ((1, Trigger.REPLAY), (2, Trigger.RETRY)):
        fields = {"attempt": attempt, "trigger": trigger, "replay_of": origin}
        factories.run(origin.job, "FAILURE", at=at, **fields)
    assert broken() == {}


def test_backfills_may_wait_in_a_line(world):
    at = hours_ago(world, 5)
    for number in range(3):
        tick = at + timedelta(minutes=number)
        available = None if number else world.now + timedelta(seconds=5)
        factories.run(
            world.jobs["idle"], "PENDING", at=tick, trigger=Trigger.BACKFILL, available_at=available
        )
    assert broken() == {}


def test_older_runs_than_asked_for_are_left_alone(world):
    job = world.jobs["idle"]
    factories.run(job, "SUCCESS", id="01HZY0000000000000000000R1", version=99)
    assert broken() == {}
    assert broken(days=5000)["a-version-stays"] == {"01HZY0000000000000000000R1"}


@pytest.mark.databases("sqlite3")
def test_only_an_index_of_just_these_columns_and_of_every_row_keeps_twins_out():
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX every ON job_runs (worker_id, priority)")
        cursor.execute("CREATE UNIQUE INDEX some ON job_runs (claim_token) WHERE outcome IS NULL")
        cursor.execute("CREATE INDEX twins ON job_runs (attempt)")
    assert is_unique(Run, "worker_id", "priority")
    others = [("worker_id",), ("priority", "worker_id"), ("claim_token",), ("attempt",)]
    assert not [columns for columns in others if is_unique(Run, *columns)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
@pytest.mark.parametrize(
    ("name", "model", "constraint"),
    [
        ("a-tick-has-one-run", Run, "uniq_job_runs_tick"),
        ("a-run-has-one-dead-letter", DeadLetter, "uniq_dlq_events_run"),
    ],
)
def test_twins_are_found_when_the_database_lets_them_in(name, model, constraint):
    rule = next(each for each in model._meta.constraints if each.name == constraint)
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, rule)
    try:
        job = factories.job()
        runs = [factories.run(job, "FAILURE") for _ in range(2 if model is Run else 1)]
        for run in [*runs, runs[0]][:2]:
            run.dead_letters.create(job=job, failure_reason="no")
        assert len(broken()[name]) == 1
        assert "unique-indexes" in {each.name for each in examine(7) if each.verdict == Verdict.BROKEN}
    finally:
        Job.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(model, rule)


# The surroundings


def surroundings():
    return {each.name: each.verdict for each in examine(7)}


def test_a_whole_installation_is_well(world, valkey):
    assert set(surroundings().values()) == {Verdict.OK}


def test_a_store_that_is_away_is_found(world, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert surroundings()["redis"] == Verdict.BROKEN


def test_an_unsafe_setting_is_found(world, valkey, settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert surroundings()["settings"] == Verdict.BROKEN


@pytest.mark.parametrize("kind", ["scheduler", "worker"])
def test_an_engine_that_stands_still_is_found(world, valkey, kind):
    Process.objects.filter(kind=kind.upper()).update(beat_at=hours_ago(world))
    assert [name for name, verdict in surroundings().items() if verdict != Verdict.OK] == [kind]


def test_tables_of_another_version_are_found_and_not_looked_into(world, valkey):
    newest = MigrationRecorder.Migration.objects.filter(app="runs").latest("name")
    MigrationRecorder(connection).record_unapplied("runs", newest.name)
    found = surroundings()
    assert found["migrations"] == Verdict.BROKEN
    assert "a-version-stays" not in found


# The command


def said(capsys, *words):
    try:
        call_command("doctor", *words)
        code = 0
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr().out


def test_all_well_is_exit_0_and_a_line_for_each_check(world, valkey, capsys):
    code, text = said(capsys)
    assert code == 0
    assert "ok       a-version-stays\n" in text
    assert text.endswith("Runs and dead letters of the last 7 days. Nothing is broken.\n")


def test_what_is_broken_is_exit_1_with_its_claim_and_ids(world, valkey, capsys):
    world.one("well").update(version=99)
    code, text = said(capsys, "--days", "1")
    assert code == 1
    claim = "The version of its job that a run executes exists."
    assert f"broken   a-version-stays: {claim} 1: {world.one('well').get().pk}\n" in text
    assert text.endswith("Runs and dead letters of the last 1 days. 1 broken.\n")


def test_machines_get_one_object(world, valkey, capsys):
    world.one("well").update(version=99)
    code, text = said(capsys, "--json")
    told = json.loads(text)
    (bad,) = [check for check in told["checks"] if check["verdict"] == "broken"]
    assert (code, told["healthy"], told["days"]) == (1, False, 7)
    assert (bad["name"], bad["count"], bad["ids"]) == ("a-version-stays", 1, [world.one("well").get().pk])


# The audit trail


def trail():
    return next(finding for finding in examine(1) if finding.name == "audit-trail")


def test_an_entry_that_was_forged_is_named():
    event = a_trail()[0]
    assert trail().verdict == Verdict.OK
    forge(event, action="FORGED")
    assert (trail().verdict, trail().ids) == (
        Verdict.BROKEN,
        (f"Block 1, event {event.pk}: was changed",),
    )


def test_what_the_last_look_at_the_whole_chain_found_is_not_forgotten():
    Verification.objects.create(ended_at=BEGAN, seal=1, events=3, problem="Block 1: was changed")
    assert trail().ids == ("Block 1: was changed",)


def test_entries_that_nobody_seals_are_told():
    an_event(BEGAN)
    assert trail().verdict == Verdict.WARNING
