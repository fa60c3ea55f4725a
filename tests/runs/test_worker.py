"""RQ's worker as Chronos uses it, over a real store."""

import django_rq
from rq.serializers import JSONSerializer

from runs.ring import Bell
from runs.worker import Worker


def test_nobody_commands_a_worker_through_redis(valkey):
    worker = django_rq.get_worker("high", worker_class=Worker, job_class=Bell, serializer=JSONSerializer)
    worker.subscribe()
    assert valkey.pubsub_channels() == []
