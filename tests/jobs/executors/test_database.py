"""DATABASE jobs against real PostgreSQL, MariaDB and SQLite."""

import csv
import json
import resource
import socket
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import psycopg
import pymysql
import pytest

from jobs.executors import guard
from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload, artefact_limit
from jobs.executors.database import ISOLATIONS, execute
from jobs.executors.databases import own, session, urls
from tests.computing import at_most
from tests.factories import NOON

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def postgresql(postgresql_server):
    """The address of an empty table `t`, as somebody who may change it."""
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("DROP TABLE IF EXISTS t, u CASCADE")
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
        connection.execute("ALTER TABLE t OWNER TO writer")
        connection.execute("GRANT SELECT ON t TO reader")
    return postgresql_server.replace("//chronos@", "//writer@")


@pytest.fixture
def mariadb(mariadb_server):
    place = urls.read(mariadb_server)
    with pymysql.connect(
        host="127.0.0.1", port=place.port, user="chronos", password="chronos", database="chronos"
    ) as connection:
        for statement in ("DROP TABLE IF EXISTS t, u", "CREATE TABLE t (id int PRIMARY KEY, name longtext)"):
            connection.cursor().execute(statement)
    return mariadb_server.replace("//chronos:chronos@", "//writer:s3cret@")


@pytest.fixture
def sqlite(tmp_path, settings):
    settings.FILE_ROOTS = [tmp_path]
    with sqlite3.connect(tmp_path / "orders.db") as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    connection.close()
    return f"sqlite:///{tmp_path}/orders.db"


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def url(request):
    return request.getfixturevalue(request.param)


def context(seconds=20.0, **values):
    return Context(
        "r", "j", "job", NOON, 1, time.monotonic() + seconds, log=lambda *_, **__: None, value=values.get
    )


def run(url, query, *, within=None, options=None, **columns):
    payload = Payload({"database_url": url, "query": query, "metadata": options or {}, **columns})
    return execute(payload, within or context())


def write(url, query, **columns):
    return run(url, query, read_only=False, **columns)


def rows(url, query="SELECT * FROM t ORDER BY id", **columns):
    return run(url, query, **columns).data["rows"]


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        run(*args, **kwargs)
    return caught.value


def test_a_query_gives_its_rows_under_their_columns(url):
    result = run(url, "SELECT 1 AS one, 'a' AS letter")
    assert result.data == {"columns": ["one", "letter"], "rows": [[1, "a"]], "row_count": 1}
    assert result.summary.startswith("1 row in ")


def test_a_query_without_rows_still_names_its_columns(url):
    assert run(url, "SELECT id FROM t").data == {"columns": ["id"], "rows": [], "row_count": 0}


def test_a_change_is_counted_and_stays(url):
    result = write(url, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    assert (result.data, result.summary[:15]) == ({"affected_rows": 2}, "2 rows changed ")
    assert rows(url) == [[1, "a"], [2, "b"]]


def test_returned_rows_come_to_the_end_though_few_are_kept(url):
    result = write(url, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c') RETURNING id", max_rows=1)
    assert (result.data["rows"], result.data["row_count"]) == ([[1]], 3)
    assert len(rows(url)) == 3


def test_question_marks_take_the_parameters_in_their_order(url):
    options = {"parameter_order": ["minuend", "less"]}
    query = "SELECT id - ? FROM (SELECT ? AS id) AS n"
    assert rows(url, query, parameters={"less": 5, "minuend": 3}, options=options) == [[2]]


def test_names_take_the_parameters_by_name(url):
    query = "SELECT name FROM t WHERE id = :id AND id = :id -- or :none"
    write(url, "INSERT INTO t VALUES (:id, :name)", parameters={"name": "a'; --", "id": 1})
    assert rows(url, query, parameters={"id": 1}) == [["a'; --"]]


def test_a_list_is_written_out_inside_in(url):
    write(url, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    assert rows(url, "SELECT id FROM t WHERE id IN (:ids) ORDER BY id", parameters={"ids": [1, 3]}) == [
        [1],
        [3],
    ]


@pytest.mark.parametrize("value", ["x'); DROP TABLE t; --", "\\'; --", "100%s", "%(a)s", "ü{{ a }}"])
def test_a_placeholder_is_bound_and_never_pasted(url, value):
    write(url, "INSERT INTO t VALUES (1, {{ param:name }})", within=context(**{"param:name": value}))
    assert rows(url) == [[1, value]]


def test_a_placeholder_inside_quotes_is_refused(url):
    failure = refusal(url, "SELECT '{{ param:a }}'", within=context(**{"param:a": "x"}))
    assert failure.error_class == "PARAMETER_ERROR"


@pytest.mark.parametrize(("parameters", "said"), [({}, "no parameter"), ({"a": 1, "b": 2}, "2 parameters")])
def test_a_wrong_number_of_parameters_is_told(url, parameters, said):
    failure = refusal(url, "SELECT ?", parameters=parameters)
    assert failure.message == f"The query asks for one parameter by ?, and {said} given."


def test_rows_beyond_the_most_are_left(url):
    write(url, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    result = run(url, "SELECT id FROM t ORDER BY id", max_rows=2)
    assert result.data["rows"] == [[1], [2]]
    assert result.summary.startswith("2 rows (there are more) in ")


def test_the_result_stays_small_whatever_the_rows_hold(url):
    write(url, "INSERT INTO t VALUES (1, :text), (2, :text)", parameters={"text": "x" * 90_000})
    data = run(url, "SELECT a.name, b.name FROM t a, t b, t c, t d, t e, t f, t g, t h").data
    assert (data["row_count"], len(json.dumps(data)) < 90_000) == (256, True)
    assert data["cut"] == f"the first {len(data['rows'])} are shown"


def test_all_rows_can_be_kept_as_a_table(url):
    write(url, "INSERT INTO t VALUES (1, '=1+1'), (2, NULL)")
    result = run(url, "SELECT id, name FROM t ORDER BY id", options={"keep_rows": "CSV"})
    (file,) = result.artefacts
    assert list(csv.reader(file.content.decode().splitlines())) == [["id", "name"], ["1", "'=1+1"], ["2", ""]]


def test_all_rows_can_be_kept_as_json(url):
    write(url, "INSERT INTO t VALUES (1, 'ä'), (2, NULL)")
    result = run(url, "SELECT id, name, id FROM t ORDER BY id", options={"keep_rows": "JSON"})
    assert json.loads(result.artefacts[0].content) == [
        {"id": 1, "name": "ä", "id_2": 1},
        {"id": 2, "name": None, "id_2": 2},
    ]


def test_a_file_of_rows_ends_where_files_must(url, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    write(url, "INSERT INTO t VALUES (1, :text), (2, :text)", parameters={"text": "x" * 510_000})
    result = run(url, "SELECT name FROM t", options={"keep_rows": "CSV"})
    assert 510_000 < len(result.artefacts[0].content) <= artefact_limit()
    assert "the file is cut" in result.summary


def test_the_files_of_several_statements_share_the_room_that_a_run_has(url, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    write(url, "INSERT INTO t VALUES (1, :text)", parameters={"text": "x" * 400_000})
    both = {"several_statements": True, "keep_rows": "JSON"}
    result = write(url, "SELECT name FROM t; SELECT name, name AS again FROM t", options=both)
    assert [len(file.content) > 400_000 for file in result.artefacts] == [True, False]
    assert sum(len(file.content) for file in result.artefacts) <= artefact_limit()


@pytest.mark.parametrize("query", ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE t"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_job_runs_one_statement(url, query, read_only):
    assert refusal(url, query, read_only=read_only).error_class == "SYNTAX_ERROR"
    assert rows(url) == []


def test_a_semicolon_at_the_end_is_no_second_statement(url):
    assert rows(url, "SELECT 1 ; -- done;\n") == [[1]]


def test_several_statements_share_a_transaction_and_the_parameters(url):
    query = "INSERT INTO t VALUES (?, ?); UPDATE t SET name = :name WHERE id = ?; SELECT name FROM t"
    parameters = {"id": 1, "old": "a;b", "again": 1, "name": "c"}
    result = write(url, query, parameters=parameters, options={"several_statements": True})
    assert result.data["statements"][:2] == [{"affected_rows": 1}, {"affected_rows": 1}]
    assert result.data["statements"][2]["rows"] == [["c"]]


def test_when_one_of_several_fails_none_stays(url):
    failing = "INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (1, 'b')"
    failure = refusal(url, failing, read_only=False, options={"several_statements": True})
    assert failure.error_class == "CONSTRAINT_VIOLATION"
    assert rows(url) == []


CHANGES = [
    "INSERT INTO t VALUES (1, 'a')",
    "DELETE FROM t",
    "DROP TABLE t",
    "CREATE TABLE u (id int)",
    "TRUNCATE TABLE t",
    "COMMIT; INSERT INTO t VALUES (1, 'a')",
]


@pytest.mark.parametrize("query", CHANGES)
def test_a_read_only_job_changes_nothing(url, query):
    write(url, "INSERT INTO t VALUES (7, 'kept')")
    with pytest.raises(ExecutionError):
        run(url, query)
    assert rows(url) == [[7, "kept"]]


def test_a_change_that_read_only_forbids_is_told_as_that(url):
    assert refusal(url, "DELETE FROM t").error_class == "READ_ONLY_VIOLATION"


@pytest.mark.parametrize(
    "query",
    [
        "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT change()",
        "CALL commit_and_change()",
        "DO $$ BEGIN COMMIT; INSERT INTO t VALUES (2, 'b'); END $$",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY t TO '/tmp/chronos-t'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_export(1, '/tmp/chronos-t')",
        "SELECT nextval('counter')",
    ],
)
def test_postgresql_itself_keeps_the_session_read_only(postgresql, query):
    change = "INSERT INTO t VALUES (1, 'a')"
    made = [
        "DROP SEQUENCE IF EXISTS counter",
        "CREATE SEQUENCE counter",
        f"CREATE OR REPLACE FUNCTION change() RETURNS int LANGUAGE sql AS $$ {change} RETURNING 1 $$",
        "CREATE OR REPLACE PROCEDURE commit_and_change() LANGUAGE plpgsql"
        f" AS $$ BEGIN COMMIT; {change}; END $$",
    ]
    write(postgresql, "; ".join(made), options={"several_statements": True})
    with pytest.raises(ExecutionError):
        run(postgresql, query)
    assert rows(postgresql) == []


@pytest.mark.parametrize(
    "query",
    [
        "CALL commit_and_change()",
        "BEGIN NOT ATOMIC COMMIT; SET SESSION TRANSACTION READ WRITE;"
        " INSERT INTO t VALUES (1, 'a'); COMMIT; END",
        "EXECUTE IMMEDIATE 'CALL commit_and_change()'",
        "SET SESSION TRANSACTION READ WRITE",
        "SELECT changed()",
        "SELECT 1 INTO OUTFILE '/tmp/chronos-t'",
        "/*! COMMIT */",
        "CREATE TEMPORARY TABLE u (id int)",
    ],
)
def test_mariadb_itself_keeps_the_session_read_only(mariadb, query):
    change = "INSERT INTO t VALUES (1, 'a')"
    writes = f"COMMIT; SET SESSION TRANSACTION READ WRITE; {change}; COMMIT;"
    write(mariadb, f"CREATE OR REPLACE FUNCTION changed() RETURNS int BEGIN {change}; RETURN 1; END")
    write(mariadb, f"CREATE OR REPLACE PROCEDURE commit_and_change() BEGIN {writes} END")
    with pytest.raises(ExecutionError):
        run(mariadb, query)
    assert rows(mariadb) == []


def test_a_farewell_that_takes_too_long_hides_no_failure(mariadb, monkeypatch):
    monkeypatch.setattr(session, "FAREWELL_SECONDS", 0)
    assert refusal(mariadb, "SELECT 1 AS current_time").error_class == "SYNTAX_ERROR"


def test_mariadb_shows_what_it_does_not_explain(mariadb):
    assert rows(mariadb, "SHOW TABLES LIKE 't'") == [["t"]]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{folder}/x.db' AS o",
        "VACUUM INTO '{folder}/x.db'",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "COMMIT",
    ],
)
def test_sqlite_leaves_its_file_for_nobody(sqlite, tmp_path, query, read_only):
    with pytest.raises(ExecutionError):
        run(sqlite, query.format(folder=tmp_path), read_only=read_only)
    assert [each.name for each in tmp_path.iterdir()] == ["orders.db"]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT instr(hex(zeroblob(8000000)), hex(zeroblob(4000000)) || '1')",
        "SELECT replace(hex(zeroblob(8000000)), '0', hex(zeroblob(8000000)))",
        "SELECT rtrim(hex(zeroblob(1000000)), replace(hex(zeroblob(8000000)), '0', '1') || '0')",
        "SELECT json_patch('{}', '{}')",
    ],
)
def test_no_function_of_sqlite_keeps_a_worker_busy(tmp_path, settings, query, read_only):
    # Whoever may write files has a database: an empty file is one.
    settings.FILE_ROOTS = [tmp_path]
    (tmp_path / "empty.db").touch()
    with at_most(6), suppress(ExecutionError):
        run(f"sqlite:///{tmp_path}/empty.db", query, read_only=read_only, query_timeout_seconds=2)


def test_what_a_server_tells_of_its_error_is_read_only_in_part():
    with at_most(1):
        told = session.failure("DATABASE_ERROR", "token" * 2_000_000).message
    assert len(told) <= 2_000


def test_a_name_that_leads_to_our_own_database_on_second_thoughts_is_refused(postgresql, monkeypatch):
    place = urls.read(postgresql)
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": place.database}
    database |= {"HOST": "127.0.0.1", "PORT": place.port}
    ours = SimpleNamespace(
        DATABASES={"default": database}, ALLOWED_NETWORKS=["127.0.0.0/8", "::1/128"], REDIS_URL="unix:///x"
    )
    monkeypatch.setattr(guard, "settings", ours)
    addresses = guard._addresses_of
    monkeypatch.setattr(guard, "_addresses_of", lambda host: set() if host == "rebound" else addresses(host))
    look_up = socket.getaddrinfo

    def rebound(host, *others, **options):
        return look_up("127.0.0.1" if host == "rebound" else host, *others, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    url = postgresql.replace("127.0.0.1", "rebound").replace("localhost", "rebound")
    assert refusal(url, "SELECT 1").message.startswith("This is Chronos's own database")


def test_sqlite_tells_about_its_tables(sqlite):
    assert [row[1] for row in rows(sqlite, "PRAGMA table_info(t)")] == ["id", "name"]


@pytest.mark.parametrize("server", ["postgresql_server", "mariadb_server"])
def test_who_may_write_files_on_the_server_may_not_run_read_only_jobs(request, server):
    failure = refusal(request.getfixturevalue(server), "SELECT 1")
    assert (failure.error_class, "write files" in failure.message) == ("PERMISSION_DENIED", True)


@pytest.mark.parametrize(
    "url", ["jdbc:sqlserver://db:1433;databaseName=x;user=a", "jdbc:oracle:thin:@db:1521/x?user=a"]
)
def test_where_read_only_would_be_a_pretence_it_is_refused(url):
    assert refusal(url, "SELECT 1").message.startswith("Chronos cannot keep a session of this database read")


def test_a_statement_that_takes_too_long_is_ended(url):
    failure = refusal(url, ENDLESS_ON[url.partition(":")[0]], query_timeout_seconds=1)
    assert (failure.error_class, failure.message) == ("TIMEOUT", "The statement took longer than 1 s.")


def test_the_run_s_own_time_is_its_limit_too(url):
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run(url, ENDLESS_ON[url.partition(":")[0]], within=context(0.5))
    assert time.monotonic() - started < 2.5


def test_a_cancellation_ends_a_statement(url):
    within = context()
    threading.Timer(0.3, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run(url, ENDLESS_ON[url.partition(":")[0]], within=within)
    assert time.monotonic() - started < 5


ENDLESS_ON = {"postgresql": ENDLESS, "mysql": "SELECT SLEEP(60), COUNT(*) FROM t", "sqlite": ENDLESS}


def test_after_a_cancellation_postgresql_works_no_longer(postgresql, postgresql_server):
    within = context()
    threading.Timer(0.3, within.cancel).start()
    with pytest.raises(Cancelled):
        run(postgresql, "SELECT pg_sleep(60)", within=within)
    with psycopg.connect(postgresql_server) as connection:
        assert becomes(lambda: activity(connection), [])


def test_when_rows_are_enough_postgresql_works_no_longer(postgresql, postgresql_server):
    query = (
        "SELECT repeat('x', 9000) FROM generate_series(1, 4)"
        " UNION ALL SELECT pg_sleep(60)::text FROM generate_series(1, 1)"
    )
    assert run(postgresql, query, max_rows=2).data["row_count"] == 2
    with psycopg.connect(postgresql_server) as connection:
        assert becomes(lambda: activity(connection), [])


def activity(connection):
    return connection.execute("SELECT query FROM pg_stat_activity WHERE usename = 'writer'").fetchall()


def test_after_a_cancellation_mariadb_works_no_longer(mariadb, mariadb_server):
    within = context()
    threading.Timer(0.3, within.cancel).start()
    with pytest.raises(Cancelled):
        # Nobody would notice by itself that we are gone.
        run(mariadb, "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b", within=within)
    asked = "SELECT info FROM information_schema.processlist WHERE user = 'writer'"
    assert becomes(lambda: write(mariadb_server, asked).data["rows"], [])


def becomes(value, wanted):
    give_up_at = time.monotonic() + 10
    while value() != wanted and time.monotonic() < give_up_at:
        time.sleep(0.05)
    return value() == wanted


def test_a_row_that_is_too_large_is_given_up(postgresql):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failure = refusal(postgresql, "SELECT repeat('x', 300000000)", within=context(60))
    assert failure.error_class == "RESULT_TOO_LARGE"
    # Until we look, the driver reads on while more arrives: not all of it, and no copy is made.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 280 * 1024


def test_mariadb_too_may_not_fill_the_memory(mariadb, monkeypatch):
    monkeypatch.setattr("jobs.executors.databases.session.ROW_LIMIT_MB", 8)
    failure = refusal(mariadb, "SELECT REPEAT('x', 12000000)")
    assert failure.error_class == "RESULT_TOO_LARGE"


def test_sqlite_too_may_not_fill_the_memory(sqlite):
    failure = refusal(sqlite, "SELECT replace(hex(zeroblob(100000000)), '0', 'x')")
    assert failure.error_class == "RESULT_TOO_LARGE"


def test_of_rows_without_end_the_first_are_enough(postgresql):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    assert run(postgresql, endless, max_rows=3).data["rows"] == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("query", "error_class"),
    [
        ("SELEC 1", "SYNTAX_ERROR"),
        ("SELECT * FROM nowhere", "SYNTAX_ERROR"),
        ("INSERT INTO t VALUES (1, 'a'), (1, 'b')", "CONSTRAINT_VIOLATION"),
    ],
)
def test_failures_are_told_apart(url, query, error_class):
    assert refusal(url, query, read_only=False).error_class == error_class


def test_what_one_may_not_read_is_a_class_of_its_own(postgresql, mariadb):
    secret = "SELECT * FROM pg_authid"
    assert refusal(postgresql, secret).error_class == "PERMISSION_DENIED"
    assert refusal(mariadb, "SELECT * FROM mysql.user").error_class == "PERMISSION_DENIED"


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_an_unknown_user_is_told(request, name):
    url = request.getfixturevalue(name).replace("writer", "nobody")
    assert refusal(url, "SELECT 1").error_class == "AUTHENTICATION_ERROR"


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_deadlock_is_told(request, name):
    url = request.getfixturevalue(name)
    write(url, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    pause = {"postgresql": "SELECT pg_sleep(1)", "mariadb": "SELECT SLEEP(1)"}[name]
    met = []

    def change(first, second):
        update = "UPDATE t SET name = 'c' WHERE id ="
        steps = f"{update} {first}; {pause}; {update} {second}"
        try:
            write(url, steps, options={"several_statements": True})
        except ExecutionError as error:
            met.append(error.error_class)

    hands = [threading.Thread(target=change, args=pair) for pair in ((1, 2), (2, 1))]
    [hand.start() for hand in hands]
    [hand.join() for hand in hands]
    assert met == ["DEADLOCK"]


def test_sqlite_waits_for_a_lock_as_long_as_its_statement_may_take(sqlite):
    with sqlite3.connect(sqlite.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        failure = refusal(sqlite, "DELETE FROM t", read_only=False, query_timeout_seconds=1)
    other.close()
    assert failure.error_class == "LOCK_TIMEOUT"


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_every_isolation_is_followed(url, isolation):
    asked = {
        "postgresql": "SELECT current_setting('transaction_isolation')",
        "mysql": "SELECT @@tx_isolation",
        "sqlite": "SELECT 'serializable'",
    }[url.partition(":")[0]]
    told = rows(url, asked, transaction_isolation=isolation)[0][0].upper().replace("-", "_").replace(" ", "_")
    assert told == ("SERIALIZABLE" if url.startswith("sqlite") else isolation)


def test_what_json_does_not_know_becomes_text(postgresql):
    query = (
        "SELECT 1.50::numeric, date '2026-11-26', timestamp '2026-11-26 12:00', 'infinity'::date,"
        " interval '1 month', 'NaN'::float8, '\\x00ff'::bytea, '{\"a\": [1]}'::jsonb, ARRAY[1, 2],"
        " '0a0b0c0d-0000-0000-0000-000000000000'::uuid"
    )
    assert rows(postgresql, query) == [
        ["1.50", "2026-11-26", "2026-11-26T12:00:00", "infinity", "1 mon", "nan", "0x00ff", {"a": [1]},
         [1, 2], "0a0b0c0d-0000-0000-0000-000000000000"]
    ]  # fmt: skip


def test_vacuum_works_though_it_allows_no_transaction(postgresql):
    assert write(postgresql, "VACUUM t").summary.startswith("Done in ")


def test_a_question_mark_may_be_an_operator_of_postgresql(postgresql):
    query = "SELECT '{\"a\": 1}'::jsonb ? 'a', '{\"b\": 1}'::jsonb ?? :key, '[\"c\"]'::jsonb ?| ARRAY['c']"
    assert rows(postgresql, query, parameters={"key": "b"}) == [[True, True, True]]


def test_credentials_may_stand_among_the_parameters(postgresql):
    url = postgresql.replace("writer@", "")
    given = {"username": "writer", "password": "s3cret", "a": 1}
    assert rows(url, "SELECT current_user::text, ?", parameters=given) == [["writer", 1]]


@pytest.mark.parametrize(
    "jdbc", ["jdbc:postgresql://127.0.0.1:{port}/chronos?user=writer&ssl=false&currentSchema=public"]
)
def test_a_jdbc_url_is_followed(postgresql, jdbc):
    assert rows(jdbc.format(port=urls.read(postgresql).port), "SELECT current_schema()") == [["public"]]


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_server_without_tls_is_refused_where_it_is_required(request, name):
    url = f"{request.getfixturevalue(name)}?sslmode=verify-full"
    assert refusal(url, "SELECT 1").error_class == "TLS_ERROR"


def test_an_address_that_is_not_allowed_is_refused(postgresql, mariadb, settings):
    settings.ALLOWED_NETWORKS = []
    assert refusal(postgresql, "SELECT 1").error_class == "FORBIDDEN_ADDRESS"
    assert refusal(mariadb, "SELECT 1").error_class == "FORBIDDEN_ADDRESS"


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_refused_connection_says_so(kind):
    assert refusal(f"{kind}://a@127.0.0.1:1/x", "SELECT 1").error_class == "CONNECTION_ERROR"


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_cancellation_wakes_who_waits_for_a_server_that_says_nothing(kind):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        within = context()
        threading.Timer(0.2, within.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            run(f"{kind}://a@127.0.0.1:{silent.getsockname()[1]}/x", "SELECT 1", within=within)
    assert time.monotonic() - started < 5


ELSEWHERE = {
    "pytds": "jdbc:sqlserver://127.0.0.1:{port};user=a;password=b",
    "oracledb": "jdbc:oracle:thin:@127.0.0.1:{port}/x?user=a&password=b",
}


@pytest.mark.parametrize("driver", ELSEWHERE)
def test_a_driver_that_is_not_installed_is_named(driver, monkeypatch):
    monkeypatch.setitem(sys.modules, driver, None)
    monkeypatch.delitem(sys.modules, "jobs.executors.databases.sqlserver", raising=False)
    monkeypatch.delitem(sys.modules, "jobs.executors.databases.oracle", raising=False)
    failure = refusal(ELSEWHERE[driver].format(port=1), "SELECT 1", read_only=False)
    assert failure.error_class == "DRIVER_MISSING"
    assert failure.message.endswith("ask the administrator to install it.")


@pytest.mark.parametrize("driver", ELSEWHERE)
def test_drivers_of_others_connect_to_allowed_addresses_alone(driver, settings):
    url = ELSEWHERE[driver].format(port=1)
    assert refusal(url, "SELECT 1", read_only=False).error_class == "CONNECTION_ERROR"
    settings.ALLOWED_NETWORKS = []
    assert refusal(url, "SELECT 1", read_only=False).error_class == "FORBIDDEN_ADDRESS"


@pytest.mark.parametrize("path", ["/etc/passwd", "{folder}/link.db", "{folder}/inside/orders.db"])
def test_a_file_outside_the_folders_is_refused(sqlite, tmp_path, settings, path):
    settings.FILE_ROOTS = [tmp_path / "files"]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link.db").symlink_to(tmp_path / "orders.db")
    (tmp_path / "files" / "inside").symlink_to(tmp_path)
    failure = refusal(f"sqlite:///{path.format(folder=tmp_path / 'files')}", "SELECT 1")
    assert failure.error_class == "FORBIDDEN_PATH"


def test_a_file_is_never_made(sqlite, tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    assert refusal(url, "CREATE TABLE a (b)", read_only=False).message == f"{tmp_path}/new.db is no file."


def test_chronos_s_own_database_is_refused(sqlite, monkeypatch):
    ours = {"ENGINE": "django.db.backends.sqlite3", "NAME": sqlite.removeprefix("sqlite:///")}
    monkeypatch.setattr(own, "settings", SimpleNamespace(DATABASES={"default": ours}))
    failure = refusal(sqlite, "SELECT 1")
    assert failure.message == "This is Chronos's own database: jobs may not open it."


def test_no_password_is_told(mariadb):
    told = []
    within = replace(context(), log=lambda level, message, **_: told.append(message))
    url = mariadb.replace("writer:s3cret", "writer:hunter2")
    failure = refusal(url, "SELECT 1", within=within)
    assert "hunter2" not in f"{told} {failure.message} {failure.result}"


def test_the_log_names_no_user_where_a_database_has_none(sqlite, tmp_path):
    lines = []
    within = replace(context(), log=lambda level, message, **_: lines.append(message))
    run(sqlite, "SELECT 1", within=within)
    assert f"Opening {tmp_path}/orders.db, read only" in lines
