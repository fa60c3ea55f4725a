"""A DB_TO_KAFKA job's rows from PostgreSQL to Kafka, acknowledged in batches, and their cost in memory."""

import resource
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from bench import machine, product, servers

ROWS = 1_000_000
BATCH = 10_000
QUERY = "SELECT id, status, total, changed_at FROM orders ORDER BY id"
# The share of the rows after which every buffer has its size.
WARM = 0.1


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=ROWS, help="rows to send (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=BATCH, help="rows at once (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """The job's rate beside those of its two halves alone: the same rows read, and the same messages sent."""
    with servers.postgresql() as url, servers.kafka() as brokers:
        product.set_up("sqlite://:memory:")
        from django.conf import settings

        settings.BROKERS = {"kafka": f"kafka://{brokers}"}
        source = _filled(url, options.rows)
        _sent(source, round(options.rows * WARM), options.batch)
        before = _memory_mb()
        rate = _sent(source, options.rows, options.batch)
        grown = _memory_mb() - before
        say(f"job: {rate:.0f} rows/s, {grown:.0f} MB more")
        read = _read(source)
        say(f"reading alone: {read:.0f} rows/s")
        produced = _produced(brokers, options.rows)
        say(f"sending alone: {produced:.0f} rows/s")
        # One after the other, as one thread has to do it.
        limit = 1 / (1 / read + 1 / produced)
        return {
            "rows_per_second": round(rate),
            "raw_limit_per_second": round(limit),
            "ratio_to_raw_limit": round(rate / limit, 3),
            "rows": options.rows,
            "batch_size": options.batch,
            "memory_grown_mb": round(grown, 1),
            "raw_limits": {"reading": round(read), "sending": round(produced)},
            "load_average": machine.load_average(),
        }


def _filled(url: str, count: int) -> str:
    """The URL of a table with so many rows, for a role that may read it."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT id, 'PAID' AS status, id * 0.01 AS total, now() AS changed_at"
            " FROM generate_series(1, %s) AS id",
            [count],
        )
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON orders TO reader")
    return url.replace("//chronos@", "//reader@")


def _sent(source: str, count: int, batch: int) -> float:
    from jobs.executors.base import Payload
    from jobs.executors.db_to_kafka import execute

    columns = {
        "database_url": source,
        "query": QUERY,
        "kafka_topic": "orders",
        "kafka_key_field": "id",
        "batch_size": batch,
        "max_rows": count,
    }
    began = monotonic()
    result = execute(Payload(columns), _context())
    if result.data["sent"] != count:
        raise SystemExit(f"Only {result.data['sent']} rows were sent.")
    return count / (monotonic() - began)


def _context() -> Any:
    from jobs.executors.base import Context

    def log(level: str, message: str, **fields: object) -> None:
        """Nobody reads it."""

    return Context("run", "job", "Orders", datetime.now(UTC), 1, monotonic() + 3600, log=log)


def _read(source: str) -> float:
    """The same rows in chunks by the driver alone."""
    import psycopg

    with psycopg.connect(source) as connection:
        began = monotonic()
        count = sum(1 for _ in connection.cursor().stream(QUERY, size=100))
        return count / (monotonic() - began)


def _produced(brokers: str, count: int) -> float:
    """The same number of ready messages by the driver alone, waited for at the end."""
    from confluent_kafka import Producer

    value = (
        b'{"id":1000000,"status":"PAID","total":"10000.00","changed_at":"2026-11-26T12:00:00.000000+00:00"}'
    )
    options = {"bootstrap.servers": brokers, "acks": "all", "enable.idempotence": True, "linger.ms": 20}
    producer = Producer(options)
    began = monotonic()
    for number in range(count):
        while True:
            try:
                producer.produce("raw", value, str(number).encode())
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    return count / (monotonic() - began)


def _memory_mb() -> float:
    """The most that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
