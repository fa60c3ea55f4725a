"""The chain is kept without anybody asking."""

import logging
import time

import pytest

from audit.keeping import Keeper
from audit.models import Seal, SealedEvent, Verification
from tests.audit.trail import BEGAN, a_trail, an_event, forge

pytestmark = pytest.mark.django_db

LONG = 60


def keep(keeper, seconds=LONG):
    keeper.keep(time.monotonic() + seconds)


def test_what_is_recorded_is_sealed_and_looked_at():
    an_event(BEGAN)
    keep(Keeper())
    assert SealedEvent.objects.count() == 1
    assert (Verification.objects.get().seal, Verification.objects.get().problem) == (1, "")


def test_a_slice_has_an_end_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr("audit.sealing.BLOCK", 1)
    an_event(BEGAN)
    an_event(BEGAN)
    keeper = Keeper()
    keep(keeper, -1)
    assert (Seal.objects.count(), keeper.due_at) == (1, 0.0)
    keep(keeper)
    assert Seal.objects.count() == 2


def test_the_whole_chain_is_looked_at_again_after_hours():
    keeper = Keeper()
    event = a_trail()[0]
    keep(keeper)
    forge(event, action="FORGED")
    keep(keeper)
    assert Verification.objects.get().problem == ""
    Verification.objects.update(ended_at=BEGAN)
    keep(keeper)
    assert "was changed" in Verification.objects.get().problem


def test_the_anchor_is_told_to_the_log(caplog):
    a_trail()
    keeper = Keeper()
    with caplog.at_level(logging.INFO, "audit.keeping"):
        keep(keeper)
        keep(keeper)
    assert [Seal.objects.get().hash in record.message for record in caplog.records] == [True]
