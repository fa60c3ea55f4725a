"""Change lists of Django's admin over 2,000,000 runs, beside the bare SQL of a page."""

# ruff: noqa: E501, S608

from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext
from statistics import median
from time import perf_counter
from typing import Any

from bench import machine, product, servers

USERS, JOBS, RUNS, LOGS_PER_RUN = 100, 20_000, 2_000_000, 2
REPEATS = 15

# Ids are of ULID's letters and rise with time, as real ones do.
_FILL = f"""
SET session_replication_role = replica;
INSERT INTO users (email, password) SELECT 'user' || n || '@example.com', '!' FROM generate_series(1, {USERS}) n;
INSERT INTO jobs (id, owner_id, name, type, status, priority)
SELECT '01' || lpad(upper(to_hex(n)), 24, '0'), (SELECT min(id) FROM users) + n % {USERS}, 'nightly export ' || n,
       (ARRAY['HTTP', 'DUMMY', 'SCRIPT', 'DATABASE'])[1 + n % 4],
       (ARRAY['SCHEDULED', 'SCHEDULED', 'PAUSED', 'FAILED'])[1 + n % 4],
       (ARRAY['LOW', 'MEDIUM', 'HIGH'])[1 + n % 3]
FROM generate_series(1, {JOBS}) n;
INSERT INTO job_schedules (job_id, schedule_type, cron_expression) SELECT id, 'CRON', '*/5 * * * *' FROM jobs;
INSERT INTO job_payloads (job_id, type, http_url, http_method)
SELECT id, type, 'http://127.0.0.1/', 'GET' FROM jobs;
INSERT INTO retry_policies (job_id) SELECT id FROM jobs;
INSERT INTO job_versions (job_id, version, definition, note) SELECT id, 1, '{{"name": "x"}}', '' FROM jobs;
INSERT INTO job_runs (id, job_id, scheduled_time, available_at, start_time, end_time, outcome, worker_id, duration_ms)
SELECT '01' || lpad(upper(to_hex(n)), 24, '0'), '01' || lpad(upper(to_hex(1 + n * 7919 % {JOBS})), 24, '0'),
       t, t, t, t + interval '1 second',
       CASE WHEN n % 1000 = 0 THEN 'TIMEOUT' WHEN n % 100 = 0 THEN 'FAILURE' ELSE 'SUCCESS' END,
       'worker-' || n % 8, 1000 + n % 500
FROM generate_series(1::bigint, {RUNS}) n, LATERAL (SELECT now() - ({RUNS} - n) * interval '1 second' AS t) due;
INSERT INTO job_run_logs (run_id, timestamp, level, message)
SELECT r.id, r.start_time, CASE WHEN r.outcome = 'SUCCESS' THEN 'INFO' ELSE 'ERROR' END, 'GET http://127.0.0.1/ ' || l
FROM job_runs r, generate_series(1, {LOGS_PER_RUN}) l ORDER BY r.id;
INSERT INTO dlq_events (id, job_id, run_id, failure_reason, created_at)
SELECT id, job_id, id, 'HTTP_503', end_time FROM job_runs WHERE outcome = 'FAILURE';
INSERT INTO audit_events (id, entity_type, entity_id, action, user_email, timestamp)
SELECT '01' || lpad(upper(to_hex(n)), 24, '0'), 'Job', '01' || lpad(upper(to_hex(1 + n % {JOBS})), 24, '0'),
       'JOB_UPDATED', 'user1@example.com', now() - n * interval '1 second' FROM generate_series(1, 500000) n;
INSERT INTO notifications (user_id, job_id, channel, target, template_code, status)
SELECT owner_id, id, 'EMAIL', 'a@example.com', 'job_failed', 'SENT' FROM jobs;
"""

_RUN = "01" + f"{RUNS // 2:X}".rjust(24, "0")
_JOB = "01" + f"{JOBS // 2:X}".rjust(24, "0")

# What a page shows, its address, and the least SQL that could answer it.
_LISTS = {
    "runs": ("runs/run/", "SELECT * FROM job_runs ORDER BY id DESC LIMIT 50"),
    "runs, next page": ("runs/run/?p=2", "SELECT * FROM job_runs ORDER BY id DESC LIMIT 50 OFFSET 50"),
    "runs, last page": ("runs/run/?p=200", "SELECT * FROM job_runs ORDER BY id DESC LIMIT 50 OFFSET 9950"),
    "runs, failed": (
        "runs/run/?state=FAILURE",
        "SELECT * FROM job_runs WHERE outcome = 'FAILURE' ORDER BY id DESC LIMIT 50",
    ),
    "runs, running": (
        "runs/run/?state=RUNNING",
        "SELECT * FROM job_runs WHERE outcome IS NULL AND start_time IS NOT NULL ORDER BY id DESC LIMIT 50",
    ),
    "runs, today": (
        "runs/run/?scheduled_time__gte=TODAY",
        "SELECT * FROM job_runs WHERE scheduled_time >= current_date ORDER BY id DESC LIMIT 50",
    ),
    "runs, by scheduled time": (
        "runs/run/?o=3",
        "SELECT * FROM job_runs ORDER BY scheduled_time LIMIT 50",
    ),
    "runs, one id": (f"runs/run/?q={_RUN}", f"SELECT * FROM job_runs WHERE id = '{_RUN}'"),
    "runs of one job": (
        f"runs/run/?q={_JOB}",
        f"SELECT * FROM job_runs WHERE job_id = '{_JOB}' ORDER BY id DESC LIMIT 50",
    ),
    "runs of jobs by name": (
        "runs/run/?q=export+1234",
        "SELECT * FROM job_runs WHERE job_id IN (SELECT id FROM jobs WHERE name LIKE '%export 1234%') "
        "ORDER BY id DESC LIMIT 50",
    ),
    "runs of nobody": (
        "runs/run/?q=nosuchthing",
        "SELECT id FROM jobs WHERE name LIKE '%nosuchthing%' LIMIT 100",
    ),
    "logs": ("runs/runlog/", "SELECT * FROM job_run_logs ORDER BY id DESC LIMIT 50"),
    "logs, errors": (
        "runs/runlog/?level__exact=ERROR",
        "SELECT * FROM job_run_logs WHERE level = 'ERROR' ORDER BY id DESC LIMIT 50",
    ),
    "logs, trace (none)": (
        "runs/runlog/?level__exact=TRACE",
        "SELECT * FROM job_run_logs WHERE level = 'TRACE' ORDER BY id DESC LIMIT 50",
    ),
    "logs of one run": (
        f"runs/runlog/?q={_RUN}",
        f"SELECT * FROM job_run_logs WHERE run_id = '{_RUN}' ORDER BY id DESC LIMIT 50",
    ),
    "dead letters": ("runs/deadletter/", "SELECT * FROM dlq_events ORDER BY id DESC LIMIT 50"),
    "jobs": ("jobs/job/", "SELECT * FROM jobs ORDER BY id DESC LIMIT 50"),
    "jobs, by name": (
        "jobs/job/?q=export+777",
        "SELECT * FROM jobs WHERE name ILIKE '%export 777%' LIMIT 50",
    ),
    "job summary": (
        "jobs/jobsummary/",
        "SELECT * FROM job_summary WHERE id = ANY(ARRAY(SELECT id FROM jobs ORDER BY id DESC LIMIT 50))",
    ),
    "execution statistics": (
        "runs/executionstats/",
        "SELECT outcome, count(*) FROM job_runs WHERE scheduled_time >= current_date GROUP BY outcome",
    ),
    "audit": ("audit/auditevent/", "SELECT * FROM audit_events ORDER BY id DESC LIMIT 50"),
    "audit of one job": (
        f"audit/auditevent/?q={_JOB}",
        f"SELECT * FROM audit_events WHERE entity_type = 'Job' AND entity_id = '{_JOB}' LIMIT 50",
    ),
    "notifications": ("notifications/notification/", "SELECT * FROM notifications ORDER BY id DESC LIMIT 50"),
    "one run": (f"runs/run/{_RUN}/change/", f"SELECT * FROM job_runs WHERE id = '{_RUN}'"),
    "one job": (f"jobs/job/{_JOB}/change/", f"SELECT * FROM jobs WHERE id = '{_JOB}'"),
    "delete one job (question)": (
        f"jobs/job/{_JOB}/delete/",
        f"SELECT count(*) FROM job_runs WHERE job_id = '{_JOB}'",
    ),
}


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds (median of 15) and statements of each list, PostgreSQL only."""
    with nullcontext(options.database) if options.database else servers.postgresql("1GB") as url:
        product.set_up(url, pages=True)
        return _measured(say)


def _measured(say: Callable[[str], None]) -> dict[str, Any]:
    from django.test import Client

    from accounts.models import User

    _fill(say)
    client = Client()
    client.force_login(
        User.objects.filter(roles="ADMIN").first() or User.objects.create_superuser("ada@example.com", "!")
    )
    lists = {}
    for name, (path, raw) in _LISTS.items():
        lists[name] = found = _timed(client, path, raw)
        say(
            f"{name:28} {found['ms']:7.1f} ms (least {found['least_ms']:5.1f})  "
            f"raw {found['raw_ms']:5.1f} ms  {found['queries']} queries"
        )
    slowest = max(lists, key=lambda name: lists[name]["ms"])
    return {
        "slowest_ms": lists[slowest]["ms"],
        "slowest": slowest,
        "limit_ms": 200,
        "load_average": machine.load_average(),
        "raw_limit_ms": lists[slowest]["raw_ms"],
        "runs": RUNS,
        "database": "postgresql",
        "lists": lists,
    }


def _fill(say: Callable[[str], None]) -> None:
    from django.db import connection

    from runs.models import Run

    if connection.vendor != "postgresql":
        raise SystemExit("This measurement needs PostgreSQL.")
    if Run.objects.exists():
        say("Using the rows that are there.")
        return
    started = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    say(f"Filled in {perf_counter() - started:.0f} s.")


def _timed(client: Any, path: str, raw: str) -> dict[str, float]:
    from django.db import connection
    from django.utils import timezone

    address = "/admin/" + path.replace("TODAY", f"{timezone.now():%Y-%m-%d}+00:00:00%2B00:00")
    statements: list[str] = []
    with connection.execute_wrapper(_note_in(statements)):
        answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}.")
    return {
        **_times("ms", lambda: client.get(address)),
        **_times("raw_ms", lambda: _rows(raw)),
        "queries": len(statements),
    }


def _note_in(statements: list[str]) -> Callable[..., Any]:
    def noted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    return noted


def _rows(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, None)
        cursor.fetchall()


def _times(name: str, work: Callable[[], Any]) -> dict[str, float]:
    """Median and least milliseconds; the least is what a busy machine leaves to compare."""
    times = []
    for _ in range(REPEATS):
        started = perf_counter()
        work()
        times.append((perf_counter() - started) * 1000)
    return {name: round(median(times), 1), f"least_{name}": round(min(times), 1)}
