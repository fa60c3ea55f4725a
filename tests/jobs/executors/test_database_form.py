import time

import pytest

from jobs.executors import TYPES
from tests.jobs.executors.payloads import errors, full, small


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:mysql://mysql:3306/chronos_db?user=reader&password=example",
        "jdbc:mariadb://db/shop",
        "jdbc:postgresql://localhost:5432/userdb?user=batch",
        "jdbc:sqlserver://sqlserver:1433;databaseName=OrdersDB;user=sa;password=example",
        "jdbc:oracle:thin:@oracle-server:1521:XE?user=hr&password=example",
        "jdbc:oracle:thin:@//oracle-server:1521/orders",
        "jdbc:sqlite:/srv/data/orders.db",
        "postgresql+psycopg://reader:p%40ss@db:5432/shop",
        "postgres://db/shop",
        "mysql+pymysql://root@[::1]:3306/shop",
        "mssql+pyodbc://sa@db/shop?driver=ODBC+Driver+18",
        "oracle+oracledb://hr@db:1521/?service_name=orders",
        "sqlite:////srv/data/orders.db",
    ],
)
def test_databases_by_either_spelling(url):
    assert errors(small("DATABASE", databaseUrl=url)) == {}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("jdbc:h2:mem:test", "Chronos reads MySQL,"),
        ("jdbc:mssql://db/shop", "Chronos reads MySQL,"),
        ("sqlserver://db/shop", "Chronos reads MySQL,"),
        ("db/shop", "Chronos reads MySQL,"),
        ("file:///etc/passwd", "Chronos reads MySQL,"),
        ("mysql:///shop", "The URL names no host."),
        ("postgresql://db:port/shop", "The URL cannot be read:"),
        ("jdbc:oracle:thin:@", "The URL names no host:"),
        ("jdbc:mysql://db/shop name", "The URL holds a blank."),
        ("sqlite://", "Name the database's file by its whole path:"),
        ("sqlite:///orders.db", "Name the database's file by its whole path:"),
        ("sqlite:////srv/../etc/orders.db", "Name the database's file by its whole path:"),
        ("jdbc:sqlite::memory:", "Name the database's file by its whole path:"),
        ("postgresql://db/" + "x" * 2048, "Ensure this value has at most 2048 characters"),
        (None, "This field is required."),
    ],
)
def test_what_is_no_database_is_refused(url, sentence):
    found = errors(small("DATABASE", databaseUrl=url))
    assert found.keys() == {"database_url"}
    assert found["database_url"].startswith(sentence)


@pytest.mark.parametrize("query", [None, "", " \n", 5])
def test_a_query_is_required(query):
    assert "query" in errors(full("DATABASE", query=query))


@pytest.mark.parametrize("name", ["read committed", "READ-COMMITTED", "Read_Committed"])
def test_isolation_is_read_in_any_spelling(name):
    checked = small("DATABASE", transactionIsolation=name)
    assert checked.is_valid()
    assert checked.columns()["transaction_isolation"] == "READ_COMMITTED"


def test_an_unknown_isolation_is_refused():
    found = errors(small("DATABASE", transactionIsolation="chaos"))["transaction_isolation"]
    assert found.startswith("'chaos' is none of READ_UNCOMMITTED, READ_COMMITTED,")


def test_parameters_keep_their_order_in_a_database_that_sorts_them():
    checked = small("DATABASE", query="SELECT ? - ?", parameters={"minuend": 5, "less": 3})
    assert checked.is_valid()
    columns = checked.columns()
    sorted_by_postgresql = {**columns, "parameters": {"less": 3, "minuend": 5}}
    shown = TYPES["DATABASE"].form.initial_from(sorted_by_postgresql)
    assert list(shown["parameters"]) == ["minuend", "less"]
    assert shown["metadata"] is None


@pytest.mark.parametrize("order", ["less", [["less"]], ["gone"], None, 5])
def test_a_strange_order_of_parameters_loses_none(order):
    columns = {"parameters": {"a": 1, "b": 2}, "metadata": {"parameter_order": order}}
    assert TYPES["DATABASE"].form.initial_from(columns)["parameters"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("key", "value"), [("queryTimeoutSeconds", 0), ("maxRows", 0), ("maxRows", 1_000_001), ("maxRows", 2.5)]
)
def test_limits_are_within_reason(key, value):
    assert errors(small("DATABASE", **{key: value})).keys() == {TYPES["DATABASE"].aliases[key]}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h/db?options=-c%20default_transaction_read_only%3Doff",
        "postgresql://u@h/db?host=/var/run/postgresql",
        "postgresql://u@h/db?service=x",
        "mysql://h/?local_infile=1&init_command=DROP%20TABLE%20t",
    ],
)
def test_a_url_that_reaches_further_is_refused(url):
    assert "is none that Chronos follows" in errors(small("DATABASE", databaseUrl=url))["database_url"]


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("postgresql://a@db/shop", "SELECT '{{ fire.date }}'"),
        ("postgresql://a@db/shop", "SELECT $$ {{ fire.date }} $$"),
        ("jdbc:mysql://db/shop?user=a", 'SELECT "\\"{{ fire.date }}"'),
        ("sqlite:////srv/a.db", "SELECT 1 -- {{ fire.date }}"),
    ],
)
def test_a_placeholder_inside_quotes_is_refused(url, query):
    assert errors(small("DATABASE", databaseUrl=url, query=query)) == {
        "query": "A placeholder stands inside quotes or a comment: write it without quotes, since its value"
        " is bound and never pasted."
    }


def test_a_placeholder_in_the_open_passes():
    checked = small("DATABASE", query="SELECT * FROM orders WHERE day = {{ fire.date - 1d }}")
    assert errors(checked) == {}


def test_several_statements_are_for_jobs_that_may_change_something():
    assert errors(small("DATABASE", severalStatements=True)) == {
        "several_statements": "A read-only job runs one statement: allow changes, or choose one."
    }
    assert errors(small("DATABASE", severalStatements=True, readOnly=False)) == {}


def test_a_url_of_any_length_is_refused_before_it_is_read():
    form = TYPES["DATABASE"].form({"database_url": "jdbc:sqlserver://h;" + "a" * 200_000})
    began = time.process_time()
    [told] = form.errors["database_url"]
    assert told == "Ensure this value has at most 2048 characters (it has 200019)."
    assert time.process_time() - began < 5
