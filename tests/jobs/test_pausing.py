"""How long a job is paused, as people say it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.pausing import PauseForm, end_of
from tests import factories

THREE_AT_NIGHT = datetime(2026, 3, 27, 2, tzinfo=UTC)


def paused(**said):
    form = PauseForm({"span": "", **said})
    form.is_valid()
    return form


@pytest.mark.parametrize(
    ("span", "end"),
    [("1h", "2026-03-27 04:00"), ("tomorrow", "2026-03-28 08:00"), ("monday", "2026-03-30 08:00"), ("", "")],
)
def test_a_span_ends_by_the_clock_that_the_person_reads(span, end):
    with timezone.override(ZoneInfo("Europe/Berlin")):
        found = end_of(span, THREE_AT_NIGHT)
        found = found and timezone.localtime(found)
    assert (f"{found:%Y-%m-%d %H:%M}" if found else "") == end


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_an_hour_is_one_while_the_clock_changes(day):
    for minutes in range(0, 180, 30):
        at = (day + timedelta(minutes=minutes)).astimezone(ZoneInfo("Europe/Berlin"))
        assert end_of("1h", at) == day + timedelta(minutes=minutes + 60)


def test_tomorrow_is_that_of_the_day_on_which_it_was_read():
    seen = datetime(2026, 3, 29, 23, 58, tzinfo=UTC)
    at, morning = seen + timedelta(minutes=4), datetime(2026, 3, 30, 8, tzinfo=UTC)
    assert end_of("tomorrow", at, seen=seen) == end_of("monday", at, seen=seen) == morning
    assert end_of("tomorrow", at, seen=at + timedelta(days=9)) == morning + timedelta(days=1)


@pytest.mark.parametrize("days", [3, 700_000])
def test_a_tomorrow_that_has_passed_is_not_taken_for_another(days):
    seen = timezone.now() - timedelta(days=days)
    assert paused(span="tomorrow", seen_at=seen.isoformat()).errors["span"]


@pytest.mark.parametrize("sent", ["2026-03-27T02:00:00+00:00", "2026-13-27T02:00", "9999-01-01T00:00Z", ""])
def test_a_page_that_is_shown_again_late_is_seen_anew(sent):
    form = paused(span="for ever", seen_at=sent)
    assert f'value="{timezone.now():%Y-%m-%dT}' in str(form["seen_at"])


def test_what_was_previewed_shortly_before_midnight_is_what_is_confirmed_after_it():
    seen = (timezone.now() - timedelta(minutes=4)).isoformat()
    assert f'value="{seen}"' in str(paused(span="tomorrow", seen_at=seen)["seen_at"])


def test_on_a_monday_the_next_one_is_meant():
    assert end_of("monday", datetime(2026, 3, 30, 7, tzinfo=UTC)) == datetime(2026, 4, 6, 8, tzinfo=UTC)


def test_however_it_was_said_one_instant_is_left():
    said = paused(span="1h", note="ledger move").cleaned_data
    assert set(said) == {"until", "note"}
    assert timedelta(minutes=59) < said["until"] - timezone.now() <= timedelta(hours=1)


def test_a_time_is_given_where_one_was_chosen():
    assert paused(span="until").errors["until"] == ["Give the time."]
    assert paused(span="until", until="9999-06-01T08:00").cleaned_data["until"].year == 9999


def test_a_time_that_would_be_ignored_is_told():
    assert "span" in paused(until="9999-06-01T08:00").errors


def test_what_nobody_offers_is_refused():
    assert "span" in paused(span="for ever").errors


@pytest.mark.django_db
def test_a_pause_until_another_year_says_which(client):
    job = factories.job()
    client.force_login(job.owner)
    said = {"span": "until", "until": "2999-03-01T08:00"}
    page = client.post(reverse("job_pause", args=[job.pk]), said, follow=True).content.decode()
    assert "is paused until 1 Mar 2999, 08:00." in page
