"""Every cron vector, to the second. The files come from other implementations, so they are our oracle."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from jobs.cron import read_quartz, read_unix
from jobs.cron_fields import BadExpression, fields_of
from jobs.schedules import CRON, Plan, check, fires

FOLDER = Path(__file__).parents[1] / "vectors"


def vectors(name, *, valid):
    rows = json.loads((FOLDER / name).read_text())
    return [
        pytest.param(row, id=f"{number}: {row['expression']} {row['timezone']}")
        for number, row in enumerate(rows)
        if row["valid"] is valid
    ]


def spelt(instants):
    return [instant.isoformat().replace("+00:00", "Z") for instant in instants]


@pytest.mark.parametrize(
    "row", vectors("unix_cron.json", valid=True) + vectors("quartz_cron.json", valid=True)
)
def test_an_expression_fires_exactly_when_its_vector_says(row):
    plan = Plan(CRON, cron_expression=row["expression"], timezone=row["timezone"])
    # one more than told where the vector says that there is no more
    count = len(row["fires"]) + row.get("ends", False)
    assert spelt(fires(plan, datetime.fromisoformat(row["start"]), count)) == row["fires"]


@pytest.mark.parametrize("row", vectors("unix_cron.json", valid=True))
def test_what_fires_may_be_saved(row):
    check(Plan(CRON, cron_expression=row["expression"], timezone=row["timezone"]))


@pytest.mark.parametrize("row", vectors("unix_cron.json", valid=False))
def test_what_unix_cron_refuses_is_refused(row):
    with pytest.raises(BadExpression):
        read_unix(fields_of(row["expression"]))


@pytest.mark.parametrize("row", vectors("quartz_cron.json", valid=False))
def test_what_quartz_refuses_is_refused(row):
    with pytest.raises(BadExpression):
        read_quartz(fields_of(row["expression"]))


def test_the_vectors_are_all_there():
    assert len(vectors("unix_cron.json", valid=True)) == 284
    assert len(vectors("quartz_cron.json", valid=True)) == 294
