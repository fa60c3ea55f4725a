"""The keys of a job request, and the form fields they mean."""

from collections.abc import Mapping

Keys = Mapping[str, str]

BASICS: Keys = {
    "name": "name",
    "type": "type",
    "priority": "priority",
    "description": "description",
    "tags": "tags",
}
SCHEDULE: Keys = {
    "scheduleType": "schedule_type",
    "runAt": "run_at",
    "cronExpression": "cron_expression",
    "intervalSeconds": "interval_seconds",
    "timezone": "timezone",
    "misfirePolicy": "misfire_policy",
    "overlapPolicy": "overlap_policy",
    "startsAt": "starts_at",
    "endsAt": "ends_at",
    "jitterSeconds": "jitter_seconds",
    "startWithinSeconds": "start_within_seconds",
    "endBy": "end_by",
}
RETRY: Keys = {
    "maxAttempts": "max_attempts",
    "backoffStrategy": "backoff_strategy",
    "backoffSeconds": "backoff_seconds",
    "jitter": "jitter",
    "retryOn": "retry_on",
}
KNOWN = (*BASICS, "safeToRepeat", "schedule", "retryPolicy", "payload")


def by_field(keys: Keys) -> dict[str, str]:
    """The key that Chronos itself writes for each field: the first of its keys."""
    found: dict[str, str] = {}
    for key, name in keys.items():
        found.setdefault(name, key)
    return found


def at(path: str, key: str) -> str:
    """Where a key stands, such as `payload.httpUrl`."""
    return f"{path}.{key}" if path else key


def plain(key: str) -> str:
    """The key without what people write differently: `retry_policy` is retryPolicy to them."""
    return key.replace("_", "").replace("-", "").casefold()
