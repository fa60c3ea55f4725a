"""CACHE jobs against a real Valkey and a real memcached."""

import json
import sqlite3
import time

import pytest
from pymemcache import Client
from redis import Redis

from jobs.executors.base import Context, ExecutionError, Payload
from jobs.executors.cache import execute
from tests.factories import NOON


@pytest.fixture
def cache(redis_url, settings):
    """A connection to the Valkey that holds the regions `users`, `pages` and, with odd letters, `odd`."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CACHE_REGIONS = {
        "users": f"{redis_url}/0?prefix=user:",
        "pages": f"{redis_url}/1",
        "odd": f"{redis_url}/0?prefix=%5Bab%5D*:",
    }
    with Redis.from_url(redis_url, decode_responses=True) as connection:
        yield connection


@pytest.fixture
def pages(redis_url):
    with Redis.from_url(f"{redis_url}/1", decode_responses=True) as connection:
        yield connection


@pytest.fixture
def memory(memcached_url, cache, settings):
    """A connection to the memcached that holds the region `memory`."""
    settings.CACHE_REGIONS |= {"memory": f"{memcached_url}?prefix=m:"}
    host, _, port = memcached_url.removeprefix("memcached://").partition(":")
    client = Client((host, int(port)))
    client.flush_all()
    yield client
    client.close()


class Story(list):
    def __call__(self, level, message, **fields):
        self.append(f"{level} {message}")

    def __contains__(self, text):
        return any(text in line for line in self)


def context(seconds=20.0, log=None, **values):
    return Context(
        "r-1", "j", "job", NOON, 1, time.monotonic() + seconds, log=log or Story(), value=values.get
    )


def run(operation, region, keys=(), config=None, *, within=None, **columns):
    payload = Payload(
        {
            "cache_operation": operation,
            "cache_region": region,
            "cache_keys": list(keys),
            "cache_config": config or {},
            **columns,
        }
    )
    return execute(payload, within or context())


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        run(*args, **kwargs)
    return caught.value


def test_listed_keys_are_removed_and_counted(cache):
    cache.mset({"user:1": "a", "user:2": "b", "user:3": "c"})
    result = run("INVALIDATE", "users", ["1", "2", "9"])
    assert result.summary == "2 keys removed from users"
    assert cache.keys() == ["user:3"]


def test_wildcards_are_expanded(cache):
    cache.mset({"user:session:1": "a", "user:session:22": "b", "user:profile:1": "c"})
    assert run("INVALIDATE", "users", ["session:?"]).data["regions"]["users"]["removed"] == 1
    assert run("INVALIDATE", "users", ["session:*"]).data["regions"]["users"]["removed"] == 1
    assert cache.keys() == ["user:profile:1"]


def test_a_whole_region_is_removed_and_nothing_beside_it(cache):
    cache.mset({"user:1": "a", "user:2": "b", "order:1": "c", "users": "d"})
    run("INVALIDATE", "users")
    assert sorted(cache.keys()) == ["order:1", "users"]


def test_listed_keys_and_wildcards_never_mean_the_whole_region(cache):
    cache.mset({"user:1": "a", "user:2": "b"})
    run("INVALIDATE", "users", ["9"])
    run("INVALIDATE", "users", ["z*"])
    assert cache.dbsize() == 2


@pytest.mark.parametrize("key", ["*", "[a-z]*", "*]:x*", "../*", "\\*"])
def test_a_wildcard_does_not_leave_its_region(cache, key):
    cache.mset({"a:1": "kept", "b:1": "kept", "abc*:1": "kept", "[ab]x:1": "kept", "[ab]*:1": "inside"})
    run("INVALIDATE", "odd", [key])
    assert [name for name in ("a:1", "b:1", "abc*:1", "[ab]x:1") if not cache.exists(name)] == []


def test_only_asterisk_and_question_mark_are_wild(cache):
    cache.mset({"user:[1]a": "x", "user:1a": "y", "user:\\b": "z"})
    run("INVALIDATE", "users", ["[1]*", "\\*"])
    assert cache.keys() == ["user:1a"]


def test_wildcards_can_be_meant_as_they_stand(cache):
    cache.mset({"user:*": "x", "user:1": "y"})
    run("INVALIDATE", "users", ["*"], {"patternMatching": False})
    assert cache.keys() == ["user:1"]


def test_values_of_the_job_are_stored_for_their_time(cache):
    config = {"values": {"1": "as it stands", "2": {"name": "Zoë"}}}
    assert run("WARM", "users", config=config, time_to_live_seconds=60).summary == "2 keys stored in users"
    assert cache.mget("user:1", "user:2") == ["as it stands", '{"name":"Zoë"}']
    assert 55 < cache.ttl("user:1") <= 60


def test_values_are_kept_for_an_hour_where_the_job_does_not_say(cache):
    run("WARM", "users", config={"values": {"1": "a"}})
    assert 3_590 < cache.ttl("user:1") <= 3_600


def test_keys_that_exist_may_be_left(cache):
    cache.set("user:1", "old")
    result = run("WARM", "users", ["1", "2"], {"values": {"1": "new", "2": "new"}}, skip_if_exists=True)
    assert cache.mget("user:1", "user:2") == ["old", "new"]
    assert result.data["regions"]["users"] == {"stored": 1, "left": 1}


def test_several_regions_are_warmed_at_once(cache, pages):
    run("WARM", "users, pages", config={"values": {"1": "a"}})
    assert (cache.get("user:1"), pages.get("1")) == ("a", "a")


def test_a_key_without_a_value_fails_the_run_after_the_others_are_stored(cache):
    failure = refusal("WARM", "users", ["1", "2"], {"values": {"1": "a"}})
    assert (failure.error_class, cache.get("user:1")) == ("CACHE_SOURCE_ERROR", "a")
    assert failure.message == "The source has nothing for 2."


def test_without_a_source_what_is_there_is_kept_for_longer(cache):
    cache.set("user:1", "a", ex=5)
    assert (
        run("WARM", "users", ["1"], time_to_live_seconds=90).summary == "1 key in users kept for another 90 s"
    )
    assert cache.ttl("user:1") > 80


def test_without_a_source_nothing_is_invented(cache):
    cache.set("user:1", "a")
    failure = refusal("WARM", "users", ["1", "2"])
    assert failure.error_class == "CACHE_SOURCE_MISSING"
    assert failure.result == {"regions": {"users": {"there": 1, "missing": ["2"]}}}
    assert cache.keys() == ["user:1"]


@pytest.fixture
def shop(tmp_path, settings):
    settings.FILE_ROOTS = [tmp_path]
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE products (id int, name text)")
        connection.execute("INSERT INTO products VALUES (1, 'tea'), (2, 'Kräuter')")
    connection.close()
    return f"sqlite:///{tmp_path}/shop.db"


def test_the_rows_of_a_query_are_stored_as_json(cache, shop):
    config = {"dataSource": shop, "preloadQueries": {"all": "SELECT * FROM products ORDER BY id"}}
    run("WARM", "users", ["all"], config)
    assert json.loads(cache.get("user:all")) == [{"id": 1, "name": "tea"}, {"id": 2, "name": "Kräuter"}]


def test_each_row_may_have_a_key_of_its_own(cache, shop):
    config = {"dataSource": shop, "query": "SELECT id, name FROM products", "key": "p:{id}", "batchSize": 1}
    assert run("WARM", "users", config=config).data["regions"]["users"]["stored"] == 2
    assert json.loads(cache.get("user:p:2"))["name"] == "Kräuter"


def test_values_in_queries_are_bound(cache, shop):
    config = {
        "dataSource": shop,
        "preloadQueries": {"{{ param:k }}": "SELECT id FROM products WHERE name = {{ param:name }}"},
    }
    run("WARM", "users", config=config, within=context(**{"param:k": "x", "param:name": "' OR 1=1 --"}))
    assert cache.get("user:x") == "[]"


def test_a_database_may_have_a_name(cache, shop, settings):
    settings.NAMED_DATABASES = {"shop": shop}
    run("WARM", "users", config={"dataSource": "shop", "preloadQueries": {"n": "SELECT 1 AS one"}})
    assert cache.get("user:n") == '[{"one":1}]'


def test_a_database_that_has_a_name_need_not_be_open_to_jobs(cache, mariadb_server, settings):
    settings.ALLOWED_NETWORKS = []
    url = mariadb_server.replace("//chronos:chronos@", "//writer:s3cret@")
    settings.NAMED_DATABASES = {"mysql": url}
    config = {"preloadQueries": {"n": "SELECT 1 AS one"}}
    run("WARM", "users", config={"dataSource": "mysql", **config})
    assert cache.get("user:n") == '[{"one":1}]'
    failure = refusal("WARM", "users", config={"dataSource": url, **config})
    assert failure.error_class == "FORBIDDEN_ADDRESS"


@pytest.mark.parametrize("source", ["mysql", None])
def test_queries_need_a_database(cache, source):
    failure = refusal("WARM", "users", config={"dataSource": source, "preloadQueries": {"n": "SELECT 1"}})
    assert (failure.error_class, "CHRONOS_DATABASES" in failure.message) == ("CACHE_SOURCE_MISSING", True)


def test_a_query_that_changes_something_is_refused(cache, shop):
    config = {"dataSource": shop, "preloadQueries": {"n": "DELETE FROM products"}}
    assert refusal("WARM", "users", config=config).error_class == "READ_ONLY_VIOLATION"
