"""A few passwords on each of many accounts: the address is shut out, by what all web processes count."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.core.cache import cache
from django.test import Client

from audit.models import AuditEvent
from tests import factories
from tests.accounts.test_sign_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(settings):
    settings.MOST_WRONG_PASSWORDS = 6


def spray(client, tries=6, **more):
    return [sign_in(client, f"person-{number}@example.com", "wrong").status_code for number in range(tries)]


@pytest.mark.databases
def test_the_address_is_shut_out_whoever_signs_in_from_there(client):
    factories.alice()
    assert spray(client) == [200] * 6
    refused = sign_in(client)
    assert refused.status_code == 429
    assert "From here, anybody may try again" in refused.content.decode()


def test_web_processes_count_together(client):
    factories.alice()
    spray(client)
    cache.clear()
    assert sign_in(Client(headers={"User-Agent": "another"})).status_code == 429


def test_other_addresses_stay_open(client):
    factories.alice()
    spray(client)
    assert sign_in(Client(REMOTE_ADDR="10.1.2.3")).status_code == 302


def test_fewer_shut_nobody_out(client):
    factories.alice()
    spray(client, 5)
    assert sign_in(client).status_code == 302


def test_after_a_quarter_of_an_hour_it_is_open_again(client):
    factories.alice()
    spray(client)
    for attempt in AccessAttempt.objects.all():
        attempt.attempt_time -= timedelta(minutes=15, seconds=1)
        attempt.save()
    assert sign_in(client).status_code == 302


def test_that_it_is_shut_is_written_down_once(client):
    spray(client)
    spray(client, 3)
    assert AuditEvent.objects.filter(action="LOCKED_OUT").count() == 1


def test_behind_a_proxy_that_no_setting_names_one_stranger_shuts_out_nobody(client, settings):
    factories.alice()
    settings.HTTPS = True
    spray(client)
    assert sign_in(client).status_code == 302


def test_behind_a_named_proxy_the_strangers_address_is_shut_out(client, settings):
    factories.alice()
    settings.HTTPS, settings.PROXIES = True, ["127.0.0.1"]
    stranger = Client(headers={"X-Forwarded-For": "203.0.113.9"})
    spray(stranger)
    assert sign_in(stranger).status_code == 429
    assert sign_in(Client(headers={"X-Forwarded-For": "203.0.113.10"})).status_code == 302


def test_without_a_limit_there_is_none(client, settings):
    settings.MOST_WRONG_PASSWORDS = 0
    factories.alice()
    spray(client)
    assert sign_in(client).status_code == 302
