"""How much the database holds, by its own statistics: nothing here counts rows."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

REMEMBERED_SECONDS = 60
MANY_YEARS = 10
_KEY = "storage"
# Rows and bytes by table; bytes are None where the database does not tell.
Sizes = dict[str, tuple[int, int | None]]
_TABLES: dict[str, tuple[str, ...]] = {
    _("Runs"): ("job_runs",),
    _("Run logs"): ("job_run_logs",),
    _("Files of runs"): ("run_artefacts", "run_artefact_parts"),
    _("Dead letters"): ("dlq_events",),
    _("Audit"): ("audit_events",),
    _("Notifications"): ("notifications",),
    _("Statistics"): ("run_stats", "job_days"),
}
# What grows with each run.
_OF_RUNS = ("Runs", "Run logs", "Files of runs")
# How long each is kept, by the subjects of the rules.
_KEPT = {
    "Runs": {"RUNS_SUCCESS": "succeeded", "RUNS_FAILED": "failed"},
    "Run logs": {"LOGS_SUCCESS": "succeeded", "LOGS_FAILED": "failed"},
    "Files of runs": {"ARTEFACTS": ""},
    "Dead letters": {"LETTERS_CLOSED": "after they are closed"},
    "Notifications": {"MESSAGES": "after they have ended"},
}
_STATISTICS = {
    "postgresql": (
        "SELECT relname, GREATEST(reltuples, 0)::bigint, pg_total_relation_size(oid) FROM pg_class "
        "WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relname = ANY(%s)"
    ),
    "mysql": (
        "SELECT table_name, table_rows, data_length + index_length FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name IN %s"
    ),
}


@dataclass(frozen=True)
class Table:
    """One kind of rows: about how many, in how many bytes, how many more a day, for how long.

    Bytes are None where the database does not tell.
    """

    name: str
    rows: int
    size: int | None
    per_day: int | None
    kept: str
    share: float = 0.0

    @property
    def bar(self) -> float:
        return round(150 * self.share, 1)


@dataclass(frozen=True)
class Storage:
    """The tables, largest first; `free` is the disk's, where it is known."""

    tables: Sequence[Table]
    size: int
    per_day: int
    free: int | None

    @property
    def sized(self) -> bool:
        """Whether the database tells how large each table is."""
        return any(table.size is not None for table in self.tables)

    @property
    def left(self) -> str:
        """How long until the disk is full at this rate, were nothing purged: 112 days, over 10 years."""
        if self.free is None or not self.per_day:
            return ""
        days = self.free // self.per_day
        if days > MANY_YEARS * 365:
            return f"over {MANY_YEARS} years"
        return "1 day" if days == 1 else f"{days:,} days"

    @classmethod
    def read(cls, runs_a_day: float, kept: Mapping[str, int | None]) -> "Storage":
        """At most one query, or two on SQLite."""
        sizes: Sizes | None = cache.get(_KEY)
        if sizes is None:
            sizes = _sizes()
            cache.set(_KEY, sizes, REMEMBERED_SECONDS)
        runs = max(1, sizes["job_runs"][0])
        size = sum(each for _, each in sizes.values() if each is not None)
        tables = [_table(name, sizes, size, runs_a_day / runs, kept) for name in _TABLES]
        tables.sort(key=lambda table: (-(table.size or 0), -table.rows))
        per_day = sum(table.per_day or 0 for table in tables) or round(size * runs_a_day / runs)
        return cls(tables, size, per_day, _free())


def _table(
    name: str,
    sizes: Sizes,
    total: int,
    share: float,
    kept: Mapping[str, int | None],
) -> Table:
    found = [sizes.get(table, (0, None)) for table in _TABLES[name]]
    bytes_ = [each for _rows, each in found if each is not None]
    size = sum(bytes_) if bytes_ else None
    per_day = round(size * share) if size is not None and name in _OF_RUNS else None
    words = _words(_KEPT[name], kept) if name in _KEPT else "for ever"
    return Table(gettext(name), found[0][0], size, per_day, words, (size or 0) / (total or 1))


def _words(subjects: Mapping[str, str], kept: Mapping[str, int | None]) -> str:
    """90 d succeeded, 180 d failed."""
    parts = []
    for code, word in subjects.items():
        days = kept[code]
        parts.append(f"{'for ever' if days is None else f'{days} d'} {word}".strip())
    return ", ".join(parts)


def _sizes() -> Sizes:
    """Rows and bytes by table; on SQLite the bytes of the whole, under no name."""
    names = [table for tables in _TABLES.values() for table in tables]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # The number of the last row: none is read.
            rows = " UNION ALL ".join(f"SELECT '{name}', MAX(rowid) FROM {name}" for name in names)  # noqa: S608
            cursor.execute(rows)
            found: Sizes = {name: (last or 0, None) for name, last in cursor}
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
            return {**found, "": (0, cursor.fetchone()[0])}
        told = names if connection.vendor == "postgresql" else tuple(names)
        cursor.execute(_STATISTICS[connection.vendor], [told])
        told_of = {name: (int(rows or 0), int(size or 0)) for name, rows, size in cursor}
        return {name: told_of.get(name, (0, 0)) for name in names}


def _free() -> int | None:
    """The room beside a database that is a file of this machine."""
    if connection.vendor != "sqlite":
        return None
    folder = Path(str(settings.DATABASES["default"]["NAME"])).parent
    return shutil.disk_usage(folder).free if folder.exists() else None
