"""Databases' URLs, as SQLAlchemy or JDBC writes them, read into their parts.

Of the parameters behind `?` or `;` only known ones pass: those that Chronos follows, and those of JDBC
that change nothing here. The rest can name files, sockets and statements, and is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit


class Unreadable(ValueError):
    """The URL is not one that Chronos follows; `str()` is the sentence for the person."""


@dataclass(frozen=True)
class Place:
    """Where a database is, and as whom to go there.

    `engine` is postgresql, mysql (MariaDB too), sqlite, mssql or oracle. A file's path is in `database`.
    `options` holds what the URL's parameters say, by the names of this module.
    """

    engine: str
    database: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433, "oracle": 1521}
_ENGINES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "oracle": "oracle",
}
_JDBC_ONLY, _SQLALCHEMY_ONLY = {"sqlserver"}, {"postgres", "mssql"}

# Parameters that are followed, in lower case, and what they are called here.
_FOLLOWED = {
    "postgresql": {
        "user": "user",
        "password": "password",
        "sslmode": "sslmode",
        "ssl": "ssl",
        "connect_timeout": "connect_timeout",
        "connecttimeout": "connect_timeout",
        "logintimeout": "connect_timeout",
        "application_name": "application_name",
        "applicationname": "application_name",
        "currentschema": "schema",
    },
    "mysql": {
        "user": "user",
        "password": "password",
        "sslmode": "sslmode",
        "ssl_mode": "sslmode",
        "usessl": "ssl",
        "requiressl": "ssl",
        "ssl": "ssl",
        "verifyservercertificate": "verify",
        "connect_timeout": "connect_timeout",
        "connecttimeout": "connect_milliseconds",
    },
    "sqlite": {},
    "mssql": {
        "user": "user",
        "username": "user",
        "password": "password",
        "databasename": "database",
        "database": "database",
        "logintimeout": "connect_timeout",
        "applicationname": "application_name",
        "encrypt": "ssl",
        "trustservercertificate": "trust",
    },
    "oracle": {"user": "user", "password": "password", "service_name": "service", "sid": "sid"},
}
# What changes nothing here: text is UTF-8, rows come as they are read, and nothing is kept open.
_DROPPED = {
    "postgresql": {
        "binarytransfer", "charset", "client_encoding", "defaultrowfetchsize", "loglevel",
        "preparethreshold", "readonly", "rewritebatchedinserts", "sockettimeout", "stringtype",
        "targetservertype", "tcpkeepalive",
    },
    "mysql": {
        "allowpublickeyretrieval", "autoreconnect", "cacheprepstmts", "characterencoding", "charset",
        "connectioncollation", "defaultfetchsize", "nullnamepatternmatchesall", "prepstmtcachesize",
        "prepstmtcachesqllimit", "rewritebatchedstatements", "servertimezone", "sockettimeout",
        "tcpkeepalive", "tinyint1isbit", "transformedbitisboolean", "usecursorfetch",
        "usejdbccomplianttimezoneshift",
        "uselegacydatetimecode", "useserverprepstmts", "useunicode", "zerodatetimebehavior",
    },
    "sqlite": {"busy_timeout", "timeout"},
    "mssql": {"driver", "multisubnetfailover", "selectmethod", "sendstringparametersasunicode"},
    "oracle": {"encoding", "nencoding"},
}  # fmt: skip


def read(url: str) -> Place:
    """The parts of a URL.

    Raises Unreadable.
    """
    if re.search(r"[\x00-\x20\x7f]", url):
        raise Unreadable("The URL holds a blank.")
    jdbc = url.startswith("jdbc:")
    kind = url.removeprefix("jdbc:").partition(":")[0]
    kind = kind if jdbc else kind.partition("+")[0]
    engine = _ENGINES.get(kind)
    if engine is None or kind in (_SQLALCHEMY_ONLY if jdbc else _JDBC_ONLY):
        raise Unreadable(
            "Chronos reads MySQL, MariaDB, PostgreSQL, SQLite, SQL Server and Oracle: start the URL with"
            " postgresql://, jdbc:mysql:// or the like."
        )
    if engine == "sqlite":
        return _file(url.removeprefix("jdbc:"), jdbc)
    if jdbc and engine == "mssql":
        return _sql_server(url)
    if jdbc and engine == "oracle":
        return _oracle(url)
    return _server(engine, url.removeprefix("jdbc:"))


def _file(url: str, jdbc: bool) -> Place:
    rest = url.removeprefix("sqlite:") if jdbc else url.partition("///")[2]
    path, _, query = rest.partition("?")
    if not path.startswith("/") or ".." in path.split("/"):
        raise Unreadable(
            "Name the database's file by its whole path: sqlite:////srv/data/orders.db or"
            " jdbc:sqlite:/srv/data/orders.db."
        )
    _options("sqlite", parse_qsl(query, keep_blank_values=True))
    return Place("sqlite", path)


def _server(engine: str, url: str) -> Place:
    if "#" in url or "\\" in url:
        raise Unreadable("The URL holds # or a backslash: in a password, write %23 or %5C.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unreadable(f"The URL cannot be read: {error}.") from error
    if not parts.hostname or port == 0 or "%" in parts.hostname:
        raise Unreadable("The URL names no host.")
    if "," in parts.netloc.rpartition("@")[2]:
        raise Unreadable("The URL names several hosts: name one.")
    options = _options(engine, parse_qsl(parts.query, keep_blank_values=True))
    return _place(
        engine, unquote(parts.hostname), port, unquote(parts.path.removeprefix("/")),
        unquote(parts.username or ""), unquote(parts.password or ""), options,
    )  # fmt: skip


def _sql_server(url: str) -> Place:
    found = re.fullmatch(r"jdbc:sqlserver://(?P<host>[^;:\\/]*)(?::(?P<port>\d+))?(?:;(?P<rest>.*))?", url)
    if found is None:
        _refuse_instance(url)
    if not found["host"]:
        raise Unreadable("The URL names no host.")
    # A value in braces may hold semicolons.
    pairs = re.findall(r"([^=;]+)=(?:\{((?:[^}]|\}\})*)\}|([^;]*))", found["rest"] or "")
    said = [(name, braced.replace("}}", "}") or plain) for name, braced, plain in pairs]
    options = _options("mssql", said)
    return _place(
        "mssql", found["host"], int(found["port"] or 0), options.pop("database", ""), "", "", options
    )


def _refuse_instance(url: str) -> NoReturn:
    if "\\" in url:
        raise Unreadable("The URL names an instance: name its port instead, as in jdbc:sqlserver://db:1433.")
    raise Unreadable("The URL cannot be read: write it like jdbc:sqlserver://db:1433;databaseName=orders.")


_ORACLE = re.compile(
    r"jdbc:oracle:thin:(?:(?P<user>[^/@]*)/(?P<password>[^@]*))?@(?P<slashes>//)?"
    r"(?P<host>[\w.-]+)(?::(?P<port>\d+))?(?:(?P<mark>[:/])(?P<name>[\w.$#-]+))?(?:\?(?P<query>.*))?"
)


def _oracle(url: str) -> Place:
    found = _ORACLE.fullmatch(url)
    if found is None:
        raise Unreadable("The URL names no host: write it like jdbc:oracle:thin:@db:1521/orders.")
    options = _options("oracle", parse_qsl(found["query"] or "", keep_blank_values=True))
    if found["name"]:
        options["sid" if found["mark"] == ":" else "service"] = found["name"]
    user, password = unquote(found["user"] or ""), unquote(found["password"] or "")
    return _place("oracle", found["host"], int(found["port"] or 0), "", user, password, options)


def _options(engine: str, said: list[tuple[str, str]]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name, value in said:
        key = name.lower()
        if ours := _FOLLOWED[engine].get(key):
            if known.get(ours, value) != value:
                raise Unreadable(f"The URL's parameter {name[:40]} says something else than another one.")
            known[ours] = value
        elif key not in _DROPPED[engine]:
            raise Unreadable(f"The URL's parameter {name[:40]!r} is none that Chronos follows: leave it out.")
    return known


def _place(
    engine: str,
    host: str,
    port: int | None,
    database: str,
    user: str,
    password: str,
    options: dict[str, str],
) -> Place:
    user = options.pop("user", user) or user
    password = options.pop("password", password) or password
    _check_encryption(engine, options)
    timeout = options.get("connect_timeout", options.get("connect_milliseconds", "0"))
    if not re.fullmatch(r"[0-9]{1,6}", timeout):
        raise Unreadable("The URL's connection timeout must be a whole number.")
    return Place(engine, database, host, port or _PORTS[engine], user, password, options)


SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# MySQL's own words for them.
_MODES_OF_MYSQL = {
    "disabled": "disable",
    "preferred": "prefer",
    "required": "require",
    "verify_ca": "verify-ca",
    "verify_identity": "verify-full",
}


def _check_encryption(engine: str, options: dict[str, str]) -> None:
    """Leave one word about encryption in the options: `sslmode`, one of SSL_MODES."""
    mode = options.get("sslmode", "").lower()
    mode = _MODES_OF_MYSQL.get(mode, mode) if engine == "mysql" else mode
    if mode and mode not in SSL_MODES:
        raise Unreadable(f"The URL's sslmode is none of {', '.join(SSL_MODES)}.")
    for name in ("ssl", "verify", "trust"):
        if options.get(name, "false").lower() not in ("true", "false", "1", "0", ""):
            raise Unreadable("What the URL says about encryption must be true or false.")
    wanted = options.pop("ssl", "false").lower() in ("true", "1", "")
    verified = options.pop("verify", "false").lower() == "true"
    if not mode and wanted:
        mode = "verify-ca" if verified else "require"
    if mode:
        options["sslmode"] = mode
