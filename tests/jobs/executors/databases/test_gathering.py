import csv
import io
import json
from collections import UserString
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from jobs.executors.databases.gathering import RESULT_LIMIT, gather, plain
from jobs.executors.databases.session import Answer

MOMENT = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (2**63, "9223372036854775808"),
        (float("inf"), "inf"),
        ("a\0b", "a\ufffdb"),
        (Decimal("1.50"), "1.50"),
        (MOMENT, "2026-11-26T12:00:00+00:00"),
        (date(2026, 11, 26), "2026-11-26"),
        (time(12, 30), "12:30:00"),
        (timedelta(days=1), "1 day, 0:00:00"),
        (b"text", "text"),
        (b"\x00\xff", "0x00ff"),
        ({1: [Decimal(1), {"a": MOMENT}]}, {"1": ["1", {"a": "2026-11-26T12:00:00+00:00"}]}),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (UserString("other"), "other"),
    ],
)
def test_every_value_becomes_one_of_json(value, shown):
    assert plain(value) == shown
    json.dumps(plain(value), allow_nan=False)


def test_a_long_value_is_cut():
    found = gather(Answer(["a"], iter([("x" * 6_000,)])), most=1)
    assert found.rows[0][0].endswith("x… (6,000 characters)")


def test_a_thousand_columns_fit_too():
    row = ("x" * 100,) * 5_000
    data = gather(Answer([f"column_{number}" for number in range(5_000)], iter([row])), most=1).data(1)
    assert len(json.dumps(data)) < RESULT_LIMIT + 20_000
    assert data["cut"] == "the first 0 are shown"


def kept(columns, row, kind):
    return gather(Answer(columns, iter([row])), most=1, keep=kind, room=1_000).file.content.decode()


def test_no_column_of_the_file_hides_another():
    written = kept(["a", "a", "a_2", "a_2"], (1, 2, 3, 4), "JSON")
    assert sorted(json.loads(written)[0].values()) == [1, 2, 3, 4]


@pytest.mark.parametrize("text", ["=1", " =1", "\t=1", "\n=1", "＝1", "@a"])  # noqa: RUF001 (a wide one)
def test_no_text_of_the_file_is_a_formula(text):
    (cell,) = list(csv.reader(io.StringIO(kept(["a"], (text,), "CSV"), newline="")))[1]
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [(";=1", ";'=1"), ("a; @b;c", "a; '@b;c"), ("a\n=1", "a\n'=1"), ("a;b\nc = 1; d-1", "a;b\nc = 1; d-1")],
)
def test_no_text_becomes_a_formula_where_semicolons_separate_cells(text, cell):
    assert list(csv.reader(io.StringIO(kept(["a"], (text,), "CSV"), newline="")))[1] == [cell]
