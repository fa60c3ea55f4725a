import pytest

from tests.jobs.executors.payloads import errors, form, full, small


def test_warming_needs_keys():
    assert errors(small("CACHE", operation="WARM")) == {"cache_keys": "Name the keys to warm."}
    assert errors(small("CACHE", operation="WARM", keys=["user:1"])) == {}
    assert errors(small("CACHE", operation="WARM", cacheConfig={"preloadQueries": {"a": "SELECT 1"}})) == {}


def test_a_whole_region_may_be_invalidated():
    assert errors(small("CACHE", operation="INVALIDATE")) == {}


def test_syncing_needs_another_region():
    assert errors(small("CACHE", operation="SYNC")) == {"source_region": "Name the region to copy from."}
    assert errors(small("CACHE", operation="SYNC", sourceRegion="all-regions")) == {
        "source_region": "The source is the region itself."
    }


@pytest.mark.parametrize(
    ("keys", "stored"),
    [
        ("a\r\n\r\n b \n", ["a", "b"]),
        ('["a", "b,c"]', ["a", "b,c"]),
        (["a", "a", "session:*"], ["a", "session:*"]),
    ],
)
def test_keys_stand_one_a_line_or_in_a_list(keys, stored):
    checked = small("CACHE", keys=keys)
    assert checked.is_valid()
    assert checked.columns()["cache_keys"] == stored


@pytest.mark.parametrize(
    "keys", [[1], [""], [None], {"a": 1}, 5, True, ["a\nb"], ["x" * 1025], "[1", '["a", 2]']
)
def test_keys_are_texts(keys):
    assert errors(small("CACHE", keys=keys)).keys() == {"cache_keys"}


def test_there_is_an_end_to_keys():
    keys = [f"{number:0100}" for number in range(1001)]
    assert errors(small("CACHE", keys=keys)) == {"cache_keys": "This is longer than 100,000 characters."}


def test_every_spelling_of_the_corpus_is_understood():
    request = {"operation": "WARM", "cacheRegion": "users", "cacheKeys": ["a"], "ttlSeconds": 60}
    checked = form("CACHE", request)
    assert checked.is_valid()
    assert checked.columns() == {
        "cache_operation": "WARM",
        "cache_region": "users",
        "cache_keys": ["a"],
        "time_to_live_seconds": 60,
        "skip_if_exists": False,
        "run_async": False,
    }


@pytest.mark.parametrize("seconds", [0, -1, 10**10, "1h"])
def test_entries_live_for_a_number_of_seconds(seconds):
    assert errors(full("CACHE", timeToLiveSeconds=seconds)).keys() == {"time_to_live_seconds"}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"batchSize": 0}, "batchSize must be a whole number from 1 to 10,000."),
        ({"batchSize": True}, "batchSize must be a whole number from 1 to 10,000."),
        ({"notifyOtherNodes": "yes"}, "notifyOtherNodes must be true or false."),
        ({"invalidationStrategy": "lazy"}, "invalidationStrategy must be immediate."),
        ({"exportFormat": "csv"}, "exportFormat must be json or prometheus."),
        ({"histogramBuckets": [0]}, "histogramBuckets must be a list of milliseconds such as [1, 10, 100]."),
        ({"dataSource": {"url": "mysql://db", "user": "x"}}, "dataSource knows url and headers, not 'user'."),
        ({"query": "SELECT 1"}, "query and key belong together: the key of each row, such as user:{id}."),
        (
            {"values": {"a": 1}, "preloadQueries": {"a": "SELECT 1"}},
            "Name one source: values, preloadQueries, query, or the URL alone.",
        ),
    ],
)
def test_settings_make_sense(config, told):
    assert errors(small("CACHE", cacheConfig=config)) == {"cache_config": told}


def test_a_placeholder_in_a_query_stands_without_quotes():
    config = {"preloadQueries": {"a": "SELECT id FROM users WHERE name = '{{ param:name }}'"}}
    assert "inside quotes" in errors(small("CACHE", cacheConfig=config))["cache_config"]
    config = {"preloadQueries": {"a": "SELECT id FROM users WHERE name = {{ param:name }}"}}
    assert errors(small("CACHE", cacheConfig=config)) == {}


def test_settings_that_chronos_does_not_know_stay():
    checked = small("CACHE", cacheConfig={"colour": "red"})
    assert checked.is_valid()
    assert checked.columns()["cache_config"] == {"colour": "red"}


def test_wildcards_warm_nothing():
    warming = {"operation": "WARM", "keys": ["user:*"]}
    assert errors(small("CACHE", **warming)) == {
        "cache_keys": "Only whole keys can be warmed: user:* has a wildcard."
    }
    assert errors(small("CACHE", **warming, cacheConfig={"patternMatching": False})) == {}
