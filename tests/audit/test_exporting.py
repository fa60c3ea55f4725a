"""Old entries leave the database only by a file that holds them, and the chain goes on from there."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.exporting import Broken, NothingToExport, export, purge, read_back
from audit.models import AuditEvent, Seal, SealedEvent
from audit.verifying import Look
from tests.audit.trail import BEGAN, a_trail, forge, remove

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

# Two blocks of three minutes each are older.
THEN = BEGAN + timedelta(minutes=6)


def problems():
    look = Look()
    list(look.whole())
    return [str(problem) for problem in look.problems]


def test_an_export_holds_whole_blocks_and_can_be_verified_by_itself(tmp_path):
    a_trail(blocks=3)
    told = export(THEN, tmp_path / "old.jsonl")
    assert (told.first, told.last, told.events) == (1, 2, 6)
    assert read_back(tmp_path / "old.jsonl") == told
    assert told.anchor == Seal.objects.get(number=2).hash


def test_a_block_with_one_event_that_is_too_young_stays(tmp_path):
    a_trail(blocks=2)
    assert export(THEN - timedelta(minutes=1), tmp_path / "old.jsonl").last == 1
    with pytest.raises(NothingToExport):
        export(BEGAN, tmp_path / "older.jsonl")


def test_after_a_purge_the_chain_is_whole_and_tells_of_it(tmp_path):
    events = a_trail(blocks=3)
    told = export(THEN, tmp_path / "old.jsonl")
    assert purge(told, by=None, file="old.jsonl") == 6
    assert AuditEvent.objects.filter(pk__in=[event.pk for event in events]).count() == 3
    assert AuditEvent.objects.get(action="AUDIT_PURGED").details["anchor"] == told.anchor
    assert problems() == []
    assert Seal.objects.count() == 3


def test_the_next_export_begins_where_the_purge_ended(tmp_path):
    a_trail(blocks=3)
    purge(export(THEN, tmp_path / "old.jsonl"), by=None, file="old.jsonl")
    assert export(THEN + timedelta(minutes=3), tmp_path / "next.jsonl").first == 3


def test_removing_more_than_was_purged_is_found(tmp_path):
    events = a_trail(blocks=3)
    purge(export(THEN, tmp_path / "old.jsonl"), by=None, file="old.jsonl")
    remove(events[6])
    assert problems() == [f"Block 3, event {events[6].pk}: was removed"]


def test_what_is_broken_is_not_exported(tmp_path):
    forge(a_trail()[0], action="FORGED")
    with pytest.raises(Broken, match="was changed"):
        export(THEN, tmp_path / "old.jsonl")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("STEP_1", "STEP_2"),
        lambda text: text[: len(text) // 2],
        lambda text: "\n".join(text.split("\n")[:5]),
        lambda text: "{}",
        lambda text: "",
    ],
)
def test_a_damaged_file_is_no_proof(tmp_path, damage):
    a_trail(blocks=2)
    path = tmp_path / "old.jsonl"
    export(THEN, path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(Broken):
        read_back(path)


def test_the_command_purges_only_when_asked(tmp_path):
    a_trail()
    out = StringIO()
    call_command("audit_export", "--before=2026-04-01", f"--file={tmp_path}/1", stdout=out)
    assert SealedEvent.objects.count() == 3
    assert "3 events in blocks 1 to 1" in out.getvalue()
    call_command("audit_export", "--before=2026-04-01", f"--file={tmp_path}/2", "--purge", stdout=out)
    assert not SealedEvent.objects.exists()
    assert "3 events purged" in out.getvalue()


def test_no_file_is_written_over(tmp_path):
    a_trail()
    (tmp_path / "old").touch()
    with pytest.raises(CommandError, match="is there already"):
        call_command("audit_export", "--before=2026-04-01", f"--file={tmp_path}/old", "--purge")
    assert AuditEvent.objects.count() == 3
