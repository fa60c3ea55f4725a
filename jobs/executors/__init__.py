"""The job types: one file each."""

from jobs.executors import (
    cache,
    database,
    db_to_kafka,
    dummy,
    email,
    file_system,
    http,
    message_queue,
    report,
    script,
)
from jobs.executors.base import JobType

# In the order in which they are offered.
TYPES: dict[str, JobType] = {
    each.TYPE.code: each.TYPE
    for each in (
        http,
        database,
        file_system,
        message_queue,
        cache,
        email,
        report,
        script,
        dummy,
        db_to_kafka,
    )
}
