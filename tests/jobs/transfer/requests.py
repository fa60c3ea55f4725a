"""Whole requests as people write them."""

from typing import Any


def dummy(**over: Any) -> dict[str, Any]:
    """A DUMMY job every five minutes; `over` replaces whole top-level parts, None takes them away."""
    whole = {
        "name": "smoke-probe",
        "type": "DUMMY",
        "schedule": {"scheduleType": "INTERVAL", "intervalSeconds": 300},
        "payload": {"type": "DUMMY"},
        **over,
    }
    return {key: value for key, value in whole.items() if value is not None}


def http(**payload: Any) -> dict[str, Any]:
    """An HTTP job every five minutes."""
    call = {"type": "HTTP", "httpUrl": "https://billing.example.com/export", "httpMethod": "GET", **payload}
    return dummy(type="HTTP", payload={key: value for key, value in call.items() if value is not None})


def of_type(code: str, payload: dict[str, Any]) -> dict[str, Any]:
    return dummy(name=f"a {code} job", type=code, payload={"type": code, **payload})


def cron(expression: str, **schedule: Any) -> dict[str, Any]:
    return dummy(schedule={"scheduleType": "CRON", "cronExpression": expression, **schedule})
