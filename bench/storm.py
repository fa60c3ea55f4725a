"""Ten thousand failures within a minute: what people are sent, how the inbox holds, how it is emptied."""

import logging
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import timedelta
from time import monotonic, perf_counter
from typing import Any

from bench import machine, product, rows, servers
from bench.percentiles import percentile

FAILURES = 10_000
JOBS = 100
LOOKS = 20
# How soon after the last failure the last message must have left.
QUIET_SECONDS = 900
OPERATOR = "rules@example.com"


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--failures", type=int, default=FAILURES, help="runs that fail (default: %(default)s)"
    )


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds and messages of the storm, p95 of the inbox in it, and seconds to replay and resolve it all."""
    from aiosmtpd.controller import Controller

    received = Received()
    mail = Controller(received, hostname="127.0.0.1", port=servers.free_port())
    mail.start()
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    os.environ |= {"CHRONOS_EMAIL_HOST": mail.hostname, "CHRONOS_EMAIL_PORT": str(mail.port)}
    try:
        with servers.database(options.database) as url:
            product.set_up(url, pages=True)
            return _storm(options.failures, received, say)
    finally:
        mail.stop()


class Received:
    """A mail server that counts."""

    def __init__(self) -> None:
        self.messages = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages += 1
        return "250 Taken"


def _storm(failures: int, received: Received, say: Callable[[str], None]) -> dict[str, Any]:
    from django.db import connection

    from chronos_site.clock import database_now
    from runs.models import DeadLetter, Run

    job_ids = rows.jobs(JOBS, payload={"metadata": {"simulateFailure": True}})
    rows.rules(1)
    with product.store(), product.engine("scheduler", "worker", "worker"):
        rows.due_runs(failures, job_ids, database_now() - timedelta(seconds=1))
        began = monotonic()
        product.wait_for("the last failure", lambda: DeadLetter.objects.count() >= failures, seconds=600)
        stormed = monotonic() - began
        say(f"{failures:,} failures in {stormed:.1f} s")
        inbox = _inbox(LOOKS)
        say(f"inbox p50 {inbox['p50_ms']} ms, p95 {inbox['p95_ms']} ms")
        stopped = _bulk("REPLAY", DeadLetter.objects.pending(), {**CAREFUL, "note": ""})
        _mend(job_ids)
        half = DeadLetter.objects.pending().order_by("pk").values_list("pk", flat=True)[: failures // 2]
        replayed = _bulk("REPLAY", DeadLetter.objects.filter(pk__in=list(half)), {**CAREFUL, "note": ""})
        product.wait_for("the last replay", lambda: not Run.objects.active().exists(), seconds=600)
        resolved = _bulk("RESOLVE", DeadLetter.objects.pending(), {"note": "The storm is over."})
        say(f"replayed in {replayed['seconds']} s, resolved in {resolved['seconds']} s")
        product.wait_for("the last message", _all_sent, seconds=QUIET_SECONDS, pause=1)
        problems = product.doctor()
    return {
        "seconds_of_the_storm": round(stormed, 1),
        "messages_received": received.messages,
        **_told(),
        "failures": failures,
        "inbox_p50_ms": inbox["p50_ms"],
        "inbox_p95_ms": inbox["p95_ms"],
        "canary_that_failed": stopped,
        "replayed_one_first": replayed,
        "resolved": resolved,
        "left_pending": DeadLetter.objects.pending().count(),
        "problems": problems,
        "database": connection.vendor,
        "load_average": machine.load_average(),
    }


CAREFUL = {"canary": True, "step": 1000, "stagger": 0, "most_failed": 20, "force": False}


def _inbox(looks: int) -> dict[str, float]:
    """How long the page takes for an operator while the failures are there."""
    from django.test import Client

    from accounts.models import User

    client = Client()
    client.force_login(User.objects.get(email=OPERATOR))
    times = []
    for _ in range(looks + 1):
        began = perf_counter()
        answer = client.get("/dead-letters/")
        times.append((perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"The inbox answered {answer.status_code}.")
    del times[0]
    return {"p50_ms": round(percentile(times, 50), 1), "p95_ms": round(percentile(times, 95), 1)}


def _bulk(code: str, targets: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Start it as the page does, and wait for the workers to end it."""
    from accounts.models import User
    from chronos_site.clock import database_now
    from runs import bulk
    from runs.bulk_actions import ACTIONS
    from runs.bulk_actions.triaging import Replay
    from runs.ring import QUEUES, ring

    action, by = ACTIONS[code], User.objects.get(email=OPERATOR)
    told = Replay().parameters(parameters) if code == "REPLAY" else parameters
    began = monotonic()
    operation = bulk.start(
        action, targets, by=by, parameters=told, expected=targets.count(), at=database_now()
    )
    ring(QUEUES)

    def ended() -> bool:
        operation.refresh_from_db()
        return operation.ended_at is not None

    product.wait_for(f"{code} to end", ended, seconds=1200, pause=0.2)
    counts = {"total": operation.total, "done": operation.done, "refused": operation.refused}
    return {"state": operation.state, **counts, "seconds": round(monotonic() - began, 1)}


def _mend(job_ids: list[str]) -> None:
    """Have the jobs succeed from now on."""
    from jobs.models import JobPayload, JobVersion

    JobPayload.objects.filter(job__in=job_ids).update(metadata=None)
    for version in JobVersion.objects.filter(job__in=job_ids):
        version.definition["payload"] = {}
        JobVersion.objects.filter(pk=version.pk).update(definition=version.definition)


def _all_sent() -> bool:
    from notifications.models import Delivery, Notification

    return not Notification.objects.filter(status=Delivery.PENDING).exists()


def _told() -> dict[str, Any]:
    """The messages by their template, and how many events they speak of together."""
    from django.db.models import Count, Sum

    from notifications.models import Notification

    found = Notification.objects.values("template_code", "status").annotate(
        number=Count("pk"), events=Sum("count")
    )
    return {
        "messages": {
            f"{row['template_code']} {row['status']}": {"messages": row["number"], "events": row["events"]}
            for row in found.order_by("template_code", "status")
        }
    }
