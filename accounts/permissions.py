"""Who may open which address, as data: the one place where a role opens or closes a page.

An address without a rule is open to nobody. A rule says who may read (GET, HEAD, OPTIONS) and who may change
(every other method). Whose things an address is about is a second question: `OWN` things of others are not
there (404) for people with the role USER, and operators see everyone's; `VISIBLE_TO` of each model says so.
A rule says too before which changes people show once more that it is they.
"""

from dataclasses import dataclass
from enum import Enum

from django.http import QueryDict

from accounts.models import User

READING = {"GET", "HEAD", "OPTIONS"}


class Who(Enum):
    """Who an address is open to; each word leaves out the people of the one before."""

    ANYBODY = "anybody"
    EVERYONE = "everyone who is signed in"
    OPERATORS = "operators and administrators"
    ADMINISTRATORS = "administrators"

    def includes(self, user: User) -> bool:
        match self:
            case Who.OPERATORS:
                return user.is_operator
            case Who.ADMINISTRATORS:
                return user.is_administrator
            case _:
                return True


class Whose(Enum):
    """Whose things the ids in an address may name."""

    NOTHING = "names no thing"
    OWN = "own; operators everyone's"
    MINE = "own"
    SHARED = "own; those that are shared for administrators too"
    ADMINISTRATED = "own; administrators everyone's"
    ANY = "anyone's"


# Jobs that are deleted or cancelled at once without being asked who one is.
FEW = 20


class Proof(Enum):
    """Before which changes somebody shows that it is still they, unless they did so minutes ago."""

    NEVER = "–"
    ALWAYS = "each change"
    OF_MANY = f"deleting or cancelling more than {FEW}, or all that match"

    def is_wanted(self, posted: QueryDict) -> bool:
        match self:
            case Proof.NEVER:
                return False
            case Proof.ALWAYS:
                return True
        # The page compares what was confirmed with what it finds: nobody gets by with a small number.
        confirmed = posted.get("confirmed", "")
        is_deed = posted.get("do") in ("DELETE", "CANCEL") and "confirmed" in posted
        is_few = confirmed.isdecimal() and len(confirmed) < 10 and int(confirmed) <= FEW
        return is_deed and (posted.get("all") == "1" or not is_few)


@dataclass(frozen=True)
class Rule:
    """Who may read and who may change at an address; None where there is no such method."""

    read: Who | None = None
    change: Who | None = None
    whose: Whose = Whose.NOTHING
    sentence: str = ""
    proof: Proof = Proof.NEVER

    def who(self, method: str) -> Who:
        """Who may use the method; for one that the address does not know, whoever may use the others."""
        asked, other = (self.read, self.change) if method in READING else (self.change, self.read)
        return asked or other or Who.ADMINISTRATORS

    def refusal(self, user: User, method: str) -> str:
        """Why this person may not use the method here; empty when they may."""
        who = self.who(method)
        return "" if who.includes(user) else self.sentence or f"Only {who.value} may do this."


OPEN = Rule(read=Who.ANYBODY)
OPEN_FORM = Rule(read=Who.ANYBODY, change=Who.ANYBODY)
PAGE = Rule(read=Who.EVERYONE)
FORM = Rule(read=Who.EVERYONE, change=Who.EVERYONE)
PROVEN_FORM = Rule(read=Who.EVERYONE, change=Who.EVERYONE, proof=Proof.ALWAYS)
POST = Rule(change=Who.EVERYONE)
OWN_PAGE = Rule(read=Who.EVERYONE, whose=Whose.OWN)
OWN_FORM = Rule(read=Who.EVERYONE, change=Who.EVERYONE, whose=Whose.OWN)
OWN_POST = Rule(change=Who.EVERYONE, whose=Whose.OWN)
ADMINISTRATION = Rule(read=Who.ADMINISTRATORS, change=Who.ADMINISTRATORS, whose=Whose.ANY, proof=Proof.ALWAYS)
PERSON_POST = Rule(change=Who.ADMINISTRATORS, whose=Whose.ANY, proof=Proof.ALWAYS)

_SYSTEM = "The system page is for operators and administrators."
_STOPS = "Only operators and administrators pause firing, queues and workers."
_TEXTS = "Only administrators read and change the texts of messages."
STOP_FORM = Rule(read=Who.OPERATORS, change=Who.OPERATORS, whose=Whose.ANY, sentence=_STOPS)
STOP_POST = Rule(change=Who.OPERATORS, whose=Whose.ANY, sentence=_STOPS)

# What is open to people whose role demands a second factor that they do not have yet.
WITHOUT_SECOND_FACTOR = {"two_factor", "sign_out"}

# Every page of a part that is not ours alone, whatever its name.
NAMESPACES = {
    "admin": ADMINISTRATION,
    # The token says who asks, and its scope and their role how far they reach.
    "api": Rule(read=Who.ANYBODY, change=Who.ANYBODY, whose=Whose.OWN),
}

RULES = {
    # What runs without anybody.
    "healthz": OPEN,
    "readyz": OPEN,
    "metrics": OPEN,
    # One's own account.
    "sign_in": OPEN_FORM,
    "time_zone": OPEN_FORM,
    "sign_in_code": OPEN_FORM,
    "provider_start": OPEN,
    "provider_callback": OPEN,
    "password_forgotten": OPEN_FORM,
    "password_set": OPEN_FORM,
    "sign_out": POST,
    "session_list": PAGE,
    "session_end": Rule(change=Who.EVERYONE, whose=Whose.MINE),
    "session_end_others": POST,
    "two_factor": PROVEN_FORM,
    "password_change": FORM,
    "token_list": PROVEN_FORM,
    "token_revoke": Rule(change=Who.EVERYONE, whose=Whose.ADMINISTRATED),
    # Looking.
    "overview": PAGE,
    "pulse": PAGE,
    "search": PAGE,
    "handover": PAGE,
    "calendar": PAGE,
    "calendar_ran": PAGE,
    "calendar_upcoming": PAGE,
    "calendar_file": PAGE,
    "calendar_spread": PAGE,
    "system": Rule(read=Who.OPERATORS, sentence=_SYSTEM),
    "diagnosis": Rule(read=Who.OPERATORS, sentence=_SYSTEM),
    # The audit trail.
    "audit_list": PAGE,
    "audit_export": PAGE,
    "audit_detail": OWN_PAGE,
    # Jobs.
    "job_list": PAGE,
    "job_columns": POST,
    "job_export": FORM,
    "job_bulk": Rule(change=Who.EVERYONE, proof=Proof.OF_MANY),
    "job_detail": OWN_PAGE,
    "job_versions": OWN_PAGE,
    "job_create": FORM,
    "job_import": FORM,
    "schedule_preview": FORM,
    "tag_suggestions": PAGE,
    "jobs_spread": POST,
    "job_edit": OWN_FORM,
    "job_pause": OWN_FORM,
    "job_resume": OWN_POST,
    "job_restore": OWN_POST,
    "job_file": OWN_PAGE,
    "job_delete": OWN_FORM,
    "job_run_now": OWN_FORM,
    "job_cancel": OWN_POST,
    "job_skip": OWN_FORM,
    "job_backfill": OWN_FORM,
    "job_backfill_cancel": OWN_POST,
    "job_test": POST,
    "trial_detail": Rule(read=Who.EVERYONE, whose=Whose.MINE),
    "trial_cancel": Rule(change=Who.EVERYONE, whose=Whose.MINE),
    # Saved views of lists.
    "view_save": FORM,
    "view_change": Rule(read=Who.EVERYONE, change=Who.EVERYONE, whose=Whose.SHARED),
    "view_delete": Rule(change=Who.EVERYONE, whose=Whose.SHARED),
    "run_view_save": FORM,
    "run_view_change": Rule(read=Who.EVERYONE, change=Who.EVERYONE, whose=Whose.SHARED),
    "run_view_delete": Rule(change=Who.EVERYONE, whose=Whose.SHARED),
    # Bulk operations.
    "bulk_list": PAGE,
    "bulk_detail": OWN_PAGE,
    "bulk_cancel": OWN_POST,
    "bulk_undo": OWN_POST,
    # Runs.
    "run_list": PAGE,
    "run_export": PAGE,
    "run_compare": PAGE,
    "run_detail": OWN_PAGE,
    "run_log": OWN_PAGE,
    "run_cancel": OWN_POST,
    "artefact_download": OWN_PAGE,
    # Dead letters.
    "dead_letter_list": PAGE,
    "letter_bulk": POST,
    "dead_letter_detail": OWN_PAGE,
    "letter_decide": OWN_POST,
    "letter_replay": OWN_POST,
    "letter_replay_changed": OWN_FORM,
    "letter_resolve": OWN_POST,
    "letter_ignore": OWN_POST,
    "letter_assign": OWN_POST,
    "job_acknowledge": OWN_POST,
    "signature_acknowledge": Rule(change=Who.OPERATORS, whose=Whose.ANY),
    "acknowledgement_take_back": OWN_POST,
    # People.
    "people": Rule(read=Who.ADMINISTRATORS),
    "person_invite": Rule(read=Who.ADMINISTRATORS, change=Who.ADMINISTRATORS, proof=Proof.ALWAYS),
    "person_change": ADMINISTRATION,
    "person_link": PERSON_POST,
    "person_without_code": PERSON_POST,
    "person_without_provider": PERSON_POST,
    # What people have stopped, and what is kept.
    "firing_stop": STOP_FORM,
    "firing_resume": STOP_POST,
    "queue_stop": STOP_FORM,
    "queue_resume": STOP_POST,
    "worker_drain": STOP_FORM,
    "worker_undrain": STOP_POST,
    "worker_forget": STOP_POST,
    "retention": Rule(read=Who.OPERATORS, change=Who.ADMINISTRATORS),
    # Alerts and messages.
    "notification_list": PAGE,
    "notification_detail": OWN_PAGE,
    "notification_resend": OWN_POST,
    "notification_cancel": OWN_POST,
    "rule_list": PAGE,
    "rule_create": FORM,
    "rule_edit": OWN_FORM,
    "rule_mute": OWN_POST,
    "rule_delete": OWN_FORM,
    "contact_list": PAGE,
    "contact_create": FORM,
    "contact_edit": OWN_FORM,
    "contact_delete": OWN_FORM,
    "contact_test": OWN_POST,
    "job_heartbeat": OWN_FORM,
    "template_list": Rule(read=Who.ADMINISTRATORS, sentence=_TEXTS),
    "template_edit": Rule(read=Who.ADMINISTRATORS, change=Who.ADMINISTRATORS, sentence=_TEXTS),
}


def rule(view_name: str) -> Rule | None:
    """The rule of an address by its name, `namespace:name` where it has a namespace; None without one."""
    namespace = view_name.partition(":")[0]
    return NAMESPACES.get(namespace) or RULES.get(view_name)


def table() -> str:
    """The rules as a table in Markdown: docs/permissions.md shows it."""
    head = "| address | look | change | whose things | asked again before |\n|---|---|---|---|---|"
    rules = {**RULES, **{f"{name}:…": rule for name, rule in NAMESPACES.items()}}
    lines = (
        f"| {name} | {_words(rule.read)} | {_words(rule.change)} | {rule.whose.value} | {rule.proof.value} |"
        for name, rule in sorted(rules.items())
    )
    return "\n".join([head, *lines])


def _words(who: Who | None) -> str:
    return who.value if who else "–"
