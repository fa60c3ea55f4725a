"""Rules: who is told of what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import Field

from accounts.access import person
from accounts.models import User
from api.given import Given, Ulid, Until, checked
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS, Invalid
from chronos_site.clock import database_now
from chronos_site.locks import alone_with
from dashboard import paging
from notifications import actions
from notifications.contacts import Contact
from notifications.forms import RuleForm
from notifications.rules import Rule

router = Router(tags=["notifications"])
READ, WRITE = Bearer(Scope.READ), Bearer(Scope.WRITE)

_NAMES = {"job": "job_name", "jobs_of": "owner_email"}


class RuleGiven(Given):
    name: str = ""
    scope: str = Field(default=Rule.Scope.ALL.value, description="ALL, JOB, TAG, or for operators OWNER.")
    job: str = Field(default="", description="Which job, by its id or whole name, where the scope is JOB.")
    tag: str = Field(default="", description="Which tag, where the scope is TAG.")
    jobs_of: str = Field(default="", description="Whose jobs, by e-mail, where the scope is OWNER.")
    events: list[str] = []
    contacts: list[Ulid] = Field(default=[], description="Ids of the contact points that are told.")
    after_failures: int = 1
    group_seconds: int = 30
    remind_seconds: int | None = Field(default=None, description="1800, 3600, 14400, 86400, or none.")
    quiet_from: str | None = Field(default=None, description="A time of the day: 22:00.")
    quiet_until: str | None = None
    zone: str = "UTC"
    urgent_breaks_through: bool = True
    digest: str = Field(default="", description="HOURLY, DAILY, or empty: each as it comes.")
    digest_at: str | None = None
    enabled: bool = True


class RuleShown(Schema):
    id: str
    owner: str
    name: str
    scope: str
    job: str
    tag: str
    jobs_of: str
    events: list[str]
    contacts: list[str]
    after_failures: int
    group_seconds: int
    remind_seconds: int | None
    quiet_from: str | None
    quiet_until: str | None
    zone: str
    urgent_breaks_through: bool
    digest: str
    digest_at: str | None
    enabled: bool
    muted_until: datetime | None


class Mute(Given):
    until: Until


RULE: dict[Any, Any] = {200: RuleShown, **ANSWERS}


@router.get("", response={200: Listed[RuleShown], **ANSWERS}, auth=READ, operation_id="list_rules")
def list_rules(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    return listed(request, paging.page(_rules(person(request)), paging.NEWEST, asked(request), limit), _shown)


@router.post("", response={201: RuleShown, **ANSWERS}, auth=WRITE, operation_id="create_rule")
def create_rule(request: HttpRequest, response: HttpResponse, given: RuleGiven) -> Any:
    """Be told of something; the rule is yours."""
    user = person(request)
    made = _saved(Rule(owner=user), given, {}, by=user)
    response["Location"] = reverse("api:get_rule", args=[made.pk])
    return Status(201, _shown(_of(request, made.pk)))


@router.get("/{ulid:rule_id}", response=RULE, auth=READ, operation_id="get_rule", url_name="get_rule")
def get_rule(request: HttpRequest, rule_id: str) -> Any:
    return _shown(_of(request, rule_id))


@router.patch("/{ulid:rule_id}", response=RULE, auth=WRITE, operation_id="change_rule")
def change_rule(request: HttpRequest, rule_id: str, given: RuleGiven) -> Any:
    """Change what is named; what is not stays as it is."""
    with alone_with(Rule.objects.all(), rule_id):
        rule = _of(request, rule_id)
        shown = _shown(rule)
        _saved(rule, given, {key: shown[key] for key in RuleGiven.model_fields}, by=person(request))
    return _shown(_of(request, rule_id))


@router.delete("/{ulid:rule_id}", response={204: None, **ANSWERS}, auth=WRITE, operation_id="delete_rule")
def delete_rule(request: HttpRequest, rule_id: str) -> Any:
    """Tell nobody by this rule any more; what waits to be sent for it is cancelled."""
    actions.delete_rule(_of(request, rule_id), by=person(request))
    return Status(204, None)


@router.post("/{ulid:rule_id}:mute", response=RULE, auth=WRITE, operation_id="mute_rule")
def mute_rule(request: HttpRequest, rule_id: str, said: Mute) -> Any:
    """Have it say nothing until then, such as while a release goes out."""
    if said.until <= database_now():
        raise Invalid([("until", "Give a time that is still to come.")])
    actions.mute(_of(request, rule_id), until=said.until, by=person(request))
    return _shown(_of(request, rule_id))


@router.post("/{ulid:rule_id}:unmute", response=RULE, auth=WRITE, operation_id="unmute_rule")
def unmute_rule(request: HttpRequest, rule_id: str) -> Any:
    """Let it speak again."""
    actions.mute(_of(request, rule_id), until=None, by=person(request))
    return _shown(_of(request, rule_id))


def _rules(user: User) -> Any:
    told = Prefetch("contacts", Contact.objects.only("pk").order_by("pk"))
    people = ("owner__password", "of_owner__password")
    rules = Rule.objects.visible_to(user).select_related("owner", "of_owner").defer(*people)
    return rules.prefetch_related(told)


def _of(request: HttpRequest, rule_id: str) -> Rule:
    rule: Rule = get_object_or_404(_rules(person(request)), pk=rule_id)
    return rule


def _saved(rule: Rule, given: RuleGiven, before: Mapping[str, Any], *, by: User) -> Rule:
    form = checked(lambda data: RuleForm(data, instance=rule, by=by), given, before, _NAMES)
    return actions.save_rule(form.save(commit=False), contacts=form.cleaned_data["contacts"], by=by)


def _shown(rule: Rule) -> dict[str, Any]:
    times = ("quiet_from", "quiet_until", "digest_at")
    return {
        "id": rule.pk,
        "owner": rule.owner.email,
        "job": rule.job_id or "",
        "jobs_of": rule.of_owner.email if rule.of_owner else "",
        "contacts": [contact.pk for contact in rule.contacts.all()],
        **{name: at.isoformat() if (at := getattr(rule, name)) else None for name in times},
        **{name: getattr(rule, name) for name in _AS_THEY_ARE},
    }


_AS_THEY_ARE = (
    "name", "scope", "tag", "events", "after_failures", "group_seconds", "remind_seconds", "zone",
    "urgent_breaks_through", "digest", "enabled", "muted_until",
)  # fmt: skip
