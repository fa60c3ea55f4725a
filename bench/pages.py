"""Every page, filter and sort at 5,000,000 runs: server time, queries, bytes."""

import gzip
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

from bench import machine, pace, product, servers
from bench.pace import Paced
from bench.percentiles import percentile
from bench.seeding import OPERATOR, OWNER, Size, fill

REPEATS = 20
LIMIT_MS, LIMIT_QUERIES, LIMIT_BYTES = 100, 15, 200_000
SIZES = {"sqlite": Size(1_000, 200_000, 2_000, 20_000, 20), "postgresql": Size()}


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, help="jobs (default: 100,000; on SQLite 1,000)")
    parser.add_argument("--runs", type=int, help="runs (default: 5,000,000; on SQLite 200,000)")
    parser.add_argument("--only", metavar="TEXT", default="", help="pages whose name contains it")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="requests a page (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """p95 and the rest of each page, for an operator who sees everything and for an owner of some jobs."""
    with _database(options.database) as url:
        product.set_up(url, pages=True)
        from django.db import connection
        from django.utils import timezone

        from chronos_site import collector
        from runs import days
        from runs.models import Run

        size = _size(options, SIZES[connection.vendor])
        if not Run.objects.exists():
            fill(size, say)
        # As a scheduler does every night.
        while days.roll_up(timezone.now()):
            pass
        asked = [page for page in _pages() if options.only in page.name]
        # As the web process does before it serves.
        collector.settle()
        collector.put_off()
        measured = [_measured(page, options.repeats, say) for page in asked]
        moments = [each for _, times in measured for each in times]
        best = min(each.pace for each in moments)
        pages = [found | _at_full_speed(times, best) for found, times in measured]
        slowest = max(pages, key=lambda page: page["p95_ms"])
        return {
            "slowest": slowest["name"],
            "slowest_p95_ms": slowest["p95_ms"],
            "limit_ms": LIMIT_MS,
            "most_queries": max(page["queries"] for page in pages),
            "most_bytes": max(page["bytes"] for page in pages),
            "raw_limit_ms": _raw_ms(),
            "over_the_limit": [page["name"] for page in pages if _over(page)],
            "swing": {f"p{percent}": round(pace.swing(moments, best, percent), 2) for percent in (50, 95)},
            "over_at_full_speed": [
                page["name"] for page in pages if _over(page | {"p95_ms": page["full_speed_p95_ms"]})
            ],
            "database": connection.vendor,
            "jobs": size.jobs,
            "runs": size.runs,
            "load_average": machine.load_average(),
            "pages": pages,
        }


def _database(asked: str | None) -> Any:
    if asked in (None, "postgresql"):
        return servers.postgresql("1GB")
    return servers.database(asked) if asked == "sqlite" else nullcontext(asked)


def _size(options: Namespace, usual: Size) -> Size:
    jobs, runs = options.jobs or usual.jobs, options.runs or usual.runs
    return Size(jobs, runs, min(usual.letters, runs // 100), min(usual.events, runs), usual.owners)


@dataclass(frozen=True)
class Page:
    """One address and who opens it."""

    name: str
    path: str
    who: str = OPERATOR


def _pages() -> list[Page]:
    from runs.models import DeadLetter, Run

    waiting = DeadLetter.objects.pending().order_by("-created_at")[0]
    busiest = Run.objects.order_by("pk").values_list("job_id", flat=True)[0]
    newest = Run.objects.filter(outcome="SUCCESS").order_by("-pk").values_list("pk", flat=True)[0]
    failed = Run.objects.filter(outcome="FAILURE").order_by("-end_time")[0]
    jobs, runs, letters = "/jobs/", "/runs/", "/dead-letters/"
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("overview", "/", {}),
        ("overview, 30 days", "/", {"window": "30d"}),
        ("system", "/system/", {}),
        ("system, retention", "/system/retention/", {}),
        ("handover", "/handover/", {"since": "12h"}),
        ("jobs", jobs, {}),
        *((f"jobs by {sort}", jobs, {"sort": sort}) for sort in _sorts()),
        ("jobs, text", jobs, {"q": "ledger-sync"}),
        ("jobs, text of nothing", jobs, {"q": "no such job"}),
        ("jobs, paused", jobs, {"status": "PAUSED"}),
        ("jobs, scripts of high priority", jobs, {"type": "SCRIPT", "priority": "HIGH"}),
        ("jobs, owner", jobs, {"owner": "owner-7@"}),
        ("jobs, tag", jobs, {"tag": "night"}),
        ("jobs, failing", jobs, {"failing": "1"}),
        ("jobs, next page", jobs, {"after": _cursor(busiest)}),
        ("job", f"/jobs/{busiest}/", {}),
        ("job form", "/jobs/new/", {}),
        ("job edit", f"/jobs/{busiest}/edit/", {}),
        ("runs", runs, {}),
        ("runs, failed", runs, {"outcome": "FAILURE"}),
        ("runs, timed out, a week", runs, {"outcome": "TIMEOUT", "since": "7d"}),
        ("runs, skipped", runs, {"outcome": "SKIPPED"}),
        ("runs, running", runs, {"state": "RUNNING"}),
        ("runs, late", runs, {"state": "LATE"}),
        ("runs of a job", runs, {"job": busiest}),
        ("runs of a job, failed", runs, {"job": busiest, "outcome": "FAILURE"}),
        ("runs by hand", runs, {"trigger": "MANUAL"}),
        ("dead letters", letters, {}),
        ("dead letters, a group", letters, {"signature": str(waiting.signature)}),
        ("dead letters, text", letters, {"q": "pool exhausted"}),
        ("dead letters, a day, by nobody", letters, {"since": "24h", "acknowledged": "0"}),
        ("dead letters, resolved", letters, {"show": "RESOLVED"}),
        ("dead letters, mine", letters, {"show": "MINE"}),
        ("dead letter", f"/dead-letters/{waiting.pk}/", {}),
        ("messages", "/notifications/", {}),
        ("run", f"/runs/{newest}/", {}),
        ("run, failed", f"/runs/{failed.pk}/", {}),
        ("run, its log from the start", f"/runs/{failed.pk}/", {"line": "1"}),
        ("runs compared", "/runs/compare/", {"a": newest, "b": failed.pk}),
        ("calendar", "/calendar/", {}),
        ("calendar, what ran", "/calendar/ran/", {}),
        ("calendar, upcoming", "/calendar/upcoming/", {}),
        ("search", "/search/", {"q": "ledger"}),
        ("search, a rare word", "/search/", {"q": "099999"}),
        ("search, a run", "/search/", {"q": failed.pk}),
        ("bulk operations", "/bulk/", {}),
    ]
    found = [Page(name, f"{path}?{urlencode(query)}" if query else path) for name, path, query in asked]
    own = [
        Page(f"{page.name} (owner)", page.path, OWNER) for page in found if page.path.split("?")[0] in _LISTS
    ]
    return [*found, *own]


_LISTS = ("/", "/jobs/", "/runs/", "/handover/", "/dead-letters/")


def _sorts() -> list[str]:
    from dashboard.jobs import SORTS

    return list(SORTS)


def _cursor(job_id: str) -> str:
    from dashboard.jobs import SORTS
    from jobs.models import Job

    return SORTS["name"].order.cursor(Job.objects.get(pk=job_id))


def _measured(page: Page, repeats: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[Paced]]:
    from django.db import connection

    client = _client(page.who)
    statements = [0]
    with connection.execute_wrapper(_counting(statements)):
        answer = client.get(page.path)
    if answer.status_code != 200:
        raise SystemExit(f"{page.path} answered {answer.status_code}.")
    body = b"".join(answer)
    moments = [Paced.of(lambda: _server_ms(client, page.path)) for _ in range(repeats)]
    times = sorted(each.took for each in moments)
    found: dict[str, Any] = {
        "name": page.name,
        "p50_ms": round(median(times), 1),
        "p95_ms": round(percentile(times, 95), 1),
        "least_ms": round(times[0], 1),
        "queries": statements[0],
        "bytes": len(gzip.compress(body)),
    }
    mark = "  OVER" if _over(found) else ""
    say(
        f"{page.name:36} p50 {found['p50_ms']:7.1f}  p95 {found['p95_ms']:7.1f} ms  "
        f"{found['queries']:2} queries  {found['bytes'] / 1000:6.1f} kB{mark}"
    )
    return found, moments


def _at_full_speed(times: list[Paced], best: float) -> dict[str, float]:
    return {
        f"full_speed_p{percent}_ms": round(pace.at_full_speed(times, best, percent), 1)
        for percent in (50, 95)
    }


def _over(page: dict[str, Any]) -> bool:
    limits = {"p95_ms": LIMIT_MS, "queries": LIMIT_QUERIES, "bytes": LIMIT_BYTES}
    return any(page[name] > limit for name, limit in limits.items())


def _client(email: str) -> Any:
    from django.test import Client

    from accounts.models import User

    client = Client()
    client.force_login(User.objects.get(email=email))
    return client


def _counting(statements: list[int]) -> Callable[..., Any]:
    def counted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements[0] += 1
        return execute(sql, params, many, context)

    return counted


def _server_ms(client: Any, path: str) -> float:
    """Until the answer is there; what the web process does after it has been sent is done then."""
    from chronos_site import collector

    took = pace.ms(lambda: client.get(path))
    collector.tidy()
    return took


def _raw_ms() -> float:
    """The least that a page could take: twenty-five jobs by name, read by bare SQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        return round(
            min(
                pace.ms(lambda: cursor.execute("SELECT * FROM jobs ORDER BY name LIMIT 25"))
                for _ in range(10)
            ),
            2,
        )
