"""Where sessions are kept: Django's table, read by a query that is compiled once."""

from datetime import datetime

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from chronos_site.statements import compiled


class SessionStore(db.SessionStore):
    """Django's, which forgets a key that it does not find: no visitor chooses one."""

    def _get_session_from_db(self) -> Session | None:
        found = _living.first(self.session_key or "", timezone.now())
        if found is None:
            self._session_key = None
        return found


@compiled
def _living(key: str, at: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=at)
