"""Copy the database while Chronos runs, and put a copy back.

A backup holds every row, the audit trail too. It does not hold `.env`: without `CHRONOS_SECRETS_KEYS` and
`SECRET_KEY` nobody can read the secrets in it. Files of jobs and of runs stay where they are.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from chronos_site.clock import database_now
from runs.models import Process

ENDINGS = {"sqlite": "sqlite3", "postgresql": "dump", "mysql": "sql"}
# What the files of each database begin with.
BEGINNINGS = {"sqlite": (b"SQLite format 3\0",), "postgresql": (b"PGDMP",), "mysql": (b"/*", b"--")}


class BackupFailed(Exception):
    """Says in a sentence why there is no backup, or why nothing was put back."""


def back_up(to: Path, *, at: datetime) -> Path:
    """Write the database into a file that only its owner can read; gives its path.

    In a folder the file is named after the moment. A file that is there already is left alone.
    """
    path = to / f"chronos-{at:%Y%m%d-%H%M%S}.{ENDINGS[connection.vendor]}" if to.is_dir() else to
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise BackupFailed(f"{path} is there already; a backup overwrites nothing.") from None
    except OSError as error:
        raise BackupFailed(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _DUMPS[connection.vendor](path, file.fileno())
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def restore(source: Path, *, replace: bool, force: bool) -> None:
    """Put a backup's rows in the place of the database's.

    Refused while processes are alive, unless forced, and where there are tables, unless they may go.
    """
    _refuse_another_kind(source)
    tables = set(connection.introspection.table_names())
    if Process._meta.db_table in tables and not force and Process.objects.alive(database_now()).exists():
        raise BackupFailed("Schedulers or workers are running. Stop them first, or say --force.")
    if tables and not replace:
        raise BackupFailed("The database is not empty. To lose what it holds, say --replace.")
    _LOADS[connection.vendor](source)
    _refuse_newer()


def _refuse_another_kind(source: Path) -> None:
    try:
        with source.open("rb") as file:
            begins = file.read(16)
    except OSError as error:
        raise BackupFailed(f"{source} cannot be read: {error.strerror}.") from None
    if not begins.startswith(BEGINNINGS[connection.vendor]):
        raise BackupFailed(f"{source} is no backup of a {connection.display_name} database.")


def _refuse_newer() -> None:
    loader = MigrationLoader(connection)
    if unknown := sorted(set(loader.applied_migrations) - set(loader.disk_migrations)):
        name = ".".join(unknown[-1])
        raise BackupFailed(
            f"The backup is restored, but of a newer Chronos ({name}): install that one first."
        )


def _dump_sqlite(path: Path, to: int) -> None:
    with closing(_sqlite()) as live, closing(sqlite3.connect(path)) as copy:
        # In one step, which holds up no writer: between steps each write would begin it anew.
        live.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        _refuse_broken(copy, path)


def _load_sqlite(source: Path) -> None:
    with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as copy:
        _refuse_broken(copy, source)
        connection.close()
        with closing(_sqlite()) as live:
            copy.backup(live)


def _sqlite() -> sqlite3.Connection:
    return sqlite3.connect(connection.settings_dict["NAME"], timeout=30)


def _refuse_broken(copy: sqlite3.Connection, path: Path) -> None:
    try:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BackupFailed(f"{path} is damaged: {found}.")


def _dump_postgresql(path: Path, to: int) -> None:
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", *_postgresql(), to=to)


def _load_postgresql(source: Path) -> None:
    _drop_everything()
    with source.open("rb") as file:
        words = ("--no-owner", "--no-privileges", "--clean", "--if-exists", "--exit-on-error")
        _run("pg_restore", *words, *_postgresql(), begin=file.fileno())


def _postgresql() -> list[str]:
    told = connection.settings_dict
    words = {"host": told["HOST"], "port": told["PORT"], "username": told["USER"], "dbname": told["NAME"]}
    return ["--no-password", *(f"--{name}={value}" for name, value in words.items() if value)]


def _dump_mysql(path: Path, to: int) -> None:
    _run_mysql("mariadb-dump", "--single-transaction", "--hex-blob", "--triggers", to=to)


def _load_mysql(source: Path) -> None:
    _drop_everything()
    with source.open("rb") as file:
        _run_mysql("mariadb", "--batch", begin=file.fileno())


def _run_mysql(program: str, *words: str, begin: int | None = None, to: int | None = None) -> None:
    """Run a program with a file of options that nobody else reads: words are seen by all on the machine."""
    told = connection.settings_dict
    values = {"user": told["USER"], "password": told["PASSWORD"], "host": told["HOST"], "port": told["PORT"]}
    with tempfile.NamedTemporaryFile("w", prefix="chronos-", suffix=".cnf") as options:
        lines = [f'{name}="{_quoted(str(value))}"' for name, value in values.items() if value]
        options.write("\n".join(["[client]", *lines, ""]))
        options.flush()
        _run(program, f"--defaults-extra-file={options.name}", *words, told["NAME"], begin=begin, to=to)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _drop_everything() -> None:
    """Tables that the backup does not know must not stay beside its own."""
    quote = connection.ops.quote_name
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for found in connection.introspection.get_table_list(cursor):
            kind = "VIEW" if found.type == "v" else "TABLE"
            cursor.execute(f"DROP {kind} IF EXISTS {quote(found.name)} CASCADE")


def _run(program: str, *words: str, begin: int | None = None, to: int | None = None) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"{program} is not on this machine; the database's client package has it.")
    password = str(connection.settings_dict["PASSWORD"])
    environment = os.environ | ({"PGPASSWORD": password} if connection.vendor == "postgresql" else {})
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql" and "sslmode" in options:
        environment |= {"PGSSLMODE": str(options["sslmode"])}
    done = subprocess.run(
        [found, *words],
        stdin=subprocess.DEVNULL if begin is None else begin,
        stdout=subprocess.DEVNULL if to is None else to,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{program} failed: {done.stderr.decode(errors='replace').strip()}")


_DUMPS = {"sqlite": _dump_sqlite, "postgresql": _dump_postgresql, "mysql": _dump_mysql}
_LOADS = {"sqlite": _load_sqlite, "postgresql": _load_postgresql, "mysql": _load_mysql}
