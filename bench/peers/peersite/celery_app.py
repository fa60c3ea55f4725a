import os

from celery import Celery

from bench.peers import ground
from bench.peers.peersite import work

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.peersite.settings")
app = Celery("peersite", broker=ground.redis_url("celery"))
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.broker_connection_retry_on_startup = True
if reuse := os.environ.get("PEERS_CELERY_REUSE"):
    app.conf["CELERY_DB_REUSE_MAX"] = int(reuse)
    app.conf.worker_prefetch_multiplier = 64


@app.task
def noop(run_id: int = 0) -> None:
    return None


@app.task(ignore_result=True)
def call(number: int = 0) -> int:
    return work.call(number)
