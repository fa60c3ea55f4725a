"""What was recorded gets into the chain, each event once, and nobody waits for it."""

from datetime import timedelta

import pytest

from audit import sealing
from audit.chain import GENESIS
from audit.models import Seal, SealedEvent
from audit.sealing import seal
from tests import together
from tests.audit.trail import BEGAN, a_trail, an_event

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_each_block_follows_from_the_one_before():
    a_trail(blocks=2)
    first, second = Seal.objects.order_by("number")
    assert (first.previous, second.previous) == (GENESIS, first.hash)


def test_what_is_younger_than_a_few_seconds_waits():
    an_event(BEGAN)
    assert seal(BEGAN + timedelta(seconds=4)) == 0
    assert seal(BEGAN + timedelta(seconds=6)) == 1


def test_an_event_that_comes_late_gets_into_the_next_block():
    a_trail()
    late = an_event(BEGAN + timedelta(seconds=30))
    assert seal(BEGAN + timedelta(hours=1)) == 1
    assert SealedEvent.objects.get(event_id=late.pk).seal == 2


def test_a_block_has_an_end(monkeypatch):
    monkeypatch.setattr(sealing, "BLOCK", 2)
    for minute in range(5):
        an_event(BEGAN + timedelta(minutes=minute))
    assert list(sealing.seal_all()) == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_two_that_seal_at_once_make_one_block():
    an_event(BEGAN)
    at = BEGAN + timedelta(hours=1)
    counts = []
    assert together.meeting(lambda: counts.append(seal(at)), lambda: seal(at)) == 0
    assert counts == [1]
    assert Seal.objects.count() == 1
