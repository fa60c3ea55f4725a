"""Entries of the audit trail in words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent, SealedEvent
from dashboard import wording
from dashboard.definitions import Change, text
from jobs.models import Job
from runs.bulk import BulkOperation
from runs.models import Run

ACTIONS = {
    "JOB_CREATED": ("Job created", "plus"),
    "JOB_UPDATED": ("Job edited", "edit"),
    "JOB_RESTORED": ("Went back to an earlier version", "replay"),
    "JOB_HANDED_OVER": ("Handed over", "user"),
    "JOB_DELETED": ("Job deleted", "trash"),
    "JOB_PAUSED": ("Paused", "pause"),
    "JOB_RESUMED": ("Resumed", "play"),
    "JOB_TRIGGERED": ("Run started by hand", "play"),
    "JOB_TRIED": ("Tried before saving", "play"),
    "JOB_CANCELLED": ("Cancelled", "stop"),
    "JOB_FIRE_SKIPPED": ("A fire skipped", "st-skipped"),
    "JOB_BACKFILLED": ("Backfill started", "replay"),
    "JOB_BACKFILL_CANCELLED": ("Backfill cancelled", "stop"),
    "JOB_MISSED": ("Its time was missed", "st-late"),
    "JOB_DISARMED": ("Taken off the plan", "warn"),
    "RUN_CANCELLED": ("Run cancelled", "stop"),
    "DEAD_LETTERS_REPLAYED": ("Dead letters replayed", "replay"),
    "DEAD_LETTERS_RESOLVED": ("Dead letters resolved", "check"),
    "DEAD_LETTERS_IGNORED": ("Dead letters ignored", "x"),
    "DEAD_LETTERS_REOPENED": ("Dead letters opened again", "dlq"),
    "DEAD_LETTERS_ASSIGNED": ("Dead letters assigned", "user"),
    "JOB_ACKNOWLEDGED": ("Failures acknowledged", "check"),
    "SIGNATURE_ACKNOWLEDGED": ("Failures acknowledged", "check"),
    "ACKNOWLEDGEMENT_TAKEN_BACK": ("No longer acknowledged", "x"),
    "DEAD_LETTER_RESOLVED": ("Dead letter resolved", "check"),
    "DEAD_LETTER_IGNORED": ("Dead letter ignored", "x"),
    "BULK_STARTED": ("Bulk change started", "jobs"),
    "BULK_CANCELLED": ("Bulk change cancelled", "stop"),
    "BULK_UNDONE": ("Bulk change undone", "replay"),
    "FIRING_STOPPED": ("All firing paused", "pause"),
    "FIRING_RESUMED": ("Firing resumed", "play"),
    "QUEUE_STOPPED": ("Queue paused", "pause"),
    "QUEUE_RESUMED": ("Queue resumed", "play"),
    "WORKER_STOPPED": ("Worker drained", "pause"),
    "WORKER_RESUMED": ("Worker resumed", "play"),
    "PROCESS_FORGOTTEN": ("Process forgotten", "trash"),
    "RETENTION_CHANGED": ("Retention changed", "disk"),
    "SECRET_CREATED": ("Secret created", "key"),
    "SECRET_CHANGED": ("Secret changed", "key"),
    "SECRET_DELETED": ("Secret deleted", "trash"),
    "VIEW_SAVED": ("View saved", "bookmark"),
    "VIEW_CHANGED": ("View changed", "bookmark"),
    "VIEW_DELETED": ("View deleted", "trash"),
    "MESSAGE_RESENT": ("Message sent again", "replay"),
    "MESSAGE_CANCELLED": ("Message cancelled", "x"),
    "RULE_CREATED": ("Rule created", "bell"),
    "RULE_CHANGED": ("Rule changed", "bell"),
    "RULE_DELETED": ("Rule deleted", "trash"),
    "RULE_MUTED": ("Rule muted", "pause"),
    "RULE_UNMUTED": ("Rule speaks again", "play"),
    "CONTACT_CREATED": ("Contact point created", "bell"),
    "CONTACT_CHANGED": ("Contact point changed", "bell"),
    "CONTACT_DELETED": ("Contact point deleted", "trash"),
    "CONTACT_TESTED": ("Contact point tested", "bell"),
    "HEARTBEAT_SET": ("Heartbeat set", "bell"),
    "HEARTBEAT_REMOVED": ("Heartbeat removed", "trash"),
    "TEMPLATE_CHANGED": ("Text of messages changed", "edit"),
    "TEMPLATE_RESET": ("Text of messages reset", "replay"),
    "SIGNED_IN": ("Signed in", "user"),
    "SIGNED_OUT": ("Signed out", "logout"),
    "SIGN_IN_FAILED": ("Sign-in failed", "warn"),
    "LOCKED_OUT": ("Locked out after wrong passwords", "lock"),
    "CONFIRMED": ("Confirmed that it is they", "check"),
    "CONFIRM_FAILED": ("Could not confirm that it is they", "warn"),
    "PROVIDER_BOUND": ("Came by the provider for the first time", "key"),
    "PROVIDER_FORGOTTEN": ("Account at the provider forgotten", "key"),
    "PASSWORD_CHANGED": ("Password changed", "key"),
    "TIME_ZONE_CHOSEN": ("Time zone chosen", "globe"),
    "USER_CREATED": ("Account created", "user"),
    "USER_CHANGED": ("Account changed", "user"),
    "INVITED": ("Invited", "user"),
    "INVITATION_ACCEPTED": ("Invitation accepted", "check"),
    "PASSWORD_LINK_MADE": ("Link for a password made", "key"),
    "PASSWORD_RESET_ASKED": ("Link for a password asked for", "key"),
    "PASSWORD_RESET": ("Password chosen by a link", "key"),
    "SESSIONS_ENDED": ("Sessions ended", "logout"),
    "TWO_FACTOR_ON": ("Two-factor switched on", "shield"),
    "TWO_FACTOR_OFF": ("Two-factor switched off", "shield"),
    "RECOVERY_CODES_RENEWED": ("Recovery codes renewed", "key"),
    "API_TOKEN_CREATED": ("API token made", "webhook"),
    "API_TOKEN_REVOKED": ("API token revoked", "trash"),
    "DENIED": ("Denied", "shield"),
    "AUDIT_PURGED": ("Old entries exported and purged", "disk"),
}
ENTITIES = {
    "Job": "job",
    "Run": "run",
    "DeadLetter": "dead letter",
    "BulkOperation": "bulk change",
    "User": "account",
    "Secret": "secret",
    "ApiToken": "API token",
    "SavedView": "view",
    "Stop": "stop",
    "Process": "process",
    "RetentionRule": "retention",
    "Trial": "test",
    "Seal": "block",
    "Notification": "message",
    "Rule": "rule",
    "Contact": "contact point",
    "Template": "text of messages",
}
_VIA = {"SESSION": "in the browser", "API": "by an API token"}
# What has words of its own, or a line of its own.
_SAID = ("note", "reason")
_NESTS = ("changes", "changed")
BRIEF_CHANGES = 6
Sides = tuple[Any, Any]
# Each field of these came or went.
_WHOLE = ("JOB_CREATED", "JOB_DELETED")
_BY_NOBODY = ("SIGN_IN_FAILED", "LOCKED_OUT", "PASSWORD_RESET_ASKED")


@dataclass(frozen=True)
class Entry:
    """One entry of the audit trail in words."""

    row: AuditEvent
    name: str = ""
    link: str = ""
    seal: SealedEvent | None = None

    @property
    def words(self) -> str:
        return ACTIONS.get(self.row.action, (self.row.action.replace("_", " ").capitalize(), ""))[0]

    @property
    def icon(self) -> str:
        return ACTIONS.get(self.row.action, ("", "audit"))[1]

    @property
    def who(self) -> str:
        if self.row.user_email:
            return self.row.user_email
        return "somebody" if self.row.action in _BY_NOBODY else "system"

    @property
    def via(self) -> str:
        return _VIA.get(self.row.via or "", self.row.via or "")

    @property
    def kind(self) -> str:
        return ENTITIES.get(self.row.entity_type, self.row.entity_type)

    @property
    def entity(self) -> str:
        """What people call the thing it is about."""
        return self.name or str(self._details.get("name") or self.row.entity_id)

    @property
    def _details(self) -> dict[str, Any]:
        return self.row.details if isinstance(self.row.details, dict) else {}

    @property
    def note(self) -> str:
        return str(self._details.get("note") or self._details.get("reason") or "")

    @property
    def changes(self) -> list[Change]:
        """What changed, field by field."""
        return [Change(name, *map(_side, sides)) for name, sides in self._pairs.items()]

    @property
    def _pairs(self) -> dict[str, Sides]:
        """Each field's values before and after, wherever in the details they were told."""
        nested = [told for name in _NESTS if isinstance(told := self._details.get(name), dict)]
        beside = {name: value for name, value in self._details.items() if isinstance(value, dict)}
        told = {name: value for each in (beside, *nested) for name, value in each.items()}
        return {name: sides for name, value in told.items() if (sides := _sides(value))}

    @property
    def brief_changes(self) -> list[Change]:
        """The first changes; all of what came or went is on the entry's own page."""
        return [] if self.row.action in _WHOLE else self.changes[:BRIEF_CHANGES]

    @property
    def more_changes(self) -> int:
        return 0 if self.row.action in _WHOLE else max(0, len(self.changes) - BRIEF_CHANGES)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The rest of what was recorded."""
        return [
            (name.replace("_", " "), text(value))
            for name, value in self._details.items()
            if name not in _SAID and value is not None and not self._is_change(name, value)
        ]

    def _is_change(self, name: str, value: Any) -> bool:
        return isinstance(value, dict) and (name in _NESTS or bool(_sides(value)))

    @property
    def brief_facts(self) -> list[tuple[str, str]]:
        return [
            (name, value)
            for name, value in self.facts
            if value != self.entity and len(value) < 80 and "\n" not in value
        ][:3]

    @property
    def run(self) -> str:
        return str(self._details.get("run") or "") if self.row.action == "JOB_TRIGGERED" else ""

    @property
    def version(self) -> int | None:
        return self._details.get("version")

    @property
    def restored(self) -> int | None:
        """The earlier version that it went back to."""
        return self._details.get("restored")

    @property
    def owners(self) -> tuple[str, str] | None:
        if self.row.action != "JOB_HANDED_OVER":
            return None
        told = self._details.get("from"), self._details.get("to")
        before, after = self._pairs.get("owner", told)
        return str(before or ""), str(after or "")


def told(rows: Iterable[AuditEvent], user: User) -> list[Entry]:
    """The entries with the names of what they are about, as far as it is there and the person may see it."""
    rows = list(rows)
    named = _named(rows, user)
    seals = SealedEvent.objects.in_bulk([row.pk for row in rows])
    return [
        Entry(row, *named.get((row.entity_type, row.entity_id), ("", "")), seals.get(row.pk)) for row in rows
    ]


Names = Mapping[tuple[str, str], tuple[str, str]]


def _named(rows: list[AuditEvent], user: User) -> Names:
    """Name and address of each entity, by its type and id."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    ids = {kind: {row.entity_id for row in rows if row.entity_type == kind} for kind in ENTITIES}
    if ids["Job"]:
        jobs = Job.objects.visible_to(user).filter(pk__in=ids["Job"]).values_list("pk", "name")
        found |= {("Job", pk): (name, reverse("job_detail", args=[pk])) for pk, name in jobs}
    if ids["Run"]:
        runs = Run.objects.visible_to(user).filter(pk__in=ids["Run"])
        for pk, name, due in runs.values_list("pk", "job__name", "scheduled_time"):
            found["Run", pk] = f"{name}, {wording.in_utc(due)}", reverse("run_detail", args=[pk])
    if ids["BulkOperation"]:
        bulk = BulkOperation.objects.visible_to(user).filter(pk__in=ids["BulkOperation"])
        found |= {
            ("BulkOperation", each.pk): (each.title, reverse("bulk_detail", args=[each.pk])) for each in bulk
        }
    if people := {pk for pk in ids["User"] if pk.isdecimal()}:
        emails = User.objects.filter(pk__in=people).values_list("pk", "email")
        found |= {("User", str(pk)): (email, "") for pk, email in emails}
    return found


def _sides(value: Any) -> Sides | None:
    """Before and after, told as a pair or by name."""
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        return value["from"], value["to"]
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else None


def _side(value: Any) -> str | None:
    if isinstance(value, list | dict):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return None if value in (None, "") else text(value)
