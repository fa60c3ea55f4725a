"""The job types: one file each."""

from jobs.executors import dummy, http
from jobs.executors.base import JobType

TYPES: dict[str, JobType] = {each.TYPE.code: each.TYPE for each in (http, dummy)}
