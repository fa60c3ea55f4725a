"""When a schedule fires: pure functions of a plan and an instant."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Plan:
    kind: str
    run_at: datetime | None = None
    cron_expression: str | None = None
    interval_seconds: int | None = None
    timezone: str = "UTC"
    anchor_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter_seconds: int = 0
    jitter_key: str = ""
