from django.db import migrations

from chronos_site.schema import PerDatabase

JOB_SUMMARY = """
CREATE VIEW job_summary AS
SELECT
    j.id,
    j.name,
    j.type,
    j.status,
    j.priority,
    u.email as owner_email,
    js.schedule_type,
    js.run_at,
    js.cron_expression,
    COUNT(jr.id) as total_runs,
    MAX(jr.end_time) as last_run_time,
    AVG(jr.duration_ms) as avg_duration_ms
FROM jobs j
LEFT JOIN users u ON j.owner_id = u.id
LEFT JOIN job_schedules js ON j.id = js.job_id
LEFT JOIN job_runs jr ON j.id = jr.job_id
GROUP BY j.id, j.name, j.type, j.status, j.priority, u.email, js.schedule_type, js.run_at, js.cron_expression
"""

EXECUTION_STATS = """
CREATE VIEW execution_stats AS
SELECT
    DATE(jr.scheduled_time) as execution_date,
    j.type as job_type,
    jr.outcome,
    COUNT(*) as execution_count,
    AVG(jr.duration_ms) as avg_duration_ms,
    MIN(jr.duration_ms) as min_duration_ms,
    MAX(jr.duration_ms) as max_duration_ms
FROM job_runs jr
JOIN jobs j ON jr.job_id = j.id
WHERE jr.end_time IS NOT NULL
GROUP BY DATE(jr.scheduled_time), j.type, jr.outcome
"""

# There a time has no day until one says where: all days are UTC's, whatever the session's time zone.
EXECUTION_STATS_POSTGRESQL = EXECUTION_STATS.replace(
    "DATE(jr.scheduled_time)", "DATE(jr.scheduled_time AT TIME ZONE 'UTC')"
)


def views(execution_stats: str) -> list[tuple[str, str]]:
    return [(JOB_SUMMARY, "DROP VIEW job_summary"), (execution_stats, "DROP VIEW execution_stats")]


class Migration(migrations.Migration):
    """The seed's views."""

    dependencies = [("runs", "0001_initial"), ("jobs", "0002_triggers")]

    operations = [
        PerDatabase(
            {
                "sqlite": views(EXECUTION_STATS),
                "postgresql": views(EXECUTION_STATS_POSTGRESQL),
                "mysql": views(EXECUTION_STATS),
            }
        )
    ]
