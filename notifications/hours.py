"""When a message may go out: quiet hours, digests, tries. Pure functions of a rule and an instant."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from jobs import zones
from notifications.rules import Rule

DAY = timedelta(days=1)
# Two messages of one group are at least this far apart.
APART = timedelta(minutes=5)
# The pauses between the tries to deliver a message: about a day together.
PAUSES = tuple(timedelta(seconds=each) for each in (30, 120, 600, 1800, 5400, 14_400, 54_000))
MOST_TRIES = len(PAUSES) + 1
# Failures in a row cut a contact point off for so long; the last one for every further failure.
CIRCUIT_AFTER = 5
CIRCUIT = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60))
JITTER = 0.2


def held_until(rule: Rule, at: datetime, *, urgent: bool) -> datetime | None:
    """Until when the rule keeps a message of this instant back; None where it may go out.

    In a digest it waits for the next one, which quiet hours may delay as well. What is urgent breaks through
    both where the rule says so.
    """
    if urgent and rule.urgent_breaks_through:
        return None
    digest = next_digest(rule, at)
    return quiet_end(rule, digest or at) or digest


def quiet_end(rule: Rule, at: datetime) -> datetime | None:
    """The end of the quiet hours that the instant lies in; None outside of them. They may span midnight."""
    if rule.quiet_from is None or rule.quiet_until is None or rule.quiet_from == rule.quiet_until:
        return None
    local = at.astimezone(zones.zone(rule.zone)).time()
    if rule.quiet_from < rule.quiet_until:
        quiet = rule.quiet_from <= local < rule.quiet_until
    else:
        quiet = local >= rule.quiet_from or local < rule.quiet_until
    return _next(rule.quiet_until, rule.zone, at, twice=True) if quiet else None


def next_digest(rule: Rule, at: datetime) -> datetime | None:
    """When the next digest goes out: at the full hour, or at its time of day. None without digests."""
    if rule.digest == Rule.Digest.HOURLY:
        return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if rule.digest == Rule.Digest.DAILY:
        return _next(rule.digest_at or time(8), rule.zone, at)
    return None


def _next(wall: time, zone: str, after: datetime, *, twice: bool = False) -> datetime:
    """The first instant after this one at which the zone's clock shows the time, or has just skipped it.

    A clock that is put back may show it twice: the second counts only where that is asked for.
    """
    return next(at for at in _shown(wall, zone, after, twice) if at > after)


def _shown(wall: time, zone: str, after: datetime, twice: bool) -> Iterator[datetime]:
    where = zones.zone(zone)
    today = after.astimezone(where).date()
    for days in range(-1, 3):
        shown = datetime.combine(today + days * DAY, wall)
        shift = zones.shift_at(shown, where)
        yield shift.at if shift and shift.forward else shown.replace(tzinfo=where).astimezone(UTC)
        if twice:
            yield shown.replace(tzinfo=where, fold=1).astimezone(UTC)


def pause(tries: int, *, jitter: float, retry_after: float | None = None) -> timedelta | None:
    """How long to wait after so many failed tries; None when they were the last.

    `jitter` between 0 and 1 spreads them. A peer that names a time is given it, up to an hour.
    """
    if tries >= MOST_TRIES:
        return None
    wait = PAUSES[tries - 1] * (1 + JITTER * jitter)
    return max(wait, timedelta(seconds=min(retry_after, 3600.0))) if retry_after else wait


def cut_off_for(failures_in_a_row: int) -> timedelta | None:
    """How long nothing is sent to a contact point after so many failures in a row; None after few."""
    over = failures_in_a_row - CIRCUIT_AFTER
    return CIRCUIT[min(over, len(CIRCUIT) - 1)] if over >= 0 else None
