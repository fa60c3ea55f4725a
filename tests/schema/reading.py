"""The facts, and what the live database says, in the same words."""

import re
from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

from tests.schema.facts import SCHEMA

Schema = dict[str, set[str]]

# Tables of Django and of the libraries we use are theirs.
_THEIRS = ("auth_", "axes_", "django_", "sqlite_")


def stated() -> Schema:
    """The facts by table, as this database should say them."""
    schema: Schema = defaultdict(set)
    for line in filter(None, SCHEMA.splitlines()):
        if not line.startswith("  "):
            table = line.strip("+ ")
        else:
            fact, _, only = line.strip(" +").partition(" only on ")
            if only in ("", connection.vendor):
                schema[table].add(_as_here(fact))
    return schema


@dataclass(frozen=True)
class Check:
    table: str
    name: str
    column: str
    allows: list[str]
    refuses: str


def checks() -> list[Check]:
    """Every CHECK of the facts with its probes, as SQL literals."""
    found = []
    for line in filter(None, SCHEMA.splitlines()):
        if not line.startswith("  "):
            table = line.strip("+ ")
        elif match := re.search(r"check (\w+) on (\w+)(?: allows (.+))? refuses (.+)", line):
            name, column, allowed, refused = match.groups()
            found.append(Check(table, name, column, (allowed or "").split(), refused))
    return found


def _as_here(fact: str) -> str:
    fact = re.sub(r"^(check \w+) .*", r"\1", fact)
    if match := re.fullmatch(r"partial index (\w+) (\(.+\)) or (\(.+\))", fact):
        name, columns, instead = match.groups()
        whole = connection.vendor == "mysql"
        return f"index {name} {instead}" if whole else f"partial index {name} {columns}"
    return fact


def live(only: str = "") -> Schema:
    """What the database says of every table and view that is not a library's, or of one."""
    with connection.cursor() as cursor:
        tables = connection.introspection.get_table_list(cursor)
        ours = [each for each in tables if not each.name.startswith(_THEIRS) and only in ("", each.name)]
        return {
            table.name: _view(cursor, table.name) if table.type == "v" else _table(cursor, table.name)
            for table in ours
        }


def _view(cursor, name) -> set[str]:
    columns = connection.introspection.get_table_description(cursor, name)
    return {f"view ({', '.join(column.name for column in columns)})"}


# What was read on SQLite, by the statements that it was read from.
_READ: dict[tuple[str, ...], set[str]] = {}


def _table(cursor, name) -> set[str]:
    if connection.vendor != "sqlite":
        return _facts(cursor, name)
    # Django reads them word by word, which takes long: once for each that differs.
    cursor.execute("SELECT COALESCE(sql, name) FROM sqlite_master WHERE tbl_name = %s ORDER BY name", [name])
    statements = (name, *(statement for (statement,) in cursor.fetchall()))
    if statements not in _READ:
        _READ[statements] = _facts(cursor, name)
    return _READ[statements]


def _facts(cursor, name) -> set[str]:
    columns = {"sqlite": _sqlite_columns, "postgresql": _postgresql_columns, "mysql": _mysql_columns}
    return {*columns[connection.vendor](cursor, name), *_keys(cursor, name)}


def _keys(cursor, table):
    on_delete = _rules(cursor, table)
    partial = _partial(cursor, table)
    for name, key in connection.introspection.get_constraints(cursor, table).items():
        if key["check"]:
            if name.startswith("chk_"):
                yield f"check {name}"
            continue
        columns = f"({', '.join(key['columns'])})"
        if key["foreign_key"]:
            yield f"foreign key {columns} references {key['foreign_key'][0]} on delete {on_delete[columns]}"
        elif key["primary_key"]:
            yield f"primary key {columns}"
        elif key["unique"]:
            yield f"unique {columns}"
        elif not key["columns"]:
            yield f"index {name} of words"
        else:
            ordered = ", ".join(
                f"{column} desc" if order == "DESC" else column
                for column, order in zip(key["columns"], key["orders"], strict=True)
            )
            yield f"{'partial ' if name in partial else ''}index {name} ({ordered})"


def _rules(cursor, table) -> dict[str, str]:
    """What the database does on deletion of the referenced row, by column."""
    if connection.vendor == "sqlite":
        cursor.execute(f"PRAGMA foreign_key_list({table})")
        return {f"({column})": rule.lower() for _, _, _, column, _, _, rule, _ in cursor.fetchall()}
    schema = "current_schema()" if connection.vendor == "postgresql" else "database()"
    cursor.execute(
        f"""
        SELECT k.column_name, LOWER(r.delete_rule)
        FROM information_schema.referential_constraints r
        JOIN information_schema.key_column_usage k
        ON k.constraint_name = r.constraint_name AND k.constraint_schema = r.constraint_schema
        WHERE k.table_name = %s AND k.constraint_schema = {schema}
        """,
        [table],
    )
    return {f"({column})": rule for column, rule in cursor.fetchall()}


def _partial(cursor, table) -> set[str]:
    if connection.vendor == "mysql":
        return set()
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%% WHERE %%'", [table]
        )
    else:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE tbl_name = %s AND sql LIKE 'CREATE INDEX %% WHERE %%'",
            [table],
        )
    return {name for (name,) in cursor.fetchall()}


def _line(name, family, required, default, auto=False) -> str:
    return (
        f"{name} {family}{' not null' if required else ''}"
        f"{f' default {default}' if default is not None else ''}{' auto' if auto else ''}"
    )


def _default(family, said) -> str | None:
    """The default in one spelling: now, true, false, a number or a quoted text."""
    if said is None or said == "NULL":
        return None
    said = re.sub(r"::[\w ]+$", "", said)
    if re.match(r"\(?(current_timestamp|statement_timestamp|strftime)\(", said, re.IGNORECASE):
        return "now"
    if family == "boolean":
        return {"1": "true", "0": "false"}.get(said, said)
    return said


def _sqlite_columns(cursor, table):
    cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
    definition = cursor.fetchone()[0]
    cursor.execute(f"PRAGMA table_info({table})")
    families = {"bool": "boolean", "datetime": "timestamp"}
    for _, name, kind, required, default, key in cursor.fetchall():
        kind = kind.lower()
        family = families.get(kind, kind.removesuffix(" unsigned"))
        if f'JSON_VALID("{name}")' in definition:
            family = "json"
        auto = bool(key) and kind == "integer"
        yield _line(name, "bigint" if auto else family, required, _default(family, default), auto)


def _postgresql_columns(cursor, table):
    cursor.execute(
        """
        SELECT column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s
        """,
        [table],
    )
    families = {
        "timestamp with time zone": "timestamp",
        "time without time zone": "time",
        "jsonb": "json",
        "bytea": "blob",
    }
    for name, kind, length, nullable, default, identity in cursor.fetchall():
        family = f"varchar({length})" if kind == "character varying" else families.get(kind, kind)
        yield _line(name, family, nullable == "NO", _default(family, default), identity == "YES")


def _mysql_columns(cursor, table):
    cursor.execute(
        """
        SELECT c.column_name, c.column_type, c.is_nullable, c.column_default, c.extra, k.check_clause
        FROM information_schema.columns c
        LEFT JOIN information_schema.check_constraints k
        ON k.constraint_schema = c.table_schema AND k.table_name = c.table_name
        AND k.constraint_name = c.column_name
        WHERE c.table_schema = database() AND c.table_name = %s
        """,
        [table],
    )
    families = {
        "int": "integer",
        "longtext": "text",
        "longblob": "blob",
        "datetime(6)": "timestamp",
        "time(6)": "time",
        "tinyint(1)": "boolean",
    }
    for name, kind, nullable, default, extra, check in cursor.fetchall():
        kind = re.sub(r"^(\w*int)\(\d+\)( unsigned)?$", r"\1", kind) if kind != "tinyint(1)" else kind
        family = "json" if "json_valid" in (check or "") else families.get(kind, kind)
        yield _line(name, family, nullable == "NO", _default(family, default), "auto_increment" in extra)
