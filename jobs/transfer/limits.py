"""What a file of job requests may hold at most."""

SIZE_LIMIT = 5_000_000
DEPTH_LIMIT = 40
# A few aliases in a small YAML file can stand for billions of values.
VALUES_LIMIT = 300_000
REQUESTS_LIMIT = 5_000
# As many as one answer of a web process may wait for.
AT_ONCE_LIMIT = 500
TOO_DEEP = f"The file is nested deeper than {DEPTH_LIMIT} levels."


class Unreadable(ValueError):
    """A file that holds no job requests that can be read; its text is a sentence."""
