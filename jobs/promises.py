"""What people were promised about a job: by when an occurrence starts, and by when it has ended.

Pure functions of a schedule's promise and a tick.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jobs import zones
from jobs.cron_reading import clock, length

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Promise:
    """A start so many seconds after the tick, an end by a time of day in the zone; either may be missing."""

    start_within_seconds: int | None = None
    end_by: time | None = None
    timezone: str = "UTC"

    @classmethod
    def of(cls, schedule: Mapping[str, Any]) -> "Promise":
        """The promise in the schedule part of a definition, which may be from before there were promises."""
        told = schedule.get("end_by")
        zone = schedule.get("timezone")
        return cls(
            schedule.get("start_within_seconds"),
            time.fromisoformat(told) if isinstance(told, str) else told,
            zone if zone in zones.names() else "UTC",
        )

    def __bool__(self) -> bool:
        return self.start_within_seconds is not None or self.end_by is not None

    def start_deadline(self, tick: datetime) -> datetime | None:
        """By when the occurrence of this tick has started."""
        if self.start_within_seconds is None:
            return None
        return tick + timedelta(seconds=self.start_within_seconds)

    def end_deadline(self, tick: datetime) -> datetime | None:
        """By when it has ended: the first instant after the tick at which the zone's clock shows the time.

        Where the clock skips the time, that is the first instant after the gap.
        """
        if self.end_by is None:
            return None
        return next(at for at in _shown(self.end_by, tick, zones.zone(self.timezone)) if at > tick)

    def missed(self, tick: datetime, started: datetime | None, ended: datetime | None, at: datetime) -> str:
        """Which deadline was missed by `at`, in words; empty while none was. The end counts for more."""
        for deadline, done, word in (
            (self.end_deadline(tick), ended, "ended"),
            (self.start_deadline(tick), started, "started"),
        ):
            if deadline is not None and (done or at) > deadline:
                return f"should have {word} by {self._told(deadline)}"
        return ""

    def _told(self, deadline: datetime) -> str:
        local = deadline.astimezone(zones.zone(self.timezone))
        name = local.tzname() or ""
        return f"{clock(local)} UTC{name}" if name.startswith(("+", "-")) else f"{clock(local)} {name}"

    def __str__(self) -> str:
        """Starts within 1 min, ends by 06:00."""
        told = []
        if self.start_within_seconds is not None:
            told.append(f"starts within {length(self.start_within_seconds)}")
        if self.end_by is not None:
            told.append(f"ends by {self.end_by:%H:%M}")
        return ", ".join(told).capitalize()


def _shown(end_by: time, tick: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The instants at which the clock shows the time from the tick's day on, or what comes for them."""
    today = tick.astimezone(zone).date()
    # A date line may be crossed, which makes a day go missing.
    for days in range(4):
        wall = datetime.combine(today + days * DAY, end_by)
        shift = zones.shift_at(wall, zone)
        if shift and shift.forward:
            yield shift.at
        else:
            yield from sorted({wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
