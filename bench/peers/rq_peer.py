"""django-rq: forking workers, simple ones, a pool of twenty for calls that wait, and `rq cron`."""

from bench.peers import ground
from bench.peers.measuring import Scheduling, SlowCalls, Throughput

_WORKER = [ground.PROGRAMS / "django-admin", "rqworker", "default", "-v", 0]
_SIMPLE = [*_WORKER, "--worker-class", "rq.SimpleWorker"]
_RQ = ground.PROGRAMS / "rq"
_POOL = [_RQ, "worker-pool", "default", "-n", 20, "-u", ground.redis_url("rq"), "-q"]
_CONFIGURATION = ground.DATA / "rq_cron_configuration.py"
_CRON = [_RQ, "cron", _CONFIGURATION, "-u", ground.redis_url("rqcron"), "-l", "ERROR"]


def _send(function: str, values: list[int]) -> None:
    ground.set_up_django()
    import django_rq
    from rq import Queue

    queue = django_rq.get_queue("default")
    for first in range(0, len(values), 2000):
        jobs = [
            Queue.prepare_data(f"bench.peers.peersite.work.{function}", args=(value,), result_ttl=500)
            for value in values[first : first + 2000]
        ]
        queue.enqueue_many(jobs)


def _fill(count: int) -> None:
    ground.store("rq").flushdb()
    ground.empty_tables()
    _send("rows", ground.new_runs(count))


def _fill_schedules(count: int, expression: str, due: float) -> None:
    ground.store("rqcron").flushdb()
    _CONFIGURATION.write_text(
        "from rq import cron\nfrom bench.peers.peersite.work import noop\n"
        f"for number in range({count}):\n"
        f"    cron.register(noop, 'default', cron={expression!r}, name=f'job {{number}}', result_ttl=60)\n"
    )


THROUGHPUT = {
    "django-rq, 2 forking workers": Throughput(_fill, [_WORKER] * 2, size=400),
    "django-rq, 2 simple workers": Throughput(_fill, [_SIMPLE] * 2, size=2000),
}
SLOW_CALLS = {"rq, a pool of 20": SlowCalls(lambda count: _send("call", list(range(count))), [_POOL], 12)}
SCHEDULES = {
    "rq cron": Scheduling(_fill_schedules, _CRON, lambda: ground.queued("rqcron", "rq:queue:default"))
}
