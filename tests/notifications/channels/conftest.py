from tests.jobs.executors.test_email import authority, mailbox  # noqa: F401 (fixtures)
