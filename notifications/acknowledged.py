"""Whom nobody need tell: what somebody has acknowledged already."""

from collections.abc import Collection
from datetime import datetime

from runs.acknowledgements import Acknowledgement


def acknowledged(job_ids: Collection[str], signatures: Collection[str], at: datetime) -> set[str]:
    """Those of the jobs and signatures that somebody has acknowledged, and that are not over yet."""
    held = Acknowledgement.objects.acknowledged(job_ids, signatures, at)
    return {each.job_id or each.signature for each in held}
