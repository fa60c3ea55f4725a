"""Any two versions of a job side by side, and the way back to an earlier one."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import person
from dashboard import definitions
from dashboard.definitions import Change
from jobs import rights
from jobs.models import Job, JobVersion


@require_safe
def job_versions(request: HttpRequest, job_id: str) -> HttpResponse:
    """What differs from the version `before` to the version `after`; at first, what the last edit changed."""
    user = person(request)
    jobs = Job.objects.visible_to(user).select_related("owner").defer("owner__password")
    job = get_object_or_404(jobs, pk=job_id)
    after = _number(request.GET.get("after", ""), job.version)
    before = _number(request.GET.get("before", ""), max(1, after - 1))
    refusal = rights.refusal(user, job.type)
    context = {"job": job, "compared": Compared.read(job, before, after), "refusal": refusal}
    return render(request, "dashboard/job_detail/versions.html", context)


def _number(typed: str, default: int) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 10 else default


@dataclass(frozen=True)
class Compared:
    """Two versions; None for one that is not kept."""

    job: Job
    numbers: tuple[int, int]
    before: JobVersion | None
    after: JobVersion | None

    @classmethod
    def read(cls, job: Job, before: int, after: int) -> "Compared":
        rows = job.versions.select_related("author").defer("author__password")
        kept = {row.version: row for row in rows.filter(version__in={before, after})}
        return cls(job, (before, after), kept.get(before), kept.get(after))

    @property
    def sides(self) -> list[JobVersion]:
        return [row for row in (self.before, self.after) if row]

    @property
    def is_alone(self) -> bool:
        """Whether there is nothing yet to compare the job's first version with."""
        return self.job.version == 1 and not self.missing

    @property
    def missing(self) -> list[int]:
        """The numbers that no version is kept under."""
        kept = {row.version for row in self.sides}
        return [number for number in dict.fromkeys(self.numbers) if number not in kept]

    @property
    def changes(self) -> list[Change]:
        if self.before is None or self.after is None:
            return []
        return definitions.changes(self.before.definition, self.after.definition)

    @property
    def restorable(self) -> JobVersion | None:
        """The one of them that the job can go back to, where the other one is the current version."""
        if not self.changes or self.job.version not in self.numbers:
            return None
        return self.after if self.numbers[0] == self.job.version else self.before
