"""Form fields for where things are: mailboxes, files, databases, topics."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.validators import validate_email

from jobs.executors.fields import NamesField, TextField, TextListField

_OTHER_LETTER = re.compile(r"[^\W\d_a-zA-Z](?=[^@]*@)")


class EmailsField(NamesField):
    """E-mail addresses separated by commas or line ends."""

    sample = "{}@example.com"

    def _checked(self, part: Any) -> str:
        address = super()._checked(part).strip()
        try:
            # Django knows the name before the @ in ASCII alone; mail servers know other letters.
            validate_email(_OTHER_LETTER.sub("x", address))
        except forms.ValidationError as error:
            raise forms.ValidationError(
                f"{address[:60]} is no e-mail address: write it like ops@example.com."
            ) from error
        return address


class PathsField(TextListField):
    """Whole paths on the worker's machine, one a line."""

    sample = "/{}"

    def _checked(self, part: Any) -> str:
        path = super()._checked(part)
        check_path(path)
        return path


class PathField(TextField):
    """A whole path on the worker's machine."""

    sample = "/{}"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(mono=True, max_length=2048, **kwargs)

    def to_python(self, value: Any) -> str:
        path = super().to_python(value)
        if path:
            check_path(path)
        return path


def check_path(path: str) -> None:
    """Refuse a path that depends on where it is read from or climbs out of where it starts."""
    if not path.startswith("/"):
        raise forms.ValidationError("Write the whole path, starting with /.")
    if ".." in path.split("/"):
        raise forms.ValidationError("Write the path without .. in it.")


class DatabaseUrlField(TextField):
    """A database's URL, as SQLAlchemy or JDBC writes it."""

    sample = "postgresql://{}"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "help_text", "For example postgresql://reader@db:5432/orders or jdbc:mysql://db/orders"
        )
        super().__init__(label="Database URL", mono=True, max_length=2048, **kwargs)

    def to_python(self, value: Any) -> str:
        url = super().to_python(value)
        if url:
            _check_database_url(url)
        return url


_SERVERS = {"mysql", "mariadb", "postgresql", "postgres", "mssql", "oracle", "sqlserver"}
_JDBC_ONLY, _SQLALCHEMY_ONLY = {"sqlserver"}, {"postgres", "mssql", "oracle"}


def _check_database_url(url: str) -> None:
    if " " in url:
        raise forms.ValidationError("The URL holds a blank.")
    jdbc = url.startswith("jdbc:")
    kind = url.removeprefix("jdbc:").partition(":")[0]
    kind = kind if jdbc else kind.partition("+")[0]
    if kind == "sqlite":
        _check_sqlite_file(url.removeprefix("jdbc:"), jdbc)
    elif jdbc and url.startswith("jdbc:oracle:thin:"):
        if not re.search(r"@(//)?[\w(\[]", url):
            raise forms.ValidationError(
                "The URL names no host: write it like jdbc:oracle:thin:@db:1521/orders."
            )
    elif kind in _SERVERS - (_SQLALCHEMY_ONLY if jdbc else _JDBC_ONLY):
        _check_host(url.removeprefix("jdbc:").partition(";")[0])
    else:
        raise forms.ValidationError(
            "Chronos reads MySQL, MariaDB, PostgreSQL, SQLite, SQL Server and Oracle: start the URL with"
            " postgresql://, jdbc:mysql:// or the like."
        )


def _check_host(url: str) -> None:
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0
    except ValueError as error:
        raise forms.ValidationError(f"The URL cannot be read: {error}.") from error
    if not named:
        raise forms.ValidationError("The URL names no host.")


def _check_sqlite_file(url: str, jdbc: bool) -> None:
    path = url.removeprefix("sqlite:") if jdbc else url.partition("///")[2]
    try:
        check_path(path.partition("?")[0])
    except forms.ValidationError as error:
        raise forms.ValidationError(
            "Name the database's file by its whole path: sqlite:////srv/data/orders.db or"
            " jdbc:sqlite:/srv/data/orders.db."
        ) from error


_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def check_topic(name: str) -> None:
    """Refuse what Kafka takes for no topic's name."""
    if not _TOPIC.fullmatch(name) or name in (".", ".."):
        raise forms.ValidationError(
            f"{name[:40]!r} is no topic name: use up to 249 letters, digits, dots, hyphens and _."
        )


class TopicField(TextField):
    """A Kafka topic's name."""

    def to_python(self, value: Any) -> str:
        topic = super().to_python(value)
        if topic:
            check_topic(topic)
        return topic
