"""The pages that look at messages: what was sent to whom, what failed, and who is told of what."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from chronos_site.counting import counted
from chronos_site.statements import compiled
from dashboard import paging
from dashboard.filters import Chip, plain
from dashboard.paging import Key, Order
from jobs import masking
from jobs.models import Job
from notifications import hours
from notifications.channel_names import Channel
from notifications.contacts import Contact
from notifications.models import Delivery, Notification, NotificationQuerySet
from notifications.outbox import facts
from notifications.rules import Event, Rule

NEWEST_FIRST = Order((Key("pk", paging.whole, descending=True),))
MOST_COUNTED = 10_000
MOST_IN_TROUBLE = 3
MOST_RULES, MOST_CONTACTS = 200, 200
LIVE_SECONDS = 10
WINDOWS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
_WINDOW_WORDS = {"1h": "the last hour", "24h": "the last 24 hours", "7d": "the last 7 days"}
_CHANNEL_ICONS = {Channel.EMAIL: "ty-email", Channel.WEBHOOK: "webhook", Channel.SMS: "sms"}
# What each template is called in a line of a list.
_WHAT = {
    "JOB_SUCCESS": "Succeeded",
    "JOB_FAILURE": "Failed",
    "JOB_RETRY": "Failed attempt",
    "DLQ_OPENED": "Gave up",
    "RECOVERED": "Works again",
    "LATE": "Late",
    "STUCK": "Stuck",
    "SLOW": "Slow",
    "SCHEDULER": "Chronos",
    "DIGEST": "Digest",
    "TEST": "Test",
}
_STATES = {
    Delivery.PENDING: ("PENDING", "Waiting"),
    Delivery.SENT: ("SUCCEEDED", "Sent"),
    Delivery.FAILED: ("FAILED", "Failed"),
    Delivery.CANCELLED: ("CANCELLED", "Cancelled"),
}


@dataclass(frozen=True)
class Filters:
    """What the list's address asks for; what makes no sense is left out."""

    conditions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        asked = ((name, plain(query.get(name, ""))) for name in _MEANING)
        return cls(tuple((name, value) for name, value in asked if value and _MEANING[name](value)))

    @cached_property
    def given(self) -> Mapping[str, str]:
        return dict(self.conditions)

    def apply(self, rows: NotificationQuerySet, at: datetime) -> NotificationQuerySet:
        for name, value in self.conditions:
            rows = (
                rows.filter(created_at__gte=at - WINDOWS[value])
                if name == "since"
                else rows.filter(**{_FIELDS[name]: value})
            )
        return rows

    def address(self, **changes: str) -> str:
        told = {**self.given, **changes}
        return "?" + urlencode({name: value for name, value in told.items() if value})

    def without(self, name: str) -> "Filters":
        return replace(self, conditions=tuple(pair for pair in self.conditions if pair[0] != name))

    def chips(self, names: Mapping[str, str]) -> list[Chip]:
        return [
            Chip(name, names.get(name) or _words(name, value), without=self.without(name).address())
            for name, value in self.conditions
            if name != "status"
        ]


def _is_id(value: str) -> bool:
    return len(value) == 26 and value.isalnum() and value.isascii()


_FIELDS = {"status": "status", "channel": "channel", "contact": "contact", "rule": "rule", "job": "job"}
_MEANING = {
    "status": lambda value: value in Delivery.values,
    "channel": lambda value: value in Channel.values,
    "since": lambda value: value in WINDOWS,
    "contact": _is_id,
    "rule": _is_id,
    "job": _is_id,
}


def _words(name: str, value: str) -> str:
    if name == "channel":
        return str(Channel(value).label)
    return _WINDOW_WORDS.get(value, "unknown")


@dataclass(frozen=True)
class Line:
    """One message as a list shows it."""

    message: Notification

    @property
    def state(self) -> tuple[str, str]:
        return _STATES[Delivery(self.message.status)]

    @property
    def icon(self) -> str:
        return _CHANNEL_ICONS[Channel(self.message.channel)]

    @property
    def title(self) -> str:
        """Failed: nightly-export; or Failed: 11 events."""
        message = self.message
        what = _WHAT.get(message.template_code, message.template_code)
        if message.count > 1:
            return f"{what}: {message.count:,} events"
        return f"{what}: {message.job.name}" if message.job else what

    @property
    def tries(self) -> str:
        return f"{self.message.attempts} of {hours.MOST_TRIES}"


@require_safe
def notification_list(request: HttpRequest) -> HttpResponse:
    """A page of the messages that the person may see and that match, newest first."""
    user, at = person(request), timezone.now()
    filters = Filters.read(request.GET)
    visible = Notification.objects.visible_to(user)
    rows = _narrow(filters.apply(visible, at))
    page = paging.page(rows, NEWEST_FIRST, request.GET)
    failed = counted(visible.failed(), MOST_COUNTED)
    context = {
        "now": at,
        "page": page,
        "lines": [Line(message) for message in page.rows],
        "filters": filters,
        "chips": filters.chips(_names(filters, user)),
        "views": list(_views(filters, failed)),
        "today": counted(visible.filter(created_at__gte=at - WINDOWS["24h"]), MOST_COUNTED),
        "failed": failed,
        "trouble": _in_trouble(user),
        "channels": Channel.choices,
        "windows": _WINDOW_WORDS.items(),
        "live_seconds": LIVE_SECONDS,
    }
    return render(request, "dashboard/outbox/list.html", context)


def _narrow(rows: NotificationQuerySet) -> Any:
    """Without the texts, of which a list shows the beginning of one."""
    narrow = rows.select_related("job").defer("payload", "error", "answer", "job__description")
    return narrow.annotate(error_start=Left("error", 200))


def _names(filters: Filters, user: User) -> dict[str, str]:
    """What the rows are called that the address names."""
    found = {}
    models: dict[str, QuerySet[Any]] = {
        "contact": Contact.objects.all() if user.is_operator else Contact.objects.visible_to(user),
        "rule": Rule.objects.visible_to(user),
        "job": Job.objects.visible_to(user),
    }
    for name, rows in models.items():
        if pk := filters.given.get(name):
            found[name] = rows.filter(pk=pk).values_list("name", flat=True).first() or "unknown"
    return found


def _views(filters: Filters, failed: str) -> Iterator[tuple[str, str, bool, str]]:
    chosen = filters.given.get("status", "")
    for value, words in (("", "All"), ("FAILED", "Failed"), ("PENDING", "Waiting"), ("SENT", "Sent"),
                         ("CANCELLED", "Cancelled")):  # fmt: skip
        number = failed if value == "FAILED" and failed != "0" else ""
        yield words, filters.address(status=value), value == chosen, number


def _in_trouble(user: User) -> list[Contact]:
    """Contact points that nothing reaches at present."""
    failing = Contact.objects.visible_to(user).filter(
        enabled=True, failures_in_a_row__gte=hours.CIRCUIT_AFTER
    )
    return list(failing.order_by("-last_error_at")[:MOST_IN_TROUBLE])


@require_safe
def notification_detail(request: HttpRequest, notification_id: int) -> HttpResponse:
    """One message as it was sent, or will be, and what came of it."""
    user, at = person(request), timezone.now()
    messages = Notification.objects.visible_to(user).select_related("job", "rule", "contact", "run", "user")
    message = get_object_or_404(messages.defer("user__password", "job__description"), pk=notification_id)
    told = masking.anything(facts(message))
    context = {
        "now": at,
        "message": message,
        "line": Line(message),
        "told": told,
        "jobs": told.get("jobs") or [],
        "can_cancel": message.status in (Delivery.PENDING, Delivery.FAILED),
        "can_resend": message.status != Delivery.PENDING and message.contact_id is not None,
        "most_tries": hours.MOST_TRIES,
    }
    return render(request, "dashboard/outbox/message.html", context)


# Rules and contact points


@dataclass(frozen=True)
class RuleLine:
    """One rule as a list shows it: about what, of which events, to whom."""

    rule: Rule
    contacts: tuple[Contact, ...]
    at: datetime

    @property
    def about(self) -> str:
        rule = self.rule
        if rule.scope == Rule.Scope.JOB and rule.job:
            return rule.job.name
        if rule.scope == Rule.Scope.TAG:
            return f"jobs tagged {rule.tag}"
        if rule.scope == Rule.Scope.OWNER and rule.of_owner:
            return f"jobs of {rule.of_owner.email}"
        return "all jobs" if rule.owner.is_operator else f"all jobs of {rule.owner.email}"

    @property
    def events(self) -> str:
        """It fails · It works again."""
        words = [str(Event(each).label) for each in self.rule.events if each in Event.values]
        told = " · ".join(words)
        if self.rule.after_failures > 1:
            told += f" (from {self.rule.after_failures} failures in a row)"
        return told

    @property
    def muted(self) -> bool:
        return self.rule.muted_until is not None and self.rule.muted_until > self.at

    @property
    def speaks(self) -> bool:
        return self.rule.enabled and not self.muted and any(each.enabled for each in self.contacts)


def rule_lines(rules: Iterable[Rule], at: datetime) -> list[RuleLine]:
    """The rules with whom they tell; give them with their contacts."""
    return [RuleLine(rule, tuple(rule.contacts.all()), at) for rule in rules]


def _told(rules: "QuerySet[Rule]") -> "QuerySet[Rule]":
    """The rules with whom they tell, in two queries."""
    rows = rules.select_related("owner", "job", "of_owner").defer(
        "owner__password", "of_owner__password", "job__description"
    )
    return rows.prefetch_related("contacts").order_by("name", "pk")[:MOST_RULES]


@require_safe
def rule_list(request: HttpRequest) -> HttpResponse:
    """The person's own rules and contact points; with `?of=everyone` all that they may see."""
    user, at = person(request), timezone.now()
    everyones = user.is_operator and request.GET.get("of") == "everyone"
    rules = Rule.objects.visible_to(user)
    context = {
        "now": at,
        "everyones": everyones,
        "lines": rule_lines(_told(rules if everyones else rules.filter(owner=user)), at),
    }
    return render(request, "dashboard/outbox/rules.html", context)


@require_safe
def contact_list(request: HttpRequest) -> HttpResponse:
    """Where messages go: the person's own contact points, or all that they may see."""
    user, at = person(request), timezone.now()
    everyones = user.is_operator and request.GET.get("of") == "everyone"
    contacts = Contact.objects.visible_to(user) if everyones else Contact.objects.filter(owner=user)
    narrow = contacts.select_related("owner").defer("owner__password", "token", "last_error")
    rows = narrow.annotate(error_start=Left("last_error", 200)).order_by("name", "pk")
    context = {
        "now": at,
        "everyones": everyones,
        "contacts": [
            (contact, _CHANNEL_ICONS[Channel(contact.channel)], contact.is_cut_off(at))
            for contact in rows[:MOST_CONTACTS]
        ],
    }
    return render(request, "dashboard/outbox/contacts.html", context)


# What other pages show


@dataclass(frozen=True)
class Alerts:
    """Who is told of what about one job."""

    lines: list[RuleLine]
    heartbeat: str

    @property
    def nobody(self) -> bool:
        return not any(line.speaks for line in self.lines)


def alerts_of(job: Job, tags: Collection[str], user: User, at: datetime) -> Alerts:
    """The rules that cover the job and that the person may see, and where its heartbeat goes."""
    lines = rule_lines(_covering(user, job, job.owner_id, *tags), at)
    heard = [line for line in lines if line.rule.owner.is_operator or line.rule.owner_id == job.owner_id]
    heartbeat = job.heartbeat.host if hasattr(job, "heartbeat") else ""
    return Alerts(heard, heartbeat)


@compiled
def _covering(user: User, job: Job, owner: int, *tags: str) -> "QuerySet[Rule]":
    covering = Q(scope=Rule.Scope.ALL) | Q(job=job) | Q(of_owner=owner)
    if tags:
        covering |= Q(scope=Rule.Scope.TAG, tag__in=tags)
    return _told(Rule.objects.visible_to(user).filter(covering))
