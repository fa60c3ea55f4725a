"""Chromium, and every page that must keep to the browser's policy."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.conf import settings
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions import BACKEND
from accounts.models import User
from api import actions as tokens
from api.models import Scope
from audit.models import record
from jobs.models import Job
from runs import bulk, stats
from runs.bulk_actions import ACTIONS
from runs.models import DeadLetter, Outcome, Run, RunLog
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON
from tests.notifications.alerting import FAILURES, end, rule
from tests.servers import CHROMIUM

DAY = timedelta(days=1)
# A page's name, and what makes its rows and gives its address to the one who is signed in.
PAGES: dict[str, Callable[[User], str]] = {
    "overview": lambda user: "/",
    "jobs": lambda user: factories.job(user) and "/jobs/",
    "save a view of runs": lambda user: "/runs/views/new/?query=outcome%3DFAILURE",
    "save a view of jobs": lambda user: "/jobs/views/new/?query=status%3DPAUSED",
    "no jobs": lambda user: "/jobs/",
    "one job": lambda user: f"/jobs/{factories.job(user).pk}/",
    "new job": lambda user: "/jobs/new/",
    "import jobs": lambda user: "/jobs/import/",
    "edit a job": lambda user: f"/jobs/{factories.job(user).pk}/edit/",
    "pause a job": lambda user: f"/jobs/{factories.job(user).pk}/pause/",
    "versions of a job": lambda user: f"/jobs/{factories.job(user).pk}/versions/",
    "skip a fire": lambda user: f"/jobs/{factories.job(user, at=timezone.now()).pk}/skip/",
    "backfill a job": lambda user: f"/jobs/{factories.job(user).pk}/backfill/",
    "delete a job": lambda user: f"/jobs/{factories.job(user).pk}/delete/",
    "calendar": lambda user: factories.job(user, at=timezone.now()) and "/calendar/",
    "days that are over": lambda user: f"/calendar/?week={ran(user):%Y-%m-%d}",
    "days to come": lambda user: f"/calendar/?week={timezone.now() + 21 * DAY:%Y-%m-%d}",
    "what ran": lambda user: run(user) and f"/calendar/ran/?span=day&from={NOON:%Y-%m-%dT%H:%MZ}",
    "upcoming fires": lambda user: factories.job(user, at=timezone.now()) and "/calendar/upcoming/",
    "bulk changes": lambda user: bulk_operation(user) and "/bulk/",
    "one bulk change": lambda user: f"/bulk/{bulk_operation(user)}/",
    "runs": lambda user: run(user) and "/runs/",
    "one run": lambda user: f"/runs/{run(user)}/",
    "dead letters": lambda user: dead_letter(user) and "/dead-letters/",
    "one dead letter": lambda user: f"/dead-letters/{dead_letter(user)}/",
    "a dead letter's payload": lambda user: f"/dead-letters/{dead_letter(user)}/replay/changed/",
    "texts of messages": lambda user: "/notifications/templates/",
    "one text of messages": lambda user: "/notifications/templates/JOB_FAILURE/EMAIL/",
    "notifications": lambda user: told(user) and "/notifications/",
    "one message": lambda user: f"/notifications/{told(user)}/",
    "rules": lambda user: told(user) and "/notifications/rules/",
    "new rule": lambda user: told(user) and "/notifications/rules/new/",
    "contact points": lambda user: told(user) and "/notifications/contacts/",
    "new contact point": lambda user: "/notifications/contacts/new/",
    "heartbeat of a job": lambda user: f"/jobs/{factories.job(user).pk}/heartbeat/",
    "audit trail": lambda user: factories.job(user) and "/audit/",
    "one entry of the audit trail": lambda user: f"/audit/{record(user, 'JOB_PAUSED', user).pk}/",
    "search": lambda user: factories.job(user) and "/search/?q=smoke",
    "people": lambda user: "/people/",
    "invite": lambda user: "/people/invite/",
    "one person": lambda user: f"/people/{user.pk}/",
    "two-factor": lambda user: "/account/two-factor/",
    "sessions": lambda user: "/account/sessions/",
    "API tokens": lambda user: make_token(user) and "/account/tokens/",
    "change password": lambda user: "/account/password/",
    "time zone": lambda user: "/time-zone/",
    "not found": lambda user: "/nowhere/",
    "administration": lambda user: "/admin/",
    "one account in the administration": lambda user: f"/admin/accounts/user/{user.pk}/change/",
    "a new account in the administration": lambda user: "/admin/accounts/user/add/",
    "one job in the administration": lambda user: f"/admin/jobs/job/{factories.job(user).pk}/change/",
}
for _model in site._registry:
    PAGES[f"{_model._meta.verbose_name_plural} in the administration"] = partial(
        lambda name, user: reverse(f"admin:{name}_changelist"), _model._meta.label_lower.replace(".", "_")
    )


def make_token(user: User) -> str:
    """The text of a new token."""
    return tokens.create(by=user, name="laptop", scope=Scope.READ, expires_at=factories.NEVER)[1]


def bulk_operation(user: User) -> str:
    """A pause of one job that has not begun."""
    targets = Job.objects.filter(pk=factories.job(user).pk)
    return bulk.start(ACTIONS["PAUSE"], targets, by=user, parameters={}, expected=1, at=NOON).pk


def run(user: User) -> str:
    """A run under way, with a line in its log."""
    run = Run.objects.create(job=factories.job(user), scheduled_time=NOON, start_time=NOON)
    RunLog.objects.create(run=run, message="Still here")
    return run.pk


def ran(user: User) -> datetime:
    """When three weeks ago a run failed and was counted."""
    at = timezone.now() - 21 * DAY
    job = factories.job(user)
    stats.write([stats.End(job.pk, Outcome.FAILURE, at, 90_000)], {job.pk: job.type})
    return at


def told(user: User) -> int:
    """A message about a failure, because of a rule, to a contact point."""
    rule(user, *FAILURES)
    end(factories.job(user))
    return user.notifications.get().pk


def dead_letter(user: User) -> str:
    """An event that waits, as a settled failure leaves it."""
    failed = factories.run(factories.job(user), "RUNNING")
    settle([Ended(failed, Outcome.FAILURE, NOON, error_class="TIMEOUT", error_message="took 9 s")])
    return DeadLetter.objects.get(run=failed).pk


_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM.found:
        missing = pytest.fail if os.environ.get("CHRONOS_REQUIRE_SERVICES") else pytest.skip
        missing("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    # Playwright's own event loop runs in this thread, where Django would refuse to touch the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.program, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, live_server):
    """Open an address as somebody, or as nobody, and give the page; `page.evaluate("violations")` tells."""
    contexts = []

    def open_page(path: str, user: User | None = None, **options):
        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        context.add_init_script(_LISTEN)
        if user:
            client = Client()
            client.force_login(user, BACKEND)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
            context.add_cookies([cookie])
        page = context.new_page()
        assert page.goto(path).status < 500
        return page

    yield open_page
    for context in contexts:
        context.close()
