"""django-q2 over Redis: two workers, results by the ORM."""

from bench.peers import ground
from bench.peers.measuring import Throughput


def _fill(count: int) -> None:
    ground.store("djangoq").flushdb()
    ground.empty_tables("django_q_task", "django_q_schedule")
    ground.set_up_django()
    from django_q.brokers import get_broker
    from django_q.tasks import async_task

    broker = get_broker()
    for run_id in ground.new_runs(count):
        async_task("bench.peers.peersite.work.noop", run_id, broker=broker)


THROUGHPUT = {
    "django-q2, 2 workers": Throughput(
        _fill,
        [[ground.PROGRAMS / "django-admin", "qcluster"]],
        lambda: ground.counter("SELECT count(*) FROM django_q_task WHERE success"),
    )
}
