"""The pages that people go to by name, by key and from the palette."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import Role


@dataclass(frozen=True)
class Place:
    """A page: the name of its address, what people call it, its drawing, the keys that lead there.

    `words` are other words that it is found by; those below the role do not see it.
    """

    name: str
    title: str
    icon: str
    key: str = ""
    words: str = ""
    role: Role = Role.USER
    query: str = ""

    @property
    def address(self) -> str:
        return reverse(self.name) + self.query


PAGES = (
    Place("overview", "Overview", "overview", "g o", "home start dashboard"),
    Place("job_list", "Jobs", "jobs", "g j", "schedules list"),
    Place("job_list", "Failing jobs", "st-failed", "g f", "broken errors", query="?failing=1"),
    Place("run_list", "Runs", "runs", "g r", "executions history"),
    Place("calendar", "Calendar", "calendar", "g c", "planned fires week month"),
    Place("dead_letter_list", "Dead letters", "dlq", "g d", "triage inbox failures replay"),
    Place("bulk_list", "Bulk changes", "jobs", "g b", "many undo operations"),
    Place("notification_list", "Notifications", "bell", "g n", "messages outbox alerts sent mail"),
    Place("rule_list", "My alerts", "bell", "", "rules who is told notify mute"),
    Place("contact_list", "Contact points", "ty-email", "", "addresses webhook mail phone targets"),
    Place("system", "System", "system", "g s", "workers queues scheduler storage", Role.OPERATOR),
    Place("audit_list", "Audit trail", "audit", "g a", "who did what log history entries"),
    Place("retention", "Retention", "disk", "", "purge delete old keep", Role.OPERATOR),
    Place("template_list", "Message texts", "bell", "", "templates wording notifications", Role.ADMIN),
    Place("handover", "Shift handover", "flag", "g h", "summary night"),
    Place("admin:index", "Administration", "shield", "g m", "users accounts admin", Role.ADMIN),
    Place("time_zone", "Time zone", "globe", "", "clock utc"),
    Place("people", "People", "user", "", "accounts users invite roles", Role.ADMIN),
    Place("two_factor", "Two-factor", "shield", "", "totp 2fa code authenticator"),
    Place("session_list", "Sessions", "key", "", "signed in devices sign out everywhere"),
    Place("token_list", "API tokens", "webhook", "", "rest key access"),
    Place("password_change", "Change password", "key", "", "account"),
)
COMMANDS = (
    Place("job_create", "New job", "plus", "n", "create add make"),
    Place("job_import", "Import jobs", "ty-file", "", "upload file yaml json paste"),
    Place("firing_stop", "Pause all firing…", "pause", "", "stop emergency maintenance", Role.OPERATOR),
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
