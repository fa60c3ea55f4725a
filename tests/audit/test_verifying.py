"""What is done to the trail behind the product's back is found and named."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from audit.models import AuditEvent, Seal, SealedEvent, Verification
from audit.sealing import seal
from audit.verifying import Look
from tests.audit.trail import BEGAN, a_trail, an_event, forge, remove

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def problems(anchor=""):
    look = Look(anchor=anchor)
    for _ in look.whole():
        pass
    return [str(problem) for problem in look.problems]


def test_an_untouched_trail_is_whole():
    a_trail(blocks=3)
    assert problems() == []


def test_a_changed_event_is_named():
    events = a_trail(blocks=2)
    forge(events[4], user_email="somebody@else.com")
    assert problems() == [f"Block 2, event {events[4].pk}: was changed"]


@pytest.mark.parametrize(
    "values", [{"details": {"note": "other"}}, {"timestamp": BEGAN}, {"address": "10.0.0.1"}, {"via": "API"}]
)
def test_no_column_is_left_out_of_the_hash(values):
    event = a_trail()[1]
    forge(event, **values)
    assert problems() == [f"Block 1, event {event.pk}: was changed"]


def test_a_removed_event_is_named():
    event = a_trail()[1]
    remove(event)
    assert problems() == [f"Block 1, event {event.pk}: was removed"]


def test_an_event_removed_with_its_entry_is_missed():
    event = a_trail(blocks=2)[1]
    remove(SealedEvent.objects.get(event_id=event.pk))
    remove(event)
    assert problems() == ["Block 1: covers 3 events, and 2 say they are in it"]


def test_an_event_put_in_is_named():
    a_trail()
    late = an_event(BEGAN - timedelta(hours=2))
    assert seal(BEGAN + timedelta(days=1)) == 0
    assert problems() == [f"Event {late.pk}: is in no block, and came too late for one"]


def test_an_event_put_into_a_block_is_missed():
    a_trail()
    forged = an_event(BEGAN + timedelta(seconds=30))
    SealedEvent.objects.create(event_id=forged.pk, seal=1, hash="0" * 64)
    assert f"Block 1, event {forged.pk}: was changed" in problems()
    assert "Block 1: covers 3 events, and 4 say they are in it" in problems()


def test_events_that_change_places_are_named():
    one, other = a_trail()[:2]
    forge(one, action=other.action, timestamp=other.timestamp)
    forge(other, action=one.action, timestamp=one.timestamp)
    assert problems() == [f"Block 1, event {each.pk}: was changed" for each in (one, other)]


def test_blocks_that_change_places_are_named():
    a_trail(blocks=2)
    first, second = Seal.objects.order_by("number")
    forge(first, content=second.content, hash=second.hash)
    assert problems()[0] == "Block 1: was changed"
    assert "Block 1: does not cover the events that say they are in it" in problems()


def test_a_changed_event_with_a_hash_to_match_is_found_by_its_block():
    event = a_trail()[0]
    entry = SealedEvent.objects.get(event_id=event.pk)
    forge(entry, hash="0" * 64)
    assert "Block 1: does not cover the events that say they are in it" in problems()


def test_a_removed_block_is_named():
    a_trail(blocks=3)
    remove(Seal.objects.get(number=2))
    assert problems()[0] == "Block 2: is missing; block 3 follows block 1"


def test_a_block_made_anew_breaks_the_link_to_the_next():
    a_trail(blocks=2)
    forge(Seal.objects.get(number=1), hash="0" * 64)
    assert problems() == ["Block 1: was changed", "Block 2: does not follow from the block before"]


def test_the_last_block_removed_is_missed_by_its_events():
    a_trail(blocks=2)
    remove(Seal.objects.get(number=2))
    assert problems() == ["Block 2: is missing, and events say they are in it"]


def test_a_block_that_is_sealed_while_we_look_is_not_missed():
    last = a_trail()[-1]
    look = Look()
    for _ in look.whole():
        an_event(last.timestamp + timedelta(minutes=5))
        assert seal(last.timestamp + timedelta(minutes=9)) == 1
    assert look.problems == []


def test_a_tail_cut_off_and_written_anew_is_found_by_the_anchor():
    a_trail(blocks=2)
    anchor = Seal.objects.get(number=2).hash
    assert problems(anchor) == []
    remove(Seal.objects.get(number=2))
    for entry in SealedEvent.objects.filter(seal=2):
        remove(entry)
        remove(AuditEvent.objects.get(pk=entry.event_id))
    assert problems() == []
    assert problems(anchor) == ["No block has the hash of the anchor: the chain was cut off or written anew."]


def test_the_end_of_the_chain_can_be_looked_at_alone():
    events = a_trail(blocks=3)
    forge(events[0], action="FORGED")
    look, longer = Look(), Look()
    look.end(blocks=2)
    assert (look.problems, look.block, look.events) == ([], 3, 6)
    longer.end(blocks=3)
    assert len(longer.problems) == 1


def test_the_command_tells_and_ends_with_1_when_something_is_wrong():
    event = a_trail()[0]
    out = StringIO()
    call_command("audit_verify", stdout=out)
    assert "3 events in blocks up to 1 are as they were recorded" in out.getvalue()
    assert f"Anchor: {Seal.objects.get().hash}" in out.getvalue()
    forge(event, action="FORGED")
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", stdout=StringIO())
    assert Verification.objects.get().problem == f"Block 1, event {event.pk}: was changed"
