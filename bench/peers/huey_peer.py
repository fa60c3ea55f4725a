"""huey over Redis: two worker processes, or 500 greenlets for calls that wait."""

import sys

from bench.peers import ground
from bench.peers.measuring import SlowCalls, Throughput


def _consumer(*words: object) -> list[object]:
    return [ground.PROGRAMS / "huey_consumer", "bench.peers.peersite.huey_app.huey", "-q", "-n", *words]


def _send(task: str, values: list[int]) -> None:
    from bench.peers.peersite import huey_app

    for value in values:
        getattr(huey_app, task)(value)


def _fill(count: int) -> None:
    ground.store("huey").flushdb()
    ground.empty_tables()
    _send("rows", ground.new_runs(count))


# huey leaves gevent's patching to its user: without it the greenlets wait one after the other.
_GREENLETS = [sys.executable, "-m", "gevent.monkey", *_consumer("-w", 500, "-k", "greenlet")]

THROUGHPUT = {"huey, 2 processes": Throughput(_fill, [_consumer("-w", 2, "-k", "process")], size=4000)}
SLOW_CALLS = {
    "huey, 500 greenlets": SlowCalls(lambda count: _send("call", list(range(count))), [_GREENLETS], 6)
}
