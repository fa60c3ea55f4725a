"""Wrong passwords from one address, for whichever accounts: a few tries on each of many are shut out too.

They are counted where the lock of each account is kept, in the database, so all web processes count together.
"""

from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Sum
from django.utils import timezone


def shut_until(address: str) -> datetime | None:
    """Until when nobody signs in from this address; None while it is open."""
    if not tells_people_apart():
        return None
    wait: timedelta = settings.AXES_COOLOFF_TIME
    lately = AccessAttempt.objects.filter(ip_address=address, attempt_time__gt=timezone.now() - wait)
    found = lately.order_by().aggregate(wrong=Sum("failures_since_start"), last=Max("attempt_time"))
    if (found["wrong"] or 0) < settings.MOST_WRONG_PASSWORDS:
        return None
    last: datetime = found["last"]
    return last + wait


def tells_people_apart() -> bool:
    """Whether addresses are those of people: behind a proxy that no setting names, all have the proxy's."""
    return bool(settings.MOST_WRONG_PASSWORDS) and bool(settings.PROXIES or not settings.HTTPS)
