"""Whom nobody need tell: what somebody has acknowledged already."""

from collections.abc import Collection
from datetime import datetime


def acknowledged(job_ids: Collection[str], signatures: Collection[str], at: datetime) -> set[str]:
    """Those of the jobs and signatures that somebody has acknowledged, and that are not over yet."""
    return set()
