"""Totals a job and day: what heat maps show, also after the runs themselves are gone."""

from django.db import models

from chronos_site.schema import SeedIndex, cascade
from jobs.models import Job


class JobDay(models.Model):
    """Totals of one job's runs that ended on one day (UTC); they outlive the runs."""

    job = models.ForeignKey(Job, on_delete=cascade, related_name="days", db_index=False)
    day = models.DateField()
    succeeded = models.PositiveIntegerField(default=0, db_default=0)
    failed = models.PositiveIntegerField(default=0, db_default=0)
    timed_out = models.PositiveIntegerField(default=0, db_default=0)
    cancelled = models.PositiveIntegerField(default=0, db_default=0)
    skipped = models.PositiveIntegerField(default=0, db_default=0)
    took_ms = models.BigIntegerField(default=0, db_default=0, help_text="Of those that succeeded, together.")
    slowest_ms = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "job_days"
        constraints = [models.UniqueConstraint(fields=["job", "day"], name="uniq_job_days")]
        indexes = [SeedIndex(fields=["day"], name="idx_job_days_day")]

    def __str__(self) -> str:
        return f"{self.job_id} on {self.day}"
