"""Rows by plain SQL, with nothing but what the schema asks for."""

from django.db import connection

JOB = "01HZY0000000000000000000J1"
RUN = "01HZY0000000000000000000R1"
DEAD_LETTER = "01HZY0000000000000000000D1"

_ALICE = "WHERE email = 'alice@example.com'"
_ROWS = [
    "INSERT INTO users (email, password) VALUES ('alice@example.com', '!')",
    f"INSERT INTO jobs (id, owner_id, name, type) SELECT '{JOB}', id, 'nightly', 'HTTP' FROM users {_ALICE}",
    f"""INSERT INTO job_schedules (job_id, schedule_type, run_at, cron_expression, interval_seconds)
        VALUES ('{JOB}', 'INTERVAL', '2026-03-02 23:30:00', '* * * * *', 60)""",
    f"INSERT INTO job_payloads (job_id, type, http_url) VALUES ('{JOB}', 'HTTP', 'http://127.0.0.1/')",
    f"INSERT INTO retry_policies (job_id) VALUES ('{JOB}')",
    f"""INSERT INTO job_runs (id, job_id, scheduled_time, end_time, outcome, duration_ms)
        VALUES ('{RUN}', '{JOB}', '2026-03-02 23:30:00', '2026-03-02 23:30:01', 'SUCCESS', 1000)""",
    f"INSERT INTO job_run_logs (run_id, message) VALUES ('{RUN}', 'done')",
    f"""INSERT INTO dlq_events (id, job_id, run_id, failure_reason)
        VALUES ('{DEAD_LETTER}', '{JOB}', '{RUN}', 'no')""",
    f"""INSERT INTO notifications (user_id, job_id, channel, target, template_code)
        SELECT id, '{JOB}', 'EMAIL', email, 'job_failed' FROM users {_ALICE}""",
    f"""INSERT INTO notification_targets (id, owner_id, name, channel, address, settings, token, shared,
        enabled, last_error, failures_in_a_row)
        SELECT '01HZYC', id, 'mail', 'EMAIL', email, '{{}}', '', FALSE, TRUE, '', 0 FROM users {_ALICE}""",
    f"""INSERT INTO notification_rules (id, name, owner_id, scope, tag, events, after_failures, group_seconds,
        zone, urgent_breaks_through, digest, enabled)
        SELECT '01HZYR', 'all', id, 'ALL', '', '[]', 1, 30, 'UTC', TRUE, '', TRUE FROM users {_ALICE}""",
    f"INSERT INTO acknowledgements (id, job_id, open_for) VALUES ('01HZYK', '{JOB}', 'job {JOB}')",
    "INSERT INTO audit_events (id, entity_type, entity_id, action) VALUES ('01HZYA', 'Job', 'x', 'MADE')",
]


def sql(statement: str) -> list[tuple]:
    """What the statement gives, by the bare connection."""
    with connection.cursor() as cursor:
        cursor.execute(statement, None)
        return list(cursor.fetchall()) if cursor.description else []


def one_everywhere() -> None:
    """A row in each of the seed's tables, and in those of ours that have a CHECK, hanging together."""
    for statement in _ROWS:
        sql(statement)


def count(table: str) -> int:
    return sql(f"SELECT COUNT(*) FROM {table}")[0][0]
