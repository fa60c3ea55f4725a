"""procrastinate on PostgreSQL: two processes of ten tasks at once, or one of 500 for calls that wait."""

from bench.peers import ground
from bench.peers.measuring import SlowCalls, Throughput

_TABLES = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers")


def _worker(concurrency: int) -> list[object]:
    program = ground.PROGRAMS / "procrastinate"
    return [program, "--app", "bench.peers.peersite.procrastinate_app.app", "worker", "-c", concurrency]


def _send(task: str, values: list[int]) -> None:
    from procrastinate import App, SyncPsycopgConnector

    with App(connector=SyncPsycopgConnector(conninfo=ground.DATABASE)).open() as app:
        deferrer = app.configure_task(f"bench.peers.peersite.procrastinate_app.{task}")
        for first in range(0, len(values), 500):
            deferrer.batch_defer(*({"run_id": value} for value in values[first : first + 500]))


def _fill(count: int) -> None:
    ground.empty_tables(*_TABLES)
    _send("noop", ground.new_runs(count))


def _fill_calls(count: int) -> None:
    ground.empty_tables(*_TABLES)
    _send("call", list(range(count)))


THROUGHPUT = {
    "procrastinate, 2 processes of 10": Throughput(
        _fill,
        [_worker(10)] * 2,
        lambda: ground.counter("SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"),
        2500,
    )
}
SLOW_CALLS = {"procrastinate, 500 at once": SlowCalls(_fill_calls, [_worker(500)], 4, {"PEERS_POOL": "20"})}
