from django.db import models


class Run(models.Model):
    """One run of a job: what any dashboard would show."""

    job = models.CharField(max_length=100)
    state = models.CharField(max_length=12, db_index=True)
    queued_at = models.DateTimeField(null=True, db_index=True)
    claimed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.job} {self.state}"


class Log(models.Model):
    run = models.ForeignKey(Run, models.CASCADE)
    at = models.DateTimeField()
    line = models.TextField()

    def __str__(self) -> str:
        return self.line
