"""The dialects: what an expression allows, and the sentence that refuses a bad one."""

import random
import string
import time
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cron import BadExpression, read
from tests.computing import at_most


def walls(expression, after, count):
    matcher, found = read(expression), []
    while len(found) < count and (after := matcher.next_wall(after)):
        found.append(f"{after:%Y-%m-%d %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "Give a cron expression, such as 30 2 * * * for every day at 02:30."),
        ("0 25 * * *", "Hour: 25 is not between 0 and 23."),
        ("60 * * * *", "Minute: 60 is not between 0 and 59."),
        ("0 0 * * 8", "Day of week: 8 is not between 0 and 7."),
        ("0 0 0 ? * 0", "Day of week: 0 is not between 1 and 7."),
        ("0 0 0 1 1 ? 1969", "Year: 1969 is not between 1970 and 2099."),
        ("*/0 * * * *", "Minute: the step in */0 must be at least 1."),
        ("0 0/60 * * * ?", "Minute: the step in 0/60 is larger than 59."),
        ("5-1 * * * *", "Minute: the range 5-1 runs backwards."),
        ("1,,2 * * * *", "Minute: a value is missing beside a comma."),
        ("H * * * *", "Minute: H (a value spread by the scheduler) is not supported; give a number."),
        ("0 H(0-7) * * *", "Hour: H (a value spread by the scheduler) is not supported; give a number."),
        ("R * * * *", "Minute: R (a random value) is not supported; give a number."),
        ("0 12 ? * 1", "Day of month: ? belongs to expressions of six or seven fields; write * here."),
        ("0 ? 12 * * ?", "Minute: ? may only stand alone in the day of month or the day of week."),
        ("0 0 12 ? * ?", "Day of month and day of week cannot both be ?; write * in one of them."),
        (
            "0 0 12 L,15 * ?",
            "Day of month: with six or seven fields, L, W and # stand alone, not in a list (L,15).",
        ),
        ("0 0 12 L-31 * ?", "Day of month: L-31 reaches past the start of every month."),
        ("0 0 * * L", "Day of week: L needs a day before it, as in 5L for the last Friday."),
        ("0 0 * * 1#6", "Day of week: 1#6 needs a number from 1 to 5 after the #."),
        ("@reboot", "@reboot is not a time; the short forms are"),
        ("0 0 30 2 *", "Day of month: none of the months given has such a day, so this never fires."),
        ("* * * * *\n* * * * *", "'\\n' does not belong in a cron expression."),
        ("\u0660 \u0660 * * *", "'\\u0660' does not belong in a cron expression."),
        ("0 0 * * *\0", "'\\x00' does not belong in a cron expression."),
        ("* * * *", "this has 4."),
        ("* " * 200, "A cron expression has at most 255 characters; this has more."),
    ],
)
def test_a_bad_expression_is_refused_with_a_sentence_that_names_the_field(expression, sentence):
    with pytest.raises(BadExpression) as refused:
        read(expression)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"),
    ],
)  # fmt: skip
def test_a_short_form_means_its_expression(short, long):
    after = datetime(2026, 5, 13, 7, 30)
    assert walls(short, after, 3) == walls(long, after, 3)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 13 * 5", ["2026-05-01 00:00:00", "2026-05-08 00:00:00", "2026-05-13 00:00:00"]),  # either
        (
            "0 0 */13 * 5",
            ["2026-05-01 00:00:00", "2026-08-14 00:00:00", "2026-11-27 00:00:00"],
        ),  # a star: both
        ("0 0 13 * */5", ["2026-09-13 00:00:00", "2026-11-13 00:00:00", "2026-12-13 00:00:00"]),
        ("0 0 * * 7", ["2026-05-03 00:00:00", "2026-05-10 00:00:00", "2026-05-17 00:00:00"]),
        ("0 0 * JUN sat", ["2026-06-06 00:00:00", "2026-06-13 00:00:00", "2026-06-20 00:00:00"]),
        ("5-5 0 1 1 *", ["2027-01-01 00:05:00", "2028-01-01 00:05:00", "2029-01-01 00:05:00"]),
        ("0 0 0 ? * 1", ["2026-05-03 00:00:00", "2026-05-10 00:00:00", "2026-05-17 00:00:00"]),  # 1 = Sunday
        (
            "0 0 0 ? * L",
            ["2026-05-02 00:00:00", "2026-05-09 00:00:00", "2026-05-16 00:00:00"],
        ),  # L = Saturday
        ("0 0 0 ? * FRIL", ["2026-05-29 00:00:00", "2026-06-26 00:00:00", "2026-07-31 00:00:00"]),
        ("0 0 0 L-3W * ?", ["2026-05-28 00:00:00", "2026-06-26 00:00:00", "2026-07-28 00:00:00"]),
        ("0 0 0 1 * *", ["2026-05-01 00:00:00", "2026-06-01 00:00:00", "2026-07-01 00:00:00"]),  # * for ?
        ("0 0 0 1 1 ? 2098/1", ["2098-01-01 00:00:00", "2099-01-01 00:00:00"]),
        ("0 0 0 1 1 ? 1970-2099", ["2027-01-01 00:00:00", "2028-01-01 00:00:00", "2029-01-01 00:00:00"]),
    ],
)
def test_the_days_follow_the_dialect(expression, expected):
    assert walls(expression, datetime(2026, 4, 30, 12), 3) == expected


def test_the_last_year_that_quartz_knows_ends_the_expression():
    assert walls("0 0 0 1 1 ? 1970-2099", datetime(2099, 1, 1), 1) == []


def test_the_calendar_ends_with_the_year_9999():
    assert walls("0 0 * * 1", datetime(9999, 12, 20), 2) == ["9999-12-27 00:00:00"]
    # croniter looks for the first of January 10000 before it looks for Mondays
    assert walls("0 0 1 * 1", datetime(9999, 12, 1, 12), 1) == ["9999-12-06 00:00:00"]


def test_a_leap_day_on_a_monday_is_found_far_ahead():
    assert walls("0 0 29 2 */8,1", datetime(2026, 1, 1), 2) == ["2032-02-29 00:00:00", "2044-02-29 00:00:00"]
    assert walls("0 0 29 2 */7", datetime(2088, 3, 1), 1) == ["2128-02-29 00:00:00"]


days = st.integers(1, 31)
months = st.sets(st.integers(1, 12), min_size=1)


@settings(deadline=None)
@given(
    st.sets(days, min_size=1), months, st.sets(st.integers(0, 6), min_size=1), st.booleans(),
    st.dates(date(1970, 1, 1), date(2100, 1, 1)),
)  # fmt: skip
def test_croniter_and_our_own_calendar_agree_on_plain_days(in_month, in_year, in_week, star, first):
    lists = [",".join(map(str, sorted(values))) for values in (in_month, in_year, in_week)]
    day, month, weekday = lists
    try:
        matcher = read(f"0 0 {'*,' * star}{day} {month} {weekday}")
    except BadExpression:
        assert not star
        return
    assert matcher._day_by_croniter(first) == matcher._day_by_months(first)


@settings(deadline=None)
@given(st.text(max_size=300) | st.text("0123456789*/,-?LW#HR@ \t", max_size=60))
def test_whatever_is_typed_is_read_or_refused_with_a_sentence(text):
    try:
        read(text)
    except BadExpression as refused:
        sentence = str(refused)
    else:
        sentence = "It can be read."
    assert sentence.endswith(".")
    assert sentence.isprintable()


@pytest.mark.parametrize("hostile", ["*" * 10_000_000, "9" * 255, "1," * 127, "*/0" + "0" * 240 + " * * * *"])
def test_a_hostile_expression_is_refused_within_a_tenth_of_a_second(hostile):
    with at_most(0.1), pytest.raises(BadExpression):
        read(hostile)


def test_a_well_formed_expression_costs_far_less_than_a_millisecond():
    spread = random.Random(1)
    expressions = [
        "30 2 * * *",
        "*/5 * * * *",
        "0 9 * * 1-5",
        "0 0/20 6-22 * * ?",
        "0 0 12 LW * ?",
        "0 0 29 2 *",
    ]
    at = datetime(2026, 1, 1)
    began = time.perf_counter()
    for _ in range(2000):
        read(spread.choice(expressions)).next_wall(at + timedelta(minutes=spread.randrange(525600)))
    assert (time.perf_counter() - began) / 2000 < 0.001


@pytest.mark.parametrize("letter", string.ascii_letters)
def test_a_letter_is_no_minute(letter):
    with pytest.raises(BadExpression, match=r"^Minute: "):
        read(f"{letter} * * * *")
