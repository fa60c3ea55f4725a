"""Bells: what tells RQ that there is due work. They carry none."""

from rq.job import Job


class Bell(Job):
    """The only RQ job Chronos knows."""
