"""What hostile people send to the pages and to the API, whatever job it is about: inputs 57 to 72.

Those to jobs, 1 to 56, are put through every way in by tests/jobs/test_hostile_definitions.py and
test_hostile_inputs.py.
"""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.checks import addresses
from accounts.models import Role
from accounts.permissions import NAMESPACES, RULES
from tests import factories
from tests.accounts.test_permissions import address, ids, somebody  # noqa: F401
from tests.api.calling import Caller
from tests.jobs.hostile_inputs import is_tested

pytestmark = pytest.mark.django_db

ELSEWHERE = {
    57: (
        "accounts.test_sign_in.test_the_fifth_wrong_password_says_when_to_try_again",
        "accounts.test_sign_in.test_an_unknown_email_takes_as_long_as_a_wrong_password",
        "accounts.test_sign_in.test_a_password_of_a_megabyte_is_refused_without_hashing_it",
    ),
    58: (
        "accounts.test_sign_in.test_signing_in_starts_a_fresh_session",
        "accounts.test_own.test_signing_out_forgets_the_session",
    ),
    59: ("accounts.test_sign_in.test_after_signing_in_nobody_is_led_elsewhere",),
    60: (
        "chronos_site.test_csp.test_another_host_than_ours_is_refused",
        "accounts.test_own.test_a_link_comes_by_mail_leads_to_our_own_host_and_sets_the_password_once",
    ),
    61: (
        "accounts.test_permissions.test_every_address_is_open_to_whom_its_rule_names_and_to_nobody_else",
        "accounts.test_foreign_ids.test_of_a_list_with_anothers_job_only_ones_own_is_changed",
    ),
    62: ("accounts.test_mass_assignment.test_no_address_lets_anybody_write_what_its_form_does_not_ask_for",),
    63: (),
    64: ("chronos_site.test_csp.test_every_answer_tells_browsers_to_be_careful",),
    65: (
        "api.test_tokens.test_a_token_in_the_address_opens_nothing",
        "api.test_tokens.test_a_token_that_is_over_opens_nothing",
        "api.test_tokens.test_a_token_reaches_as_far_as_its_scope",
        "api.test_tokens.test_a_wrong_token_opens_nothing",
    ),
    66: (),
    67: (
        "api.test_once.test_many_at_once_start_one_run",
        "api.test_once.test_many_replays_at_once_make_one_and_the_others_are_told",
        "api.test_once.test_deleting_and_running_at_once_breaks_nothing",
    ),
    68: (
        "jobs.transfer.test_documents.test_tags_make_no_objects",
        "jobs.transfer.test_documents.test_deep_nesting_is_refused_at_once",
        "jobs.transfer.test_documents.test_a_file_above_the_limit_is_not_even_looked_at",
    ),
    69: ("faults.test_redis.test_garbage_in_the_queues_is_neither_executed_nor_the_end_of_a_worker",),
    70: (
        "audit.test_triggers.test_no_row_is_changed",
        "audit.test_triggers.test_no_table_is_truncated",
        "audit.test_verifying.test_a_tail_cut_off_and_written_anew_is_found_by_the_anchor",
    ),
    71: (),
    72: (),
}
RUBBISH = (
    "page=-1&size=1000000&sort=password&order=-&after=%00&before=%FF",
    "status[]=x&status=x&status=&outcome=x&outcome[]=SUCCESS&type[]=&priority=99&q=%00",
    "page=1e9&cursor=eyJ9&since=9999-99-99T99:99&until=0001-01-01T00:00:00Z&window=1e9&hour=%F0",
    "owner=%27%20OR%201=1--&sort=-name;DROP%20TABLE%20jobs&tag=%25&job=../../x&last=x&took=-1s",
    f"q={'(' * 2000}&name={'%F0%9F%99%82' * 100}",
    "q=a&q=b&" + "x=y&" * 900,
)
# What nobody outside needs to know.
INSIDE = re.compile(r"Traceback \(most|site-packages|\bSELECT .* FROM\b|DoesNotExist|psycopg")


@pytest.mark.parametrize("test", [test for tests in ELSEWHERE.values() for test in tests])
def test_what_is_tested_elsewhere_is_tested_there(test):
    assert is_tested(test)


def test_every_number_has_its_row():
    assert list(ELSEWHERE) == list(range(57, 73))


def ours():
    """The addresses whose rules are in the table, by their names."""
    return [(name, pattern) for name, pattern in addresses() if name.partition(":")[0] not in NAMESPACES]


def lists():
    """The pages that one may ask for without an id, but those that are there to tell what is wrong inside."""
    plain = [name for name, pattern in ours() if RULES[name].read and not pattern.pattern.converters]
    return [reverse(name) for name in plain if name not in ("readyz", "diagnosis")]


def test_58_who_lost_a_role_loses_with_the_next_click_what_it_opened(client):
    bob, theirs = factories.bob(), factories.job(factories.alice())
    client.force_login(bob)
    assert client.get(f"/jobs/{theirs.pk}/").status_code == 200
    type(bob).objects.filter(pk=bob.pk).update(roles=Role.USER.value)
    assert client.get(f"/jobs/{theirs.pk}/").status_code == 404


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json", "text/plain"])
def test_63_nothing_is_changed_without_the_forms_token(ids, kind):  # noqa: F811
    client = Client(enforce_csrf_checks=True)
    somebody(client, "administrator")
    changing = [(name, pattern) for name, pattern in ours() if RULES[name].change]
    answers = {
        name: client.generic("POST", address(name, pattern, ids), "do=save", kind).status_code
        for name, pattern in changing
    }
    assert {name: status for name, status in answers.items() if status != 403} == {}
    assert len(answers) > 60


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_66_no_rubbish_in_an_address_breaks_a_page(client, ids, rubbish):  # noqa: F811
    client.raise_request_exception = False
    somebody(client, "administrator")
    answers = {path: client.get(f"{path}?{rubbish}") for path in lists()}
    assert {path: told.status_code for path, told in answers.items() if told.status_code >= 500} == {}
    assert [path for path, told in answers.items() if INSIDE.search(text(told))] == []


def text(answer):
    shown = b"".join(answer) if answer.streaming else answer.content
    return re.sub(r"(src|href)=\S+", "", shown.decode(errors="replace"))


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_66_no_rubbish_in_an_address_breaks_the_api(rubbish):
    call = Caller(factories.ada())
    for path in ("/jobs", "/runs", "/dead-letters", "/notifications", "/audit", "/people", "/secrets"):
        answer = call.get(f"{path}?{rubbish}")
        assert answer.status_code in (200, 400, 422), path
        assert not INSIDE.search(text(answer))


def test_71_nothing_listens_for_webhooks_of_others():
    """Whoever wants something from outside sends a token."""
    assert [name for name, pattern in ours() if "hook" in str(pattern.pattern)] == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"a": NaN}', b"\xff\xfe", b'{"name": 1e999}', b"null", b"0"]
)
def test_72_a_body_that_is_none_is_refused_without_a_word_about_the_inside(body):
    answer = Caller(factories.alice()).post("/jobs", body)
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"].startswith("application/problem+json")
    assert not INSIDE.search(text(answer))
