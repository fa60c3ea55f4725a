"""Every table of ours is in the administration, which shows nothing that opens something."""

import pytest
from django.apps import apps
from django.contrib import admin

from accounts.models import SignIn
from api.models import Answer, ApiToken
from notifications.contacts import Contact
from notifications.heartbeats import Heartbeat
from runs.bulk import BulkItem, BulkOperation
from tests import factories

pytestmark = pytest.mark.django_db

APPS = ("accounts", "api", "audit", "dashboard", "jobs", "notifications", "runs")
# Nothing but digests, the bytes of files, and what stands inside the page of a rule.
WITHOUT = {"accounts.RecoveryCode", "runs.Part", "notifications.RuleContact"}
OURS = [model for model in admin.site._registry if model._meta.app_label in APPS]
SECRETS = {
    "token", "digest", "session_key", "claim_token", "totp", "password", "content", "definition", "body",
    "parameters", "before",
}  # fmt: skip


@pytest.fixture
def ada(client):
    user = factories.ada()
    client.force_login(user)
    return user


def test_no_table_is_left_out():
    tables = {model._meta.label for model in apps.get_models() if model._meta.app_label in APPS}
    assert tables - {model._meta.label for model in OURS} == WITHOUT


@pytest.mark.parametrize("model", [SignIn, ApiToken, Answer, Contact, Heartbeat, BulkOperation, BulkItem])
def test_what_opens_something_is_in_no_list_and_on_no_page(rf, ada, model):
    request = rf.get("/")
    request.user = ada
    shown = admin.site._registry[model]
    fields = {*shown.get_fields(request), *shown.get_list_display(request)}
    assert not fields & SECRETS
    assert not shown.has_change_permission(request)
