"""Plain-language readings: the short forms people like, and never a wrong word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cron import BadExpression, read
from jobs.cron_reading import length, listed, reading


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("30 2 * * *", "At 02:30 every day, Berlin"),
        ("0 30 2 * * ?", "At 02:30 every day, Berlin"),
        ("15 30 2 * * ?", "At 02:30:15 every day, Berlin"),
        ("0 8,12,18 * * *", "At 08:00, 12:00 and 18:00 every day, Berlin"),
        ("* * * * *", "Every 1 min"),
        ("*/5 * * * *", "Every 5 min"),
        ("0 0/15 * * * ?", "Every 15 min"),
        ("2-59/5 * * * *", "Every 5 min from :02"),
        ("*/10 * * * * ?", "Every 10 s"),
        ("@hourly", "Hourly at :00"),
        ("0 5 * * * ?", "Hourly at :05"),
        ("5,20,50 * * * *", "Hourly at :05, :20 and :50"),
        ("0 */4 * * *", "Every 4 h, Berlin"),
        ("30 1-23/2 * * *", "Every 2 h from 01:30, Berlin"),
        ("0 0/20 6-22 * * ?", "Every 20 min, 06:00 to 22:40, Berlin"),
        ("0 9-17 * * 1-5", "Hourly, 09:00 to 17:00, Monday to Friday, Berlin"),
        ("*/7 * * * *", "At minutes 0, 7, 14 … 56 of every hour, every day, Berlin"),
        ("0 5 * * 1", "Mondays at 05:00, Berlin"),
        ("0 0 5 ? * 2", "Mondays at 05:00, Berlin"),
        ("0 2 * * sat", "Saturdays at 02:00, Berlin"),
        ("0 0 * * 0,3,5,6", "Wednesdays, Fridays, Saturdays and Sundays at 00:00, Berlin"),
        ("0 6 1 * *", "1st of the month at 06:00, Berlin"),
        ("0 0 1-7 * *", "1st to 7th of the month at 00:00, Berlin"),
        ("0 0 1-7,15 * *", "1st to 7th and 15th of the month at 00:00, Berlin"),
        ("0 0 12 1/5 * ?", "1st, 6th, 11th … 31st of the month at 12:00, Berlin"),
        ("0 0 L * *", "Last day of the month at 00:00, Berlin"),
        ("0 0 12 L-1 * ?", "1 day before the last day of the month at 12:00, Berlin"),
        ("0 0 12 LW * ?", "Last weekday (Monday to Friday) of the month at 12:00, Berlin"),
        ("0 0 12 15W * ?", "Weekday (Monday to Friday) nearest the 15th of the month at 12:00, Berlin"),
        ("0 0 12 ? * 6L", "Last Friday of the month at 12:00, Berlin"),
        ("0 0 12 ? * 6#3", "3rd Friday of the month at 12:00, Berlin"),
        ("0 0 12 ? * L", "Saturdays at 12:00, Berlin"),
        ("0 3 29 2 *", "29 February at 03:00, Berlin"),
        ("0 0 1 */3 *", "1st of the month in January, April, July and October at 00:00, Berlin"),
        ("0 15 10 * * ? 2026-2029", "At 10:15 every day in 2026 to 2029, Berlin"),
        ("0 0 13 * 5", "13th of the month and also Fridays at 00:00, Berlin"),
        ("0 0 13 1 5", "13th of the month and also Fridays, only in January at 00:00, Berlin"),
        ("0 0 */13 * 5", "Fridays falling on the 1st, 14th and 27th of the month at 00:00, Berlin"),
        (
            "15,45 12-14 4,6 ? * 5#2",
            "At seconds 15 and 45 of minutes 12 to 14 of hours 4 and 6, 2nd Thursday of the month, Berlin",
        ),
    ],
)
def test_an_expression_reads_as_people_would_say_it(expression, words):
    assert reading(read(expression), "Berlin") == words


def test_the_place_is_told_where_its_clock_is_half_an_hour_off():
    assert reading(read("5 * * * *"), "Kolkata", whole_hours=False) == "Hourly at :05, Kolkata"
    assert reading(read("*/5 * * * *"), "Kolkata", whole_hours=False) == "Every 5 min"


numbers = st.sets(st.integers(1, 6), min_size=1).map(lambda some: ",".join(map(str, some)))
term = st.one_of(
    st.just("*"),
    numbers,
    st.integers(2, 20).map("*/{}".format),
    st.just("1-5"),
    st.integers(1, 3).map("{}/2".format),
)
day = st.one_of(term, st.sampled_from(["L", "LW", "L-1", "L-2W", "1W", "15W", "1,L"]))
weekday = st.one_of(term, st.sampled_from(["5L", "1#1", "0", "7", "0,6", "1#1,5L"]))
expressions = st.tuples(term, term, day, term, weekday).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(st.lists(expressions, min_size=2, max_size=12, unique=True))
def test_what_reads_the_same_allows_the_same(some):
    """A reading fits one meaning only, so that it cannot be wrong for one of two expressions."""
    meanings = {}
    for expression in some:
        try:
            cron = read(expression)
        except BadExpression:
            continue
        days = tuple(
            tuple(sorted(cron.days_of(year, month))) for year in (2026, 2028) for month in cron.months
        )
        meaning = (cron.seconds, cron.minutes, cron.hours, cron.months, days)
        assert meanings.setdefault(reading(cron, "Berlin"), meaning) == meaning


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 s"),
        (90, "1 min 30 s"),
        (300, "5 min"),
        (7200, "2 h"),
        (86400, "24 h"),
        (172800, "2 d"),
        (90061, "25 h 1 min 1 s"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_units(seconds, words):
    assert length(seconds) == words


def test_words_are_listed_as_people_list_them():
    assert [listed(["a", "b", "c"][:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
