"""Who has got a message by another attempt at the same tick, so that a retry writes to nobody twice."""

from datetime import UTC

from jobs.executors.base import Context, ExecutionError
from jobs.executors.mailing import mail

# So many ticks whose message was delivered in part are remembered at a time, for their retries.
TICKS = 50


def send(message: mail.Message, context: Context) -> mail.Sent | None:
    """Send the message to those who have not got it; None where everybody has.

    The job's type must be one that remembers. Raises what `mail.send` raises.
    """
    before = _before(context)
    if before:
        context.log("INFO", f"{len(before):,} have got it by an attempt before this one.")
    if not set(message.recipients) - set(before):
        return None
    try:
        sent = mail.send(message, context, leaving_out=before)
    except ExecutionError as error:
        if delivered := error.result.get("delivered"):
            _remember([*before, *delivered], context)
        raise
    if before:
        _remember([], context)
    return sent


def _before(context: Context) -> list[str]:
    return list((context.state.get("delivered") or {}).get(_tick(context), []))


def _remember(delivered: list[str], context: Context) -> None:
    """Keep who has got this tick's message, beside those of other ticks whose retries are still to come."""
    known = {**(context.state.get("delivered") or {}), _tick(context): delivered}
    latest = sorted(tick for tick, names in known.items() if names)[-TICKS:]
    context.remember(delivered={tick: known[tick] for tick in latest})


def _tick(context: Context) -> str:
    return context.scheduled_time.astimezone(UTC).isoformat()
