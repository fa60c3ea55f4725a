import pytest

from jobs.executors.databases import urls


def read(url):
    place = urls.read(url)
    return place.engine, place.host, place.port, place.database, place.user, place.password


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql+psycopg://a:p%40s@db:5433/shop", ("postgresql", "db", 5433, "shop", "a", "p@s")),
        ("postgres://db/shop", ("postgresql", "db", 5432, "shop", "", "")),
        ("jdbc:postgresql://db/shop?user=a&password=p%26q", ("postgresql", "db", 5432, "shop", "a", "p&q")),
        ("jdbc:mysql://db:3307/shop?user=a&password=b", ("mysql", "db", 3307, "shop", "a", "b")),
        ("mysql+pymysql://root@[::1]/shop", ("mysql", "::1", 3306, "shop", "root", "")),
        ("mariadb://db/", ("mysql", "db", 3306, "", "", "")),
        (
            "jdbc:sqlserver://db;databaseName=Shop;user=sa;password={a;b}}c}",
            ("mssql", "db", 1433, "Shop", "sa", "a;b}c"),
        ),
        ("mssql+pyodbc://sa:b@db/shop?driver=ODBC+Driver+18", ("mssql", "db", 1433, "shop", "sa", "b")),
        ("jdbc:oracle:thin:hr/b@db:1522:XE", ("oracle", "db", 1522, "", "hr", "b")),
        ("jdbc:oracle:thin:@//db/orders?user=hr&password=b", ("oracle", "db", 1521, "", "hr", "b")),
        ("sqlite:////srv/data/orders.db", ("sqlite", "", 0, "/srv/data/orders.db", "", "")),
        ("jdbc:sqlite:/srv/data/orders.db", ("sqlite", "", 0, "/srv/data/orders.db", "", "")),
    ],
)
def test_a_url_is_read_into_its_parts(url, parts):
    assert read(url) == parts


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://a@h/db?options=-c%20default_transaction_read_only%3Doff", "options"),
        ("postgresql://a@h/db?host=/var/run/postgresql", "host"),
        ("postgresql://a@h/db?hostaddr=127.0.0.1", "hostaddr"),
        ("postgresql://a@h/db?service=x", "service"),
        ("postgresql://a@h/db?passfile=/etc/passwd", "passfile"),
        ("postgresql://a@h/db?sslkey=/etc/ssl/private/key.pem", "sslkey"),
        ("mysql://h/?local_infile=1", "local_infile"),
        ("mysql://h/?init_command=DROP%20TABLE%20t", "init_command"),
        ("mysql://h/?unix_socket=/run/mysqld/mysqld.sock", "unix_socket"),
        ("mysql://h/?read_default_file=/etc/my.cnf", "read_default_file"),
        ("jdbc:mysql://h/db?allowLoadLocalInfile=true", "allowLoadLocalInfile"),
        ("jdbc:mysql://h/db?allowMultiQueries=true", "allowMultiQueries"),
        ("jdbc:mysql://h/db?sessionVariables=sql_mode=''", "sessionVariables"),
        ("jdbc:mysql://h/db?autoDeserialize=true", "autoDeserialize"),
        ("jdbc:sqlserver://h;integratedSecurity=true", "integratedSecurity"),
        ("sqlite:////srv/a.db?vfs=unix-none", "vfs"),
        ("sqlite:////srv/a.db?uri=true", "uri"),
    ],
)
def test_parameters_that_reach_further_are_refused(url, name):
    with pytest.raises(urls.Unreadable, match=f"parameter '{name}' is none that Chronos follows"):
        urls.read(url)


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:mysql://h/db?useSSL=false&serverTimezone=UTC&characterEncoding=utf8&useUnicode=true",
        "jdbc:mysql://h/db?allowPublicKeyRetrieval=true&rewriteBatchedStatements=true&connectTimeout=3000",
        "jdbc:postgresql://h/db?reWriteBatchedInserts=true&stringtype=unspecified&ApplicationName=jobs",
        "mysql+pymysql://h/db?charset=utf8mb4",
    ],
)
def test_harmless_parameters_pass(url):
    assert urls.read(url).host == "h"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://h1,h2/db", "The URL names several hosts: name one."),
        ("postgresql://a:b#c@h/db", "The URL holds # or a backslash"),
        ("postgresql://h\\@evil/db", "The URL holds # or a backslash"),
        ("postgresql://%2Fvar%2Frun/db", "The URL names no host."),
        ("postgresql://h/db?sslmode=never", "The URL's sslmode is none of disable,"),
        ("postgresql://h/db?connect_timeout=long", "The URL's connection timeout must be a whole number."),
        ("postgresql://h/db?user=a&user=b", "The URL's parameter user says something else than another"),
        ("jdbc:mysql://h/db?useSSL=maybe", "What the URL says about encryption must be true or false."),
        ("jdbc:sqlserver://db\\SQLEXPRESS;user=a", "The URL names an instance: name its port instead"),
        ("jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(HOST=db)))", "The URL names no host: write it like"),
        ("sqlite:///../../db.sqlite3", "Name the database's file by its whole path"),
    ],
)
def test_what_cannot_be_followed_is_told(url, sentence):
    with pytest.raises(urls.Unreadable) as caught:
        urls.read(url)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://h/db", None),
        ("postgresql://h/db?sslmode=verify-full", "verify-full"),
        ("jdbc:postgresql://h/db?ssl=true", "require"),
        ("jdbc:mysql://h/db?sslMode=VERIFY_IDENTITY", "verify-full"),
        ("jdbc:mysql://h/db?useSSL=true&verifyServerCertificate=true", "verify-ca"),
        ("jdbc:mysql://h/db?useSSL=false", None),
    ],
)
def test_encryption_has_one_word(url, mode):
    assert urls.read(url).options.get("sslmode") == mode
