"""What the job list can be asked for, on every database."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from dashboard import conditions
from dashboard.filters import JobFilters
from jobs.models import JobSchedule, JobTag
from runs import history
from tests import factories
from tests.factories import alice, bob, charlie, job

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def owner():
    return alice()


def found(user, *pairs):
    return sorted(one.name for one in JobFilters(pairs).matching(user, timezone.now()))


def ended(one, state, hours_ago=1, **fields):
    return factories.run(one, state, at=timezone.now() - timedelta(hours=hours_ago), **fields)


def due_in(one, **ahead):
    JobSchedule.objects.filter(job=one).update(next_fire_at=timezone.now() + timedelta(**ahead))


def http(owner, name, url):
    return job(owner, name=name, type="HTTP", payload={"http_url": url, "http_method": "GET"})


def test_a_tag_finds_its_jobs_and_the_text_does_so_too(owner):
    tagged = job(owner, name="tagged")
    job(owner, name="other")
    JobTag.objects.create(job=tagged, name="night")
    for pair in (("tag", "night"), ("tag", "Night"), ("q", "night")):
        assert found(owner, pair) == ["tagged"]
    assert found(owner, ("tag", "nigh")) == []


def test_common_tags_find_the_same_jobs_as_rare_ones(owner, monkeypatch):
    monkeypatch.setattr(conditions, "MOST_LISTED", 1)
    for name in ("one", "other"):
        JobTag.objects.create(job=job(owner, name=name), name="night")
    job(owner, name="without")
    for user in (owner, bob()):
        assert found(user, ("tag", "night")) == ["one", "other"]


def test_a_kind_of_schedule_finds_its_jobs(owner):
    job(owner, name="interval")
    cron = {"schedule_type": "CRON", "cron_expression": "5 2 * * *"}
    job(owner, name="cron", schedule=cron)
    assert found(owner, ("schedule", "CRON")) == ["cron"]


@pytest.mark.parametrize("look", [alice, bob])
def test_the_last_outcome_is_that_of_the_last_run(look):
    user = look()
    owner = user if look is alice else alice()
    mended, broken = job(owner, name="mended"), job(owner, name="broken")
    ended(mended, "FAILURE", 3)
    ended(mended, "SUCCESS", 2)
    ended(broken, "SUCCESS", 3)
    ended(broken, "TIMEOUT", 2)
    ended(broken, "CANCELLED", 1, skip_reason="OVERLAP")
    assert found(user, ("outcome", "SUCCESS")) == ["mended"]
    assert found(user, ("outcome", "FAILURE"), ("outcome", "TIMEOUT")) == ["broken"]
    assert found(user, ("outcome", "CANCELLED")) == []


def test_the_words_of_the_last_failure_are_found_and_no_earlier_ones(owner):
    one = job(owner, name="one")
    ended(one, "FAILURE", 3, error_message="disk full")
    ended(one, "TIMEOUT", 2, error_message="Pool Exhausted\nTraceback", error_class="TIMEOUT")
    ended(one, "SUCCESS", 1)
    for text in ("pool exhausted", "timeout", "TRACEBACK"):
        assert found(owner, ("error", text)) == ["one"]
    assert found(bob(), ("error", "disk")) == []


def test_nobody_finds_out_about_others_jobs(owner):
    one = http(owner, "hers", "https://ledger.example.com/")
    ended(one, "FAILURE", error_message="pool exhausted")
    JobTag.objects.create(job=one, name="night")
    stranger = charlie()
    for pair in (("error", "pool"), ("host", "ledger"), ("tag", "night"), ("outcome", "FAILURE")):
        assert found(stranger, pair) == []
        assert found(owner, pair) == ["hers"]


def test_a_host_is_found_and_no_secret_of_the_address(owner):
    http(owner, "call", "https://user:s3cret@ledger.example.com/token/s3cret?key=s3cret")
    read = {"database_url": "postgresql://me:s3cret@db-prod.internal/sales", "query": "SELECT 1"}
    job(owner, name="read", type="DATABASE", payload=read)
    assert found(owner, ("host", "LEDGER.example")) == ["call"]
    assert found(owner, ("host", "db-prod")) == ["read"]
    for secret in ("s3cret", "token", "me:", "sales"):
        assert found(owner, ("host", secret)) == []


def test_too_many_addresses_are_cut_and_that_is_known(owner, monkeypatch):
    monkeypatch.setattr(conditions, "MOST_TARGETS", 1)
    http(owner, "one", "https://a.example.com/")
    seeker = conditions.Seeker(owner, timezone.now())
    assert (len(seeker.calling("A.example")), seeker.cut) == (1, False)
    http(owner, "other", "https://b.example.com/")
    assert (len(seeker.calling("example")), seeker.cut) == (1, True)


def test_next_fires_are_found_by_their_stretch(owner):
    for name, ahead in (("late", {"minutes": -5}), ("soon", {"minutes": 30}), ("tomorrow", {"hours": 23})):
        due_in(job(owner, name=name), **ahead)
    assert found(owner, ("fires", "1h")) == ["soon"]
    assert found(owner, ("fires", "24h")) == ["soon", "tomorrow"]
    assert found(owner, ("late", "1")) == ["late"]


def test_others_are_everyone_but_oneself(owner):
    him = bob()
    job(owner, name="hers")
    job(him, name="mine")
    assert found(him, ("owner", "others")) == ["hers"]


def test_how_far_back_was_looked_is_known(owner, monkeypatch):
    monkeypatch.setattr(history, "newest_errors", partial(history.newest_errors, count=1))
    run = ended(job(owner, name="hers"), "FAILURE", error_message="pool")
    seeker = conditions.Seeker(bob(), timezone.now())
    assert seeker.since is None
    assert seeker.errors.saying("pool") == [run.job_id]
    assert seeker.since == run.end_time


def test_peoples_own_failures_are_looked_for_within_the_day(owner):
    ended(job(owner, name="hers"), "FAILURE", 25, error_message="pool")
    seeker = conditions.Seeker(owner, timezone.now())
    assert seeker.errors.saying("pool") == []
    assert seeker.since == seeker.at - conditions.FAILURES_BACK
