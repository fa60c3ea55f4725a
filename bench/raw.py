"""The machine's limit: the same writes to the same tables as plain SQL in batches, by nobody's rules."""

import multiprocessing
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

BATCH = 1000


def runs_per_second(run_ids: Sequence[str], processes: int) -> float:
    """Claim and end the runs with two log lines each, in so many processes; gives the rate."""
    from django.db import connections

    connections.close_all()
    fork = multiprocessing.get_context("fork")
    share = -(-len(run_ids) // processes)
    hands = [
        fork.Process(target=_work, args=(run_ids[first : first + share],))
        for first in range(0, len(run_ids), share)
    ]
    began = monotonic()
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    if any(hand.exitcode for hand in hands):
        raise SystemExit("The raw SQL failed.")
    return len(run_ids) / (monotonic() - began)


def _work(run_ids: Sequence[str]) -> None:
    from django.db import transaction

    for first in range(0, len(run_ids), BATCH):
        batch = run_ids[first : first + BATCH]
        now = datetime.now(UTC)
        # Its own transaction: others must see that the runs are taken.
        _claim(batch, now)
        with transaction.atomic():
            _end(batch, now)
            _write_lines([(run_id, now, "INFO", line) for run_id in batch for line in ("Started", "Done")])


def _claim(run_ids: Sequence[str], now: datetime) -> None:
    claimed = {
        "start_time": _told(now),
        "worker_id": "raw",
        "claim_token": run_ids[0],
        "lease_expires_at": _told(now + timedelta(seconds=30)),
    }
    _update("job_runs", run_ids, claimed)


def _end(run_ids: Sequence[str], now: datetime) -> None:
    ended = {"end_time": _told(now), "outcome": "SUCCESS", "duration_ms": 1, "lease_expires_at": None}
    _update("job_runs", run_ids, ended)


def seconds_to_fire(tick: datetime, ahead: datetime) -> float:
    """Insert one run for each schedule and advance the schedules, in one process; gives the seconds."""
    from chronos_site.schema import new_ulid
    from jobs.models import JobSchedule

    schedules = list(JobSchedule.objects.values_list("id", "job_id"))
    told = [(id, (new_ulid(), job_id, tick, tick)) for id, job_id in schedules]
    began = monotonic()
    for first in range(0, len(told), BATCH):
        _fire(told[first : first + BATCH], ahead)
    return monotonic() - began


def _fire(batch: list[tuple[int, tuple[Any, ...]]], ahead: datetime) -> None:
    from django.db import transaction

    with transaction.atomic():
        insert("job_runs", ("id", "job_id", "scheduled_time", "available_at"), [run for _, run in batch])
        _update("job_schedules", [id for id, _ in batch], {"next_fire_at": _told(ahead)})


def _update(table: str, ids: Sequence[Any], values: dict[str, Any]) -> None:
    from django.db import connection

    columns = ", ".join(f"{column} = %s" for column in values)
    marks = ", ".join(["%s"] * len(ids))
    statement = f"UPDATE {table} SET {columns} WHERE id IN ({marks})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values.values(), *ids])


def _write_lines(rows: list[tuple[Any, ...]]) -> None:
    insert("job_run_logs", ("run_id", "timestamp", "level", "message"), rows)


def insert(table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """The fastest way that each database has to take rows."""
    from django.db import connection

    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        told = [
            tuple(_told(value) if isinstance(value, datetime) else value for value in row) for row in rows
        ]
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", told)  # noqa: S608


def _told(instant: datetime) -> Any:
    from django.db import connection

    return connection.ops.adapt_datetimefield_value(instant)
