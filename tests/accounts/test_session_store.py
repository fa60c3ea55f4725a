"""Sessions in the database: what is over or was never ours is nobody's."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.session_store import SessionStore

pytestmark = [pytest.mark.databases, pytest.mark.django_db]


@pytest.fixture
def kept():
    """The key of a session that remembers something."""
    session = SessionStore()
    session["color"] = "green"
    session.create()
    return session.session_key


def read(key):
    """What the session remembers, and the key that it goes on with."""
    session = SessionStore(key)
    return session.get("color"), session.session_key


def test_a_session_remembers(kept):
    assert read(kept) == ("green", kept)


def test_what_is_over_is_nobodys(kept):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert read(kept) == (None, None)


def test_a_key_that_a_visitor_made_up_is_given_up():
    assert read("f" * 32) == (None, None)
    assert read(None) == (None, None)


def test_a_key_that_was_changed_opens_nothing_any_more(kept):
    session = SessionStore(kept)
    session.cycle_key()
    assert read(session.session_key) == ("green", session.session_key)
    assert read(kept) == (None, None)
