"""How long what ran is kept: the rules. `runs/purge.py` keeps to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit.models import record

LONGEST_DAYS = 36_500


class RetentionRule(models.Model):
    """How long rows of one kind are kept, where somebody has decided otherwise than the product does."""

    subject = models.CharField(max_length=40, unique=True)
    days = models.PositiveIntegerField(null=True, help_text=_("Empty keeps them for ever."))

    class Meta:
        db_table = "retention_rules"

    def __str__(self) -> str:
        return self.subject


@dataclass(frozen=True)
class Subject:
    """One kind of rows, and for how many days it is kept unless somebody decides otherwise.

    It is kept for `least` days in any case.
    """

    code: str
    label: str
    days: int
    least: int = 1


SUBJECTS = {
    subject.code: subject
    for subject in (
        Subject("RUNS_SUCCESS", "Runs that succeeded", 90),
        Subject("RUNS_FAILED", "Runs that failed or timed out", 180),
        Subject("RUNS_CANCELLED", "Runs that were cancelled", 90),
        Subject("RUNS_SKIPPED", "Skipped ticks", 30),
        Subject("LOGS_SUCCESS", "Logs of runs that succeeded or were cancelled", 30),
        Subject("LOGS_FAILED", "Logs of runs that failed or timed out", 90),
        Subject("ARTEFACTS", "Files of runs", 30),
        # The doctor looks for the dead letters of the last week's runs.
        Subject("LETTERS_CLOSED", "Dead letters that were resolved or ignored", 365, least=7),
        Subject("ACKNOWLEDGEMENTS", "Acknowledgements that have ended", 365),
        Subject("TRIALS", "Tests of jobs that were not saved", 7),
        Subject("BULK", "Changes of many jobs at once, and what undoing them needs", 90),
        Subject("PROCESSES", "Schedulers and workers that are gone", 7),
    )
}


def rules() -> dict[str, int | None]:
    """For how many days each subject is kept, by code; None for ever."""
    decided = dict(RetentionRule.objects.values_list("subject", "days"))
    return {code: decided.get(code, subject.days) for code, subject in SUBJECTS.items()}


def cutoffs(kept: Mapping[str, int | None], at: datetime) -> dict[str, datetime]:
    """The instant before which each subject may go; what is kept for ever is left out."""
    return {code: at - timedelta(days=days) for code, days in kept.items() if days is not None}


@transaction.atomic
def change(wanted: Mapping[str, int | None], *, by: User | None, note: str = "") -> list[str]:
    """Keep these subjects for so many days from now on; gives the codes of those that were kept otherwise."""
    before = rules()
    changed = [code for code, days in wanted.items() if before[code] != days]
    for code in changed:
        rule, _ = RetentionRule.objects.update_or_create(subject=code, defaults={"days": wanted[code]})
        told = {"days": (before[code], wanted[code])}
        record(by, "RETENTION_CHANGED", rule, details={"subject": code}, changes=told, note=note)
    return changed
