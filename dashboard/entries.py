"""Entries of the audit trail in words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts.actions import NOBODY
from accounts.models import User
from audit.models import AuditEvent, SealedEvent
from dashboard import wording
from dashboard.definitions import Change, text
from jobs.models import Job
from runs.bulk import BulkOperation
from runs.models import Run

ACTIONS = {
    "JOB_CREATED": (_("Job created"), "plus"),
    "JOB_UPDATED": (_("Job edited"), "edit"),
    "JOB_RESTORED": (_("Went back to an earlier version"), "replay"),
    "JOB_HANDED_OVER": (_("Handed over"), "user"),
    "JOB_DELETED": (_("Job deleted"), "trash"),
    "JOB_PAUSED": (_("Paused"), "pause"),
    "JOB_RESUMED": (_("Resumed"), "play"),
    "JOB_TRIGGERED": (_("Run started by hand"), "play"),
    "JOB_TRIED": (_("Tried before saving"), "play"),
    "JOB_CANCELLED": (_("Cancelled"), "stop"),
    "JOB_FIRE_SKIPPED": (_("A fire skipped"), "st-skipped"),
    "JOB_BACKFILLED": (_("Backfill started"), "replay"),
    "JOB_BACKFILL_CANCELLED": (_("Backfill cancelled"), "stop"),
    "JOB_MISSED": (_("Its time was missed"), "st-late"),
    "JOB_DISARMED": (_("Taken off the plan"), "warn"),
    "RUN_CANCELLED": (_("Run cancelled"), "stop"),
    "DEAD_LETTERS_REPLAYED": (_("Dead letters replayed"), "replay"),
    "DEAD_LETTERS_RESOLVED": (_("Dead letters resolved"), "check"),
    "DEAD_LETTERS_IGNORED": (_("Dead letters ignored"), "x"),
    "DEAD_LETTERS_REOPENED": (_("Dead letters opened again"), "dlq"),
    "DEAD_LETTERS_ASSIGNED": (_("Dead letters assigned"), "user"),
    "JOB_ACKNOWLEDGED": (_("Failures acknowledged"), "check"),
    "SIGNATURE_ACKNOWLEDGED": (_("Failures acknowledged"), "check"),
    "ACKNOWLEDGEMENT_TAKEN_BACK": (_("No longer acknowledged"), "x"),
    "DEAD_LETTER_RESOLVED": (_("Dead letter resolved"), "check"),
    "DEAD_LETTER_IGNORED": (_("Dead letter ignored"), "x"),
    "BULK_STARTED": (_("Bulk change started"), "jobs"),
    "BULK_CANCELLED": (_("Bulk change cancelled"), "stop"),
    "BULK_UNDONE": (_("Bulk change undone"), "replay"),
    "FIRING_STOPPED": (_("All firing paused"), "pause"),
    "FIRING_RESUMED": (_("Firing resumed"), "play"),
    "QUEUE_STOPPED": (_("Queue paused"), "pause"),
    "QUEUE_RESUMED": (_("Queue resumed"), "play"),
    "WORKER_STOPPED": (_("Worker drained"), "pause"),
    "WORKER_RESUMED": (_("Worker resumed"), "play"),
    "PROCESS_FORGOTTEN": (_("Process forgotten"), "trash"),
    "RETENTION_CHANGED": (_("Retention changed"), "disk"),
    "SECRET_CREATED": (_("Secret created"), "key"),
    "SECRET_CHANGED": (_("Secret changed"), "key"),
    "SECRET_DELETED": (_("Secret deleted"), "trash"),
    "VIEW_SAVED": (_("View saved"), "bookmark"),
    "VIEW_CHANGED": (_("View changed"), "bookmark"),
    "VIEW_DELETED": (_("View deleted"), "trash"),
    "MESSAGE_RESENT": (_("Message sent again"), "replay"),
    "MESSAGE_CANCELLED": (_("Message cancelled"), "x"),
    "RULE_CREATED": (_("Rule created"), "bell"),
    "RULE_CHANGED": (_("Rule changed"), "bell"),
    "RULE_DELETED": (_("Rule deleted"), "trash"),
    "RULE_MUTED": (_("Rule muted"), "pause"),
    "RULE_UNMUTED": (_("Rule speaks again"), "play"),
    "CONTACT_CREATED": (_("Contact point created"), "bell"),
    "CONTACT_CHANGED": (_("Contact point changed"), "bell"),
    "CONTACT_DELETED": (_("Contact point deleted"), "trash"),
    "CONTACT_TESTED": (_("Contact point tested"), "bell"),
    "HEARTBEAT_SET": (_("Heartbeat set"), "bell"),
    "HEARTBEAT_REMOVED": (_("Heartbeat removed"), "trash"),
    "TEMPLATE_CHANGED": (_("Text of messages changed"), "edit"),
    "TEMPLATE_RESET": (_("Text of messages reset"), "replay"),
    "SIGNED_IN": (_("Signed in"), "user"),
    "SIGNED_OUT": (_("Signed out"), "logout"),
    "SIGN_IN_FAILED": (_("Sign-in failed"), "warn"),
    "LOCKED_OUT": (_("Locked out after wrong passwords"), "lock"),
    "CONFIRMED": (_("Confirmed that it is they"), "check"),
    "CONFIRM_FAILED": (_("Could not confirm that it is they"), "warn"),
    "PROVIDER_BOUND": (_("Came by the provider for the first time"), "key"),
    "PROVIDER_FORGOTTEN": (_("Account at the provider forgotten"), "key"),
    "PASSWORD_CHANGED": (_("Password changed"), "key"),
    "TIME_ZONE_CHOSEN": (_("Time zone chosen"), "globe"),
    "USER_CREATED": (_("Account created"), "user"),
    "USER_CHANGED": (_("Account changed"), "user"),
    "INVITED": (_("Invited"), "user"),
    "INVITATION_ACCEPTED": (_("Invitation accepted"), "check"),
    "PASSWORD_LINK_MADE": (_("Link for a password made"), "key"),
    "PASSWORD_RESET_ASKED": (_("Link for a password asked for"), "key"),
    "PASSWORD_RESET": (_("Password chosen by a link"), "key"),
    "SESSIONS_ENDED": (_("Sessions ended"), "logout"),
    "TWO_FACTOR_ON": (_("Two-factor switched on"), "shield"),
    "TWO_FACTOR_OFF": (_("Two-factor switched off"), "shield"),
    "RECOVERY_CODES_RENEWED": (_("Recovery codes renewed"), "key"),
    "API_TOKEN_CREATED": (_("API token made"), "webhook"),
    "API_TOKEN_REVOKED": (_("API token revoked"), "trash"),
    "DENIED": (_("Denied"), "shield"),
    "AUDIT_PURGED": (_("Old entries exported and purged"), "disk"),
}
ENTITIES = {
    "Job": _("job"),
    "Run": _("run"),
    "DeadLetter": _("dead letter"),
    "BulkOperation": _("bulk change"),
    "User": _("account"),
    "Secret": _("secret"),
    "ApiToken": _("API token"),
    "SavedView": _("view"),
    "Stop": _("stop"),
    "Process": _("process"),
    "RetentionRule": _("retention"),
    "Trial": _("test"),
    "Seal": _("block"),
    "Notification": _("message"),
    "Rule": _("rule"),
    "Contact": _("contact point"),
    "Template": _("text of messages"),
}
_VIA = {"SESSION": _("in the browser"), "API": _("by an API token")}
# What has words of its own, or a line of its own.
_SAID = ("note", "reason")
_NESTS = ("changes", "changed")
BRIEF_CHANGES = 6
Sides = tuple[Any, Any]
# Each field of these came or went.
_WHOLE = ("JOB_CREATED", "JOB_DELETED")
_BY_NOBODY = ("SIGN_IN_FAILED", "LOCKED_OUT", "PASSWORD_RESET_ASKED")


def action(code: str) -> str:
    """What was done, in words."""
    return gettext(ACTIONS[code][0]) if code in ACTIONS else code.replace("_", " ").capitalize()


def kind(entity_type: str) -> str:
    """What people call things of this type."""
    return gettext(ENTITIES[entity_type]) if entity_type in ENTITIES else entity_type


@dataclass(frozen=True)
class Entry:
    """One entry of the audit trail in words."""

    row: AuditEvent
    name: str = ""
    link: str = ""
    seal: SealedEvent | None = None

    @property
    def words(self) -> str:
        return action(self.row.action)

    @property
    def icon(self) -> str:
        return ACTIONS.get(self.row.action, ("", "audit"))[1]

    @property
    def who(self) -> str:
        if self.row.user_email:
            return self.row.user_email
        return gettext("somebody") if self.row.action in _BY_NOBODY else gettext("system")

    @property
    def via(self) -> str:
        via = self.row.via or ""
        return gettext(_VIA[via]) if via in _VIA else via

    @property
    def kind(self) -> str:
        return kind(self.row.entity_type)

    @property
    def entity(self) -> str:
        """What people call the thing it is about."""
        sides = self._pairs.get("name") or (self._details.get("name"),)
        told = next((side for side in reversed(sides) if side), None)
        return self.name or str(told or self.row.entity_id)

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
    # Who tried to sign in has no account.
    found["User", str(NOBODY.pk)] = gettext("unknown"), ""
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
