"""What people did to jobs in a shift: equal deeds in a row are one line with a number."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext, ngettext

from audit.models import AuditEvent
from dashboard.entries import Entry

# Equal deeds about different jobs stand apart up to so many; a line of more names the first jobs.
MOST_APART, MOST_NAMED = 3, 5


@dataclass(frozen=True)
class Deed:
    """What a person did, and to which job; `job_id` is empty where the job is gone or not to be seen."""

    event: Entry
    job_id: str = ""
    job_name: str = ""
    letters: int = 0


@dataclass(frozen=True)
class Line:
    """Equal deeds of one person in a row, newest first."""

    deeds: list[Deed]

    @property
    def event(self) -> Entry:
        return self.deeds[0].event

    @property
    def times(self) -> int:
        return len(self.deeds)

    @property
    def counted(self) -> str:
        """35 dead letters, or 35 times; empty for what was done once."""
        if letters := sum(deed.letters for deed in self.deeds):
            return ngettext("%(n)d dead letter", "%(n)d dead letters", letters) % {"n": letters}
        return gettext("%(n)d times") % {"n": self.times} if self.times > 1 else ""

    @property
    def _jobs(self) -> list[Deed]:
        """A deed about each of the jobs that have a name."""
        return list({deed.event.row.entity_id: deed for deed in self.deeds if deed.job_name}.values())

    @property
    def jobs(self) -> list[Deed]:
        return self._jobs[:MOST_NAMED]

    @property
    def more_jobs(self) -> int:
        return len(self._jobs) - len(self.jobs)


def told(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Deed]:
    """The rows of the trail, newest first, with the names of their jobs; what is gone is named by its end."""
    rows = list(rows)
    gone = {row["entity_id"]: row["name"] or "" for row in rows if row["action"] == "JOB_DELETED"}
    return [
        Deed(
            Entry(_event(row)),
            row["entity_id"] if row["entity_id"] in names else "",
            names.get(row["entity_id"]) or gone.get(row["entity_id"], ""),
            len(json.loads(row["letters"] or "[]")),
        )
        for row in rows
    ]


def _event(row: Mapping[str, Any]) -> AuditEvent:
    columns = ("id", "entity_id", "action", "user_email", "timestamp")
    details = {"note": row["note"] or row["reason"] or ""}
    return AuditEvent(entity_type="Job", details=details, **{name: row[name] for name in columns})


def lines(deeds: Iterable[Deed]) -> Iterator[Line]:
    """The deeds, those that are equal and follow each other in one line."""
    for _, group in groupby(deeds, _alike):
        equal = list(group)
        if len(equal) > MOST_APART:
            yield Line(equal)
        else:
            yield from (Line(list(same)) for _, same in groupby(equal, _job))


def _alike(deed: Deed) -> tuple[str, str, str]:
    return deed.event.who, deed.event.row.action, deed.event.note


def _job(deed: Deed) -> str:
    return deed.event.row.entity_id
