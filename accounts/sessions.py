"""The sessions of people: where somebody is signed in, and how that ends."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import SignIn, User

# When a session was last seen is kept this often, and no oftener.
MARKED = timedelta(minutes=1)
_AGENT = 200
# In a session that the list of sessions has.
LISTED = "listed"
_BATCH = 1000


def begin(request: HttpRequest, user: User, address: str) -> None:
    """Remember the session that has just begun."""
    request.session[LISTED] = True
    agent = request.headers.get("User-Agent", "")
    shown = "".join(letter for letter in agent if letter.isprintable())[:_AGENT]
    SignIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={"owner": user, "address": address[:45], "agent": shown},
    )


def seen(request: HttpRequest) -> None:
    """Mark the session as alive, at most once a minute in each process."""
    key = request.session.session_key if LISTED in request.session else None
    if key and cache.add(f"seen:{key}", 1, int(MARKED.total_seconds())):
        SignIn.objects.filter(session_key=key).update(seen_at=timezone.now())


def alive(user: User) -> "models.QuerySet[SignIn]":
    """The sessions in which the person is signed in, the last seen first."""
    living = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return SignIn.objects.filter(owner=user, session_key__in=living).order_by("-seen_at")


def end(sign_ins: "models.QuerySet[SignIn]") -> int:
    """End these sessions at once; gives how many."""
    keys = list(sign_ins.values_list("session_key", flat=True))
    return _delete(keys)


def forget_over() -> int:
    """Delete some of the sessions that are over, and what is known of them; gives how many."""
    over = Session.objects.filter(expire_date__lte=timezone.now()).order_by("expire_date")
    keys = list(over.values_list("session_key", flat=True)[:_BATCH])
    return _delete(keys)


def _delete(keys: list[str]) -> int:
    Session.objects.filter(session_key__in=keys).delete()
    SignIn.objects.filter(session_key__in=keys).delete()
    return len(keys)
