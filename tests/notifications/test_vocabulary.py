"""Facts as people read them."""

import pytest

from notifications import vocabulary
from notifications.vocabulary import EXAMPLE, NAMES, safe, values


def test_every_value_has_a_name_and_every_name_a_value():
    told = {**vocabulary.example("DLQ_OPENED"), "reminder": True, "more_jobs": 2}
    known = values(safe(told))
    jobs = values(safe(vocabulary.example("DIGEST")))["jobs"]
    assert {name for name in NAMES if not name.startswith("each.")} - set(known) == set()
    assert {name.removeprefix("each.") for name in NAMES if name.startswith("each.")} == set(jobs[0])


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, ""), (1, ""), (2, "2nd time in a row"), (3, "3rd time in a row"), (11, "11th time in a row"),
     (12, "12th time in a row"), (21, "21st time in a row"), (111, "111th time in a row"),
     (1042, "1,042nd time in a row")],
)  # fmt: skip
def test_repetition_is_told_in_words(count, words):
    assert values({"failures_in_a_row": count})["in_a_row"] == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.04, "40 ms"), (9.96, "10.0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7320, "2 h 2 min"),
     ("x", "")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_words(seconds, words):
    assert values({"run": {"duration": seconds}})["run.duration"] == words


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2026-03-02T03:51:50+01:00", "2 Mar 2026, 02:51:50 UTC"),
        ("2026-03-02T02:51:50", "2 Mar 2026, 02:51:50 UTC"),
        (None, ""),
        ("yesterday", ""),
    ],
)
def test_an_instant_is_told_in_utc(instant, words):
    assert values({"at": instant})["at"] == words


def test_what_would_not_be_seen_becomes_a_mark():
    told = safe({"job": {"name": "a\u202eb\x1b[31m\nc"}})
    assert told["job"]["name"] == "a[U+202E]b␛[31m c"


def test_secrets_of_errors_stay_secret():
    told = safe({"run": {"error_line": "refused: password=hunter2 at postgresql://u:hunter2@db/x"}})
    assert "hunter2" not in str(told)


def test_an_address_of_ours_is_whole_and_another_one_leads_to_the_web_alone(settings):
    settings.BASE_URL = "https://chronos.example.com/"
    told = safe({"run": {"url": "/runs/x/"}, "job": {"url": "javascript:alert(1)"}, "mute_url": "/m/"})
    assert told["run"]["url"] == "https://chronos.example.com/runs/x/"
    assert told["job"]["url"] == ""
    assert told["mute_url"] == "https://chronos.example.com/m/"


def test_chronos_may_lie_below_another_address_and_no_other_host_is_meant(settings):
    settings.BASE_URL = "https://example.com/chronos/"
    told = safe({"run": {"url": "/runs/x/"}, "job": {"url": "//evil.example/"}})
    assert told["run"]["url"] == "https://example.com/chronos/runs/x/"
    assert told["job"]["url"] == "https://example.com/chronos/evil.example/"


def test_long_texts_are_cut_and_many_jobs_are_ten():
    told = safe({"run": {"error_line": "x" * 1000}, "jobs": [{"name": str(n)} for n in range(12)]})
    assert len(told["run"]["error_line"]) == 300
    assert len(told["jobs"]) == 10


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"jobs": [{"name": "a"}], "more_jobs": 0}, "a"),
        ({"jobs": [{"name": "a"}, {"name": "b"}], "more_jobs": 1300}, "1,302 jobs"),
        ({"job": {"name": "a"}}, "a"),
        ({}, "a job"),
    ],
)
def test_jobs_are_named_or_counted(facts, words):
    assert values(facts)["which_jobs"] == words


def test_the_link_is_the_most_telling_page(settings):
    settings.BASE_URL = "https://chronos.example.com/"
    assert vocabulary.link(EXAMPLE) == "/dead-letters/"
    assert vocabulary.link({"job": {"url": "/j/"}, "run": {"url": ""}}) == "/j/"
    assert vocabulary.link({}) == "https://chronos.example.com/"
