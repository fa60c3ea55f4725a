"""Celery over Redis: two forked processes with django-celery-results, 500 greenlets, django-celery-beat."""

from datetime import UTC, datetime

from bench.peers import ground
from bench.peers.measuring import Scheduling, SlowCalls, Throughput

_APP = [ground.PROGRAMS / "celery", "-A", "bench.peers.peersite.celery_app"]
_RESULTS = "SELECT count(*) FROM django_celery_results_taskresult WHERE status = 'SUCCESS'"
# Celery closes the database connection around every task unless told not to.
_TUNED = {"PEERS_CELERY_REUSE": "100000"}


def _send(task: str, values: list[int]) -> None:
    ground.set_up_django()
    from bench.peers.peersite import celery_app

    with celery_app.app.producer_pool.acquire(block=True) as producer:
        for value in values:
            getattr(celery_app, task).apply_async((value,), producer=producer)


def _fill(count: int) -> None:
    ground.store("celery").flushdb()
    ground.empty_tables("django_celery_results_taskresult")
    _send("noop", ground.new_runs(count))


def _fill_schedules(count: int, expression: str, due: float) -> None:
    ground.store("celery").flushdb()
    ground.set_up_django()
    from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

    ground.empty_tables("django_celery_beat_periodictask", "django_celery_beat_crontabschedule")
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    crontab = CrontabSchedule.objects.create(**dict(zip(names, expression.split(), strict=True)))
    last = datetime.fromtimestamp(due - 59, UTC)
    tasks = (
        PeriodicTask(
            name=f"job {number}",
            task="bench.peers.peersite.celery_app.noop",
            crontab=crontab,
            last_run_at=last,
            args=f"[{number}]",
        )
        for number in range(count)
    )
    PeriodicTask.objects.bulk_create(tasks, batch_size=2000)
    PeriodicTasks.update_changed()


_PREFORK = [[*_APP, "worker", "-c", 2, "-P", "prefork", "-l", "ERROR"]]
_GEVENT = [[*_APP, "worker", "-c", 500, "-P", "gevent", "-l", "ERROR"]]

THROUGHPUT = {
    "celery, 2 processes, results in Django": Throughput(
        _fill, _PREFORK, lambda: ground.counter(_RESULTS), 2500
    ),
    "celery tuned: connection kept, 64 prefetched": Throughput(
        _fill, _PREFORK, lambda: ground.counter(_RESULTS), 2500, _TUNED
    ),
}
SLOW_CALLS = {"celery, 500 greenlets": SlowCalls(lambda count: _send("call", list(range(count))), _GEVENT, 9)}
SCHEDULES = {
    "django-celery-beat": Scheduling(
        _fill_schedules,
        [*_APP, "beat", "-S", "django", "-l", "ERROR", "--pidfile="],
        lambda: ground.queued("celery", "celery"),
    )
}
