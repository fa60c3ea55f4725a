"""dramatiq over Redis: two processes of eight threads, or of 250 for calls that wait."""

from bench.peers import ground
from bench.peers.measuring import SlowCalls, Throughput


def _workers(processes: int, threads: int) -> list[list[object]]:
    program = ground.PROGRAMS / "dramatiq"
    return [[program, "bench.peers.peersite.dramatiq_app", "-p", processes, "-t", threads]]


def _send(task: str, values: list[int]) -> None:
    from bench.peers.peersite import dramatiq_app

    for value in values:
        getattr(dramatiq_app, task).send(value)


def _fill(count: int) -> None:
    ground.store("dramatiq").flushdb()
    ground.empty_tables()
    _send("rows", ground.new_runs(count))


THROUGHPUT = {"dramatiq, 2 processes of 8 threads": Throughput(_fill, _workers(2, 8), size=2500)}
SLOW_CALLS = {
    "dramatiq, 2 processes of 250 threads": SlowCalls(
        lambda count: _send("call", list(range(count))), _workers(2, 250), 5
    )
}
