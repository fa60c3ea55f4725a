"""CACHE jobs against a real Valkey and a real memcached."""

import json
import resource
import socket
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pymemcache import Client
from redis import Redis

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.cache import execute
from tests import servers
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
    # What is stored in the second of a flush may go with it.
    for key in (b"m:1", "m:Zoë".encode()):
        client.delete(key, noreply=False)
    yield client
    client.close()


class Story(list):
    def __call__(self, level, message, **fields):
        self.append(f"{level} {message}")

    def __contains__(self, text):
        return any(text in line for line in self)


def context(seconds=20.0, log=lambda *_, **__: None, **values):
    return Context("r-1", "j", "job", NOON, 1, time.monotonic() + seconds, log=log, value=values.get)


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


def test_a_prefix_is_never_read_as_a_wildcard(cache):
    cache.mset({"[ab]*:1": "inside", "[ab]*:2": "inside", "a:1": "outside"})
    assert run("INVALIDATE", "odd").summary == "2 keys removed from odd"


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


def test_what_a_source_brings_by_itself_leaves_keys_too(cache):
    cache.set("user:1", "old")
    run("WARM", "users", config={"values": {"1": "new", "2": "new"}}, skip_if_exists=True)
    assert cache.mget("user:1", "user:2") == ["old", "new"]


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


PRICES = {"tea": 3, "milk": "cheap", "\ud800": "\ud800"}


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(PRICES) if self.path == "/prices" else f"page {self.path}"
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_answer_gives_the_values_by_their_keys(cache, site):
    run("WARM", "users", ["tea"], {"dataSource": f"{site}/prices"})
    assert (cache.get("user:tea"), cache.dbsize()) == ("3", 1)
    run("WARM", "users", config={"dataSource": {"url": f"{site}/prices", "headers": {"Accept": "*/*"}}})
    assert cache.mget("user:milk", "user:?") == ["cheap", "?"]


def test_each_key_may_have_an_answer_of_its_own(cache, site):
    run("WARM", "users", ["a/b?c", "2"], {"dataSource": f"{site}/pages/{{key}}"})
    assert cache.mget("user:a/b?c", "user:2") == ["page /pages/a%2Fb%3Fc", "page /pages/2"]


@pytest.mark.parametrize(("path", "error_class"), [("/none", "HTTP_404"), ("/other", "CACHE_SOURCE_ERROR")])
def test_an_answer_without_values_is_a_failure(cache, site, path, error_class):
    assert refusal("WARM", "users", config={"dataSource": site + path}).error_class == error_class
    assert cache.dbsize() == 0


def test_a_source_s_address_must_be_allowed(cache, site, settings):
    settings.ALLOWED_NETWORKS = []
    failure = refusal("WARM", "users", config={"dataSource": f"{site}/prices"})
    assert failure.error_class == "FORBIDDEN_ADDRESS"


def test_entries_are_copied_with_the_time_they_have_left(cache, pages):
    cache.set("user:1", "a", ex=50)
    cache.hset("user:2", mapping={"name": "Mara"})
    cache.set("order:1", "not in the region")
    result = run("SYNC", "pages", source_region="users")
    assert (result.summary, sorted(pages.keys())) == ("2 keys copied from users to pages", ["1", "2"])
    assert pages.hgetall("2") == {"name": "Mara"}
    assert (45 < pages.ttl("1") <= 50, pages.ttl("2")) == (True, -1)


def test_copying_takes_some_keys_and_may_leave_what_exists(cache, pages):
    cache.mset({"user:a1": "new", "user:a2": "new", "user:b": "new"})
    pages.set("a1", "old")
    result = run("SYNC", "pages", ["a*", "gone"], source_region="users", skip_if_exists=True)
    assert result.data["regions"]["pages"] == {"copied": 1, "left": 1, "missing": 1}
    assert (pages.get("a1"), pages.get("a2"), pages.dbsize()) == ("old", "new", 2)


def test_entries_move_between_redis_and_memcached(cache, memory):
    cache.set("user:1", "a", ex=50)
    run("SYNC", "memory", source_region="users")
    assert memory.get("m:1") == b"a"
    cache.flushall()
    run("SYNC", "users", ["1", "2"], source_region="memory")
    assert (cache.get("user:1"), 40 < cache.ttl("user:1") <= 50) == ("a", True)


def test_what_memcached_cannot_hold_is_told(cache, memory):
    cache.hset("user:1", mapping={"name": "Mara"})
    failure = refusal("SYNC", "memory", source_region="users")
    assert failure.error_class == "SYNC_ERROR"
    assert failure.message == "1 in users is no text, and memcached keeps only texts."


def test_a_cache_that_takes_no_copies_is_told(cache, redis_url, settings):
    cache.set("user:1", "a")
    cache.acl_setuser("ben", enabled=True, passwords=["+b"], commands=["+@all", "-restore"], keys=["*"])
    settings.CACHE_REGIONS |= {"pages": redis_url.replace("//", "//ben:b@") + "/1"}
    assert refusal("SYNC", "pages", source_region="users").error_class == "SYNC_ERROR"


def test_there_is_one_source(cache):
    assert refusal("SYNC", "users", source_region="pages, odd").error_class == "SYNC_ERROR"


def test_statistics_tell_keys_memory_hits_and_evictions(cache):
    cache.mset({"user:1": "a" * 10_000, "user:2": "b", "order:1": "c"})
    cache.get("user:1")
    told = run("STATS", "users").data["regions"]["users"]
    assert told["keys"] == {"region_keys": 2}
    assert 10_000 < told["memory"]["region_bytes"] < 30_000
    assert told["hits"]["hits"] >= 1
    assert told.keys() == {"server", "keys", "memory", "hits", "evictions"}


def test_statistics_of_all_regions(cache, settings):
    assert run("STATS", "all-regions").data["regions"].keys() == settings.CACHE_REGIONS.keys()


def test_statistics_tell_what_is_asked_for(cache):
    told = run("STATS", "pages", config={"includeThroughputStats": True}).data["regions"]["pages"]
    assert told.keys() == {"server", "throughput"}


def test_statistics_become_a_file_for_prometheus(cache):
    cache.set("user:1", "a")
    config = {"detailedStats": True, "exportFormat": "prometheus", "histogramBuckets": [1, 1000]}
    (file,) = run("STATS", "users", config=config).artefacts
    lines = file.content.decode().splitlines()
    assert 'chronos_cache_keys_region_keys{region="users"} 1.0' in lines
    assert any(
        'chronos_cache_latency_microseconds{region="users",command="set",quantile="0.5"}' in x for x in lines
    )
    (calls,) = [x for x in lines if 'command="set",le="1000"' in x]
    assert float(calls.rpartition(" ")[2]) >= 1


def test_statistics_become_a_file_of_json(cache):
    (file,) = run("STATS", "users", config={"exportFormat": "json"}).artefacts
    assert json.loads(file.content)["users"]["keys"] == {"region_keys": 0}


def test_listeners_are_told(cache):
    with cache.pubsub() as listener:
        listener.subscribe("chronos:cache:users")
        listener.get_message(timeout=5)
        run("INVALIDATE", "users", ["1"], {"notifyOtherNodes": True})
        told = json.loads(listener.get_message(timeout=5)["data"])
    assert (told["operation"], told["keys"], told["run"]) == ("INVALIDATE", ["1"], "r-1")


def test_a_run_waits_for_replicas_unless_it_is_told_not_to(cache, redis_server):
    place = redis_server.removeprefix("redis://").split(":")
    with servers.valkey_by_tcp() as url, Redis.from_url(url, decode_responses=True) as replica:
        replica.replicaof(*place)
        while replica.info("replication")["master_link_status"] != "up":
            time.sleep(0.02)
        log = Story()
        run("WARM", "users", config={"values": {"1": "a"}}, within=context(log=log))
        assert (replica.get("user:1"), "1 of 1 replicas" in log) == ("a", True)
        run(
            "WARM",
            "users",
            config={"values": {"1": "a"}},
            within=context(log=(quick := Story())),
            run_async=True,
        )
        assert "replicas" not in quick


def test_upkeep_is_done_and_a_report_is_kept(cache):
    cache.set("user:1", "a")
    log = Story()
    config = {"cleanupExpired": True, "compactMemory": True, "generateReport": True}
    result = run("INVALIDATE", "users", ["x*"], config, within=context(log=log))
    assert ("1 key left" in log, "give back memory" in log) == (True, True)
    assert json.loads(result.artefacts[0].content)["regions"] == {"users": {"removed": 0}}


def test_settings_that_do_nothing_are_told(cache):
    log = Story()
    config = {"connectionPool": "primary", "colour": "red", "exportFormat": "json", "generateReport": False}
    run("INVALIDATE", "users", ["1"], config, within=context(log=log))
    assert [line.partition(" does")[0] for line in log if line.startswith("WARN")] == [
        "WARN The setting connectionPool", "WARN The setting colour", "WARN The setting exportFormat",
    ]  # fmt: skip


def test_memcached_is_warmed_read_and_cleared(memory):
    config = {"values": {"1": "a", "Zoë": "b"}}
    run("WARM", "memory", config=config, time_to_live_seconds=100 * 86_400)
    assert memory.get("m:1") == b"a"
    left = run("WARM", "memory", ["1", "Zoë"], config, skip_if_exists=True)
    assert left.data["regions"]["memory"] == {"stored": 0, "left": 2}
    assert run("WARM", "memory", ["1"], time_to_live_seconds=60).summary.startswith("1 key in memory kept")
    assert run("INVALIDATE", "memory", ["1", "9"]).summary == "1 key removed from memory"
    assert memory.get("m:1") is None


@pytest.mark.parametrize("keys", [[], ["*"]])
def test_memcached_lists_no_keys_and_nothing_is_done_elsewhere(cache, memory, keys):
    cache.set("user:1", "a")
    failure = refusal("INVALIDATE", "users,memory", keys)
    assert (failure.error_class, cache.exists("user:1")) == ("PATTERN_ERROR", 1)


def test_memcached_tells_the_figures_of_its_server(memory):
    memory.set("m:1", "a", noreply=False)
    told = run("STATS", "memory", config={"detailedStats": True}).data["regions"]["memory"]
    assert told["keys"]["server_keys"] >= 1
    assert {"hits", "misses", "hit_ratio"} == told["hits"].keys()


@pytest.mark.parametrize(
    ("values", "error_class"), [({"a b": "x"}, "CACHE_ERROR"), ({"k" * 251: "x"}, "CACHE_ERROR"),
                                ({"big": "x" * 2_000_000}, "STORAGE_ERROR")],
)  # fmt: skip
def test_what_memcached_refuses_is_a_failure(memory, values, error_class):
    assert refusal("WARM", "memory", config={"values": values}).error_class == error_class


def test_a_full_cache_is_a_failure(cache):
    cache.config_set("maxmemory", "1")
    try:
        failure = refusal("WARM", "users", config={"values": {"1": "a"}})
    finally:
        cache.config_set("maxmemory", "0")
    assert failure.error_class == "STORAGE_ERROR"


def test_a_key_of_another_kind_is_replaced_or_left(cache):
    cache.lpush("user:1", "a")
    run("WARM", "users", ["1"], {"values": {"1": "text"}}, skip_if_exists=True)
    assert cache.type("user:1") == "list"
    run("WARM", "users", ["1"], {"values": {"1": "text"}})
    assert cache.get("user:1") == "text"


@pytest.mark.parametrize("name", ["orders", "users, orders", " , "])
def test_a_region_that_nobody_has_named_is_told(cache, name):
    cache.set("user:1", "a")
    failure = refusal("INVALIDATE", name)
    assert (failure.error_class, cache.exists("user:1")) == ("CACHE_REGION_MISSING", 1)
    assert "CHRONOS_CACHE_REGIONS" in failure.message


def test_no_region_at_all_is_told(settings):
    settings.CACHE_REGIONS = {}
    assert refusal("STATS", "all-regions").error_class == "CACHE_REGION_MISSING"


def test_chronos_s_own_queues_are_no_region(cache, redis_url, settings):
    settings.REDIS_URL = f"{redis_url}/1"
    assert "keeps its queues" in refusal("INVALIDATE", "pages").message


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "memcached://127.0.0.1:1"])
def test_a_server_that_is_not_there_is_told_and_nothing_is_done(cache, settings, url):
    cache.set("user:1", "a")
    settings.CACHE_REGIONS |= {"away": url}
    failure = refusal("INVALIDATE", "users,away", ["1"])
    assert (failure.error_class, cache.exists("user:1")) == ("CONNECTION_ERROR", 1)


def test_a_password_that_is_wrong_is_told_without_it(cache, redis_url, settings):
    cache.acl_setuser("mara", enabled=True, passwords=["+right"], commands=["+@all"], keys=["*"])
    settings.CACHE_REGIONS = {"users": redis_url.replace("//", "//mara:wr0ng@")}
    failure = refusal("STATS", "users")
    assert (failure.error_class, "wr0ng" in failure.message) == ("CACHE_ERROR", False)


@pytest.fixture
def silent(settings):
    """A region on a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CACHE_REGIONS = {
            "redis": f"redis://127.0.0.1:{server.getsockname()[1]}/0",
            "memcached": f"memcached://127.0.0.1:{server.getsockname()[1]}",
        }
        yield


@pytest.mark.parametrize("region", ["redis", "memcached"])
def test_a_cancellation_wakes_who_waits_for_a_silent_server(silent, region):
    within = context()
    threading.Timer(0.3, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run("STATS", region, within=within)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("region", ["redis", "memcached"])
def test_the_run_s_time_ends_the_wait_for_a_silent_server(silent, region):
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run("STATS", region, within=context(0.5))
    assert time.monotonic() - started < 2


def fill(cache, count):
    for start in range(0, count, 10_000):
        cache.mset({f"user:{number}": "x" * 100 for number in range(start, start + 10_000)})


def test_a_large_region_takes_no_memory(cache):
    fill(cache, 100_000)
    run("INVALIDATE", "users", ["nothing*"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    copied = run("SYNC", "pages", source_region="users", within=context(300))
    assert copied.data["regions"]["pages"]["copied"] == 100_000
    told = run("STATS", "users", within=context(300)).data["regions"]["users"]
    assert told["keys"] == {"region_keys": 100_000}
    assert run("INVALIDATE", "users", within=context(300)).summary == "100,000 keys removed from users"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8_000


def cancel_once_begun(cache, within):
    while cache.dbsize() == 100_000:
        time.sleep(0.01)
    within.cancel()


def test_a_cancellation_stops_in_the_middle_of_a_region(cache):
    fill(cache, 100_000)
    within = context()
    threading.Thread(target=cancel_once_begun, args=(cache, within)).start()
    with pytest.raises(Cancelled):
        run("INVALIDATE", "users", config={"batchSize": 10}, within=within)
    assert 0 < cache.dbsize() < 100_000
