"""What can be told: one event of one job, or of Chronos itself, and the facts that its message tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chronos_site.logs import first_line
from notifications.known import Known, Subject
from notifications.rules import Event

TEMPLATES: Mapping[Event, str] = {
    Event.FAILURE: "JOB_FAILURE",
    Event.DEAD_LETTER: "DLQ_OPENED",
    Event.RECOVERY: "RECOVERED",
    Event.RETRY: "JOB_RETRY",
    Event.SUCCESS: "JOB_SUCCESS",
    Event.LATE: "LATE",
    Event.STUCK: "STUCK",
    Event.SLOW: "SLOW",
    Event.SCHEDULER: "SCHEDULER",
}
DIGEST = "DIGEST"
# They break through quiet hours and digests, of whatever job they are.
URGENT = frozenset({Event.STUCK, Event.SCHEDULER})
# So do these of jobs of high priority.
GRAVE = frozenset({Event.FAILURE, Event.DEAD_LETTER, Event.LATE, Event.SLOW})
RUNBOOK_LINES = 5
LINE_LIMIT = 300


@dataclass(frozen=True)
class Happening:
    """One event that one rule tells its contact points of; `key` is its own for ever."""

    known: Known
    event: Event
    key: str
    at: datetime
    job: Subject | None = None
    run_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        return TEMPLATES[self.event]

    @property
    def urgent(self) -> bool:
        return self.event in URGENT or (self.event in GRAVE and self.job is not None and self.job.urgent)

    @property
    def told(self) -> dict[str, Any]:
        """The facts as plain JSON, as `notifications.vocabulary` names them."""
        rule = self.known.rule
        return {
            "event": self.template,
            "at": self.at.isoformat(),
            "rule": rule.name,
            "mute_url": f"/notifications/rules/{rule.pk}/",
            **({"job": about(self.job)} if self.job else {}),
            **self.facts,
        }


def about(job: Subject) -> dict[str, Any]:
    """What a message says of a job."""
    _, _, runbook = job.description.partition("\n")
    lines = [line for line in runbook.splitlines() if line.strip()][:RUNBOOK_LINES]
    return {
        "id": job.pk,
        "name": job.name,
        "owner": job.owner,
        "url": f"/jobs/{job.pk}/",
        "runbook": "\n".join(lines),
    }


def line(text: str) -> str:
    """The first line of an error, as much of it as a message tells."""
    return first_line(text)[:LINE_LIMIT]
