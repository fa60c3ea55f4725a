from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test.utils import override_script_prefix
from django.urls import reverse

from chronos_site.schema import new_ulid
from dashboard import wording
from dashboard.templatetags.chronos import address
from jobs.models import Status
from runs.models import Outcome, Run

EARLY = datetime(2026, 3, 28, 1, 52, 40, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "now"),
        (0, "now"),
        (41, "41 s"),
        (60, "1 min 00 s"),
        (140, "2 min 20 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (82_020, "22 h 47 min"),
        (172_799, "47 h 59 min"),
        (187_200, "2 d 04 h"),
    ],
)
def test_a_span_has_two_units_at_most(seconds, words):
    assert wording.span(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (2, "2 s ago"),
        (1259, "20 min ago"),
        (7199, "1 h ago"),
        (172_799, "47 h ago"),
        (259_200, "3 d ago"),
    ],
)
def test_the_past_has_one_unit(seconds, words):
    assert wording.ago(seconds) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 ms"),
        (412, "412 ms"),
        (999.6, "1.0 s"),
        (1800, "1.8 s"),
        (9960, "10 s"),
        (41_000, "41 s"),
        (300_000, "5 min 00 s"),
    ],
)
def test_a_duration_is_as_exact_as_it_is_short(milliseconds, words):
    assert wording.duration(milliseconds) == words


def test_an_instant_is_told_in_the_viewers_zone_and_in_utc():
    assert wording.in_both_zones(EARLY.astimezone(BERLIN)) == "Sat 28 Mar 2026 02:52:40 CET · 01:52:40 UTC"


def test_utc_is_told_once():
    assert wording.in_both_zones(EARLY) == "Sat 28 Mar 2026 01:52:40 UTC"


def test_utc_names_its_day_where_it_is_another_one():
    assert wording.in_utc(EARLY.astimezone(NEW_YORK)) == "28 Mar 01:52:40 UTC"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n \n  Boom: it broke  \nTraceback", "Boom: it broke"),
        ("x" * 301, "x" * 299 + "…"),
        ("x" * 300, "x" * 300),
    ],
)
def test_the_first_line_is_the_first_that_says_something(text, line):
    assert wording.first_line(text) == line


@pytest.mark.parametrize("value", [*Status.values, *Outcome.values, "SKIPPED", "LATE", "STUCK"])
def test_every_state_has_a_word_and_a_drawing(value):
    state = wording.STATES[value]
    with open("static/chronos/icons.svg") as sheet:
        assert f'id="st-{state.name}"' in sheet.read()
    assert state.word


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"start_time": EARLY, "outcome": "SUCCESS", "duration_ms": 1800}, "succeeded in 1.8 s"),
        ({"start_time": EARLY, "outcome": "TIMEOUT", "duration_ms": 41_000}, "timed out after 41 s"),
        ({"outcome": "CANCELLED"}, "cancelled"),
        ({"outcome": "CANCELLED", "skip_reason": "OVERLAP"}, "skipped, earlier run not over"),
        ({"start_time": EARLY}, "running"),
        ({}, "waiting"),
    ],
)
def test_the_end_of_a_run_in_words(columns, words):
    assert wording.ending(Run(scheduled_time=EARLY, **columns)) == words


def test_an_address_is_the_one_that_reverse_gives():
    ulid = new_ulid()
    assert address("run_detail", ulid) == reverse("run_detail", args=[ulid])
    with override_script_prefix("/chronos/"):
        assert address("run_detail", ulid) == f"/chronos/runs/{ulid}/"


def test_what_is_no_ulid_gets_no_address():
    with pytest.raises(ValueError, match="no ULID"):
        address("run_detail", '"><b>')
