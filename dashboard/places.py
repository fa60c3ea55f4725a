"""The pages that people go to by name, by key and from the palette."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts.models import Role


@dataclass(frozen=True)
class Place:
    """A page: the name of its address, what people call it, its drawing, the keys that lead there.

    `words` are other words that it is found by; those below the role do not see it. Its address
    is `of` something.
    """

    name: str
    english: str
    icon: str
    key: str = ""
    words: str = ""
    role: Role = Role.USER
    query: str = ""
    of: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return gettext(self.english)

    @property
    def address(self) -> str:
        return reverse(self.name, args=self.of) + self.query


PAGES = (
    Place("overview", _("Overview"), "overview", "g o", "home start dashboard"),
    Place("job_list", _("Jobs"), "jobs", "g j", "schedules list"),
    Place("job_list", _("Failing jobs"), "st-failed", "g f", "broken errors", query="?failing=1"),
    Place("job_list", _("Late jobs"), "st-late", "", "overdue not started", query="?late=1"),
    Place("run_list", _("Runs"), "runs", "g r", "executions history"),
    Place("calendar", _("Calendar"), "calendar", "g c", "planned fires week month"),
    Place("calendar_upcoming", _("Upcoming fires"), "st-scheduled", "", "next hour due soon what fires"),
    Place("dead_letter_list", _("Dead letters"), "dlq", "g d", "triage inbox failures replay"),
    Place("bulk_list", _("Bulk changes"), "jobs", "g b", "many undo operations"),
    Place("notification_list", _("Notifications"), "bell", "g n", "messages outbox alerts sent mail"),
    Place("rule_list", _("My alerts"), "bell", "", "rules who is told notify mute"),
    Place("contact_list", _("Contact points"), "ty-email", "", "addresses webhook mail phone targets"),
    Place("system", _("System"), "system", "g s", "workers queues scheduler storage", Role.OPERATOR),
    Place("audit_list", _("Audit trail"), "audit", "g a", "who did what log history entries"),
    Place("retention", _("Retention"), "disk", "", "purge delete old keep", Role.OPERATOR),
    Place("template_list", _("Message texts"), "bell", "", "templates wording notifications", Role.ADMIN),
    Place("handover", _("Shift handover"), "flag", "g h", "summary night"),
    Place("admin:index", _("Administration"), "shield", "g m", "users accounts admin", Role.ADMIN),
    Place("time_zone", _("Time zone"), "globe", "", "clock utc"),
    Place("people", _("People"), "user", "", "accounts users invite roles", Role.ADMIN),
    Place("two_factor", _("Two-factor"), "shield", "", "totp 2fa code authenticator"),
    Place("session_list", _("Sessions"), "key", "", "signed in devices sign out everywhere"),
    Place("token_list", _("API tokens"), "webhook", "", "rest key access"),
    Place("password_change", _("Change password"), "key", "", "account"),
)
COMMANDS = (
    Place("job_create", _("New job"), "plus", "n", "create add make"),
    Place("job_import", _("Import jobs"), "ty-file", "", "upload file yaml json paste"),
    Place("firing_stop", _("Pause all firing…"), "pause", "", "stop emergency maintenance", Role.OPERATOR),
    Place("queue_stop", _("Pause the queue high…"), "pause", "", "stop hold", Role.OPERATOR, of=("high",)),
    Place(
        "queue_stop", _("Pause the queue medium…"), "pause", "", "stop hold", Role.OPERATOR, of=("medium",)
    ),
    Place("queue_stop", _("Pause the queue low…"), "pause", "", "stop hold", Role.OPERATOR, of=("low",)),
)


def open_to(role: Role, places: tuple[Place, ...]) -> Iterator[Place]:
    """Those that people of the role may see."""
    ranks = list(Role)
    return (place for place in places if ranks.index(place.role) <= ranks.index(role))


def named(role: Role, places: tuple[Place, ...], words: Sequence[str]) -> list[Place]:
    """Those that every one of the words, in lower case, is a part of."""
    return [
        place
        for place in open_to(role, places)
        if all(word in f"{place.title} {place.words}".lower() for word in words)
    ]
