from tests.jobs.executors.files.places import place  # noqa: F401 (fixture)
