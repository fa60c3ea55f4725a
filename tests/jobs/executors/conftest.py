from tests.jobs.executors.files import place  # noqa: F401 (fixture)
