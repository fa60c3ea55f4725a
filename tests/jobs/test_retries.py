import re
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.executors import TYPES
from jobs.executors.error_classes import OF_THE_ENGINE, chain
from jobs.retries import delay, matches, normal, spread


@pytest.mark.parametrize(
    ("strategy", "failures", "seconds"),
    [
        ("FIXED", 1, 10),
        ("FIXED", 5, 10),
        ("EXPONENTIAL", 1, 10),
        ("EXPONENTIAL", 2, 20),
        ("EXPONENTIAL", 4, 80),
    ],
)
def test_the_wait_follows_the_strategy(strategy, failures, seconds):
    assert delay(strategy, 10, failures) == timedelta(seconds=seconds)


def test_the_wait_is_never_longer_than_an_hour():
    assert delay("EXPONENTIAL", 3600, 9) == timedelta(hours=1)


@pytest.mark.parametrize(("luck", "seconds"), [(0, 5), (0.5, 7.5), (1, 10)])
def test_jitter_leaves_between_half_of_the_wait_and_all_of_it(luck, seconds):
    assert spread(timedelta(seconds=10), luck) == timedelta(seconds=seconds)


def test_an_error_class_belongs_to_wider_ones():
    assert chain("HTTP_503") == ["HTTP_503", "5XX", "HTTP_ERROR"]
    assert chain("DNS_ERROR") == ["DNS_ERROR", "CONNECTION_ERROR", "NETWORK_ERROR"]
    assert chain("SOMETHING") == ["SOMETHING"]


@pytest.mark.parametrize(
    ("retry_on", "wanted"), [(None, True), ([], True), (["5XX"], True), (["4XX", "TIMEOUT"], False)]
)
def test_any_class_of_the_chain_may_be_named(retry_on, wanted):
    assert matches(retry_on, chain("HTTP_503")) is wanted


@pytest.mark.parametrize(
    ("retry_on", "wanted"), [(None, False), (["EMAIL_ERROR"], False), (["DELIVERY_UNKNOWN"], True)]
)
def test_what_may_have_happened_is_done_again_only_where_the_policy_says_so(retry_on, wanted):
    assert matches(retry_on, chain("DELIVERY_UNKNOWN")) is wanted


def test_other_systems_names_are_understood():
    assert [normal("http_5xx"), normal(" TIMEOUT ")] == ["5XX", "TIMEOUT"]


@pytest.mark.parametrize("name", ["", "a b", "<b>", "X" * 65, "É"])
def test_what_is_no_class_name_is_refused(name):
    with pytest.raises(ValueError, match="is no error class"):
        normal(name)


TOLD = (Path(__file__).parents[2] / "docs/retries.md").read_text()


def test_the_page_on_retries_names_every_class_that_runs_fail_with():
    classes = {name for each in TYPES.values() for name in each.vocabulary}
    assert [name for name in sorted(classes) if f"`{name}`" not in TOLD] == []


@pytest.mark.parametrize("code", TYPES)
def test_the_page_on_retries_says_what_runs_of_each_type_fail_with(code):
    (row,) = [line for line in TOLD.splitlines() if line.startswith(f"| {TYPES[code].label} | ")]
    own = set(TYPES[code].error_classes) - set(OF_THE_ENGINE)
    assert set(re.findall(r"`([A-Z0-9_]+)`", row)) == own


def test_a_failure_that_several_types_have_belongs_to_none_of_them():
    assert "CACHE_ERROR" not in TYPES["FILE_SYSTEM"].vocabulary
