"""The bodies of the jobs, the same for every peer."""

import os
from urllib.request import urlopen


def rows(run_id: int) -> None:
    """What a Django developer writes by hand: one update of the run and two log rows."""
    from django.utils import timezone

    from bench.peers.peersite.models import Log, Run

    started = timezone.now()
    Log.objects.create(run_id=run_id, at=started, line="started")
    Log.objects.create(run_id=run_id, at=timezone.now(), line="done")
    Run.objects.filter(pk=run_id).update(
        state="ok", claimed_at=started, started_at=started, ended_at=timezone.now(), outcome="ok"
    )


def noop(run_id: int = 0, **ignored: object) -> None:
    return None


def call(number: int = 0) -> int:
    """A GET that takes a second on the other side."""
    with urlopen(os.environ["PEERS_HTTP"], timeout=60) as answer:  # noqa: S310
        return len(answer.read())
