"""What people did to a job: its versions and its entries in the audit trail."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from audit.models import AuditEvent
from chronos_site.statements import compiled
from dashboard import definitions
from dashboard.definitions import Change
from dashboard.entries import Entry
from jobs.definition import Definition
from jobs.models import Job, JobVersion

VERSIONS_SHOWN, EVENTS_SHOWN = 12, 12


@dataclass(frozen=True)
class Version:
    """One version and what it changed."""

    row: JobVersion
    changes: list[Change] | None

    @property
    def number(self) -> int:
        return self.row.version

    @property
    def author(self) -> str:
        return self.row.author.email if self.row.author else "system"

    @property
    def brief(self) -> Change | None:
        """The one change, when it fits into a line."""
        return self.changes[0] if self.changes and len(self.changes) == 1 and self.changes[0].brief else None

    @property
    def summary(self) -> str:
        """What changed, by name."""
        if self.changes is None:
            return "First version" if self.number == 1 else "Earlier versions are not kept"
        names = [change.label for change in self.changes]
        return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "") or "Nothing"


@dataclass(frozen=True)
class Versions:
    """The newest versions, each against the one before; `edited_at` is when the job became what it is."""

    shown: list[Version]
    current: Definition
    older: int
    edited_at: datetime | None

    @classmethod
    def read(cls, job: Job) -> "Versions":
        found = _versions(job)
        versions = [
            Version(row, definitions.changes(before.definition, row.definition) if before else None)
            for row, before in zip(found, _before(found), strict=True)
        ]
        own = next((row for row in found if row.version == job.version), None)
        # Versions for one replay may have pushed it off the list.
        own = own or job.versions.filter(version=job.version).first()
        last = found[0].version if found else 0
        return cls(
            versions[:VERSIONS_SHOWN],
            own.definition if own else {},
            max(0, last - VERSIONS_SHOWN),
            own.created_at if own else None,
        )


@compiled
def _versions(job: Job) -> QuerySet[JobVersion]:
    rows = JobVersion.objects.filter(job=job).select_related("author").defer("author__password")
    return rows.order_by("-version")[: VERSIONS_SHOWN + 1]


def _before(found: list[JobVersion]) -> list[JobVersion | None]:
    """For each version, newest first, the one before it that was the job's own."""
    return [next((row for row in found[n:] if not row.once), None) for n in range(1, len(found) + 1)]


@dataclass(frozen=True)
class Trail:
    """The newest entries about the job."""

    events: list[Entry]

    @classmethod
    def read(cls, job: Job) -> "Trail":
        return cls([Entry(row) for row in _events(job.pk)])

    @property
    def paused(self) -> Entry | None:
        """Who paused it last, as far as these entries tell."""
        return next((event for event in self.events if event.row.action == "JOB_PAUSED"), None)

    @property
    def starters(self) -> dict[str, str]:
        """Who started which run by hand, as far as these entries tell."""
        return {event.run: event.who for event in self.events if event.run}


@compiled
def _events(job_id: str) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(entity_type="Job", entity_id=job_id).order_by("-timestamp")[
        :EVENTS_SHOWN
    ]
