"""The next fire against a clock that is looked at in every minute, around clock changes of twelve zones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import zones
from jobs.schedules import CRON, Plan, count, fires, next_fire

MINUTE = timedelta(minutes=1)
# As long before as a clock was ever put forward: Apia's day that never was.
LEAD = timedelta(hours=25)
YEARS = datetime(1985, 1, 1), datetime(2037, 1, 1)
ZONES = [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo",
    "Asia/Kathmandu", "Africa/Casablanca", "America/Havana", "America/St_Johns", "Pacific/Chatham",
    "Antarctica/Troll", "Africa/Cairo",
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of an expression: how it is written in either dialect, and what it means."""

    unix: str
    quartz: str
    values: frozenset[int]

    @property
    def star(self):
        return self.unix.startswith("*")


def listed(numbers):
    some = st.frozensets(numbers, min_size=1, max_size=4)
    return some.map(lambda values: Field(comma(values), comma(values), values))


def starred(end):
    steps = st.integers(2, end - 1)
    every = st.just(Field("*", "*", frozenset(range(end))))
    return every | steps.map(lambda n: Field(f"*/{n}", f"0/{n}", frozenset(range(0, end, n))))


def weekdays():
    some = st.frozensets(st.integers(0, 6), min_size=1)
    numbered = some.map(lambda days: Field(comma(days), comma(day + 1 for day in days), days))
    return st.just(Field("*", "?", frozenset(range(7)))) | numbered


minutes = listed(st.integers(0, 59)) | starred(60)


def hours(near=range(24)):
    return listed(st.sampled_from(near)) | starred(24)


instants = st.datetimes(*YEARS, timezones=st.just(UTC))


def comma(numbers):
    return ",".join(map(str, sorted(numbers)))


def written(minute, hour, weekday, quartz):
    if quartz:
        day = "*" if weekday.quartz == "?" else "?"
        return f"0 {minute.quartz} {hour.quartz} {day} * {weekday.quartz}"
    return f"{minute.unix} {hour.unix} * * {weekday.unix}"


@cache
def changes(zone):
    return [shift.at for shift in zones.shifts(ZoneInfo(zone), *(year.replace(tzinfo=UTC) for year in YEARS))]


def looked_at(minute, hour, weekday, zone, after, until):
    """The fires in (after, until]: real instants for a star, else all that the clock has newly reached."""
    instant = (after - LEAD).replace(second=0, microsecond=0)
    reached = instant.astimezone(zone).replace(tzinfo=None)
    while (instant := instant + MINUTE) <= until:
        shown = instant.astimezone(zone).replace(tzinfo=None)
        if minute.star or hour.star:
            new = [shown]
        else:
            new = [reached + number * MINUTE for number in range(1, (shown - reached) // MINUTE + 1)]
            reached = max(reached, shown)
        hit = any(
            wall.minute in minute.values
            and wall.hour in hour.values
            and wall.isoweekday() % 7 in weekday.values
            for wall in new
        )
        if hit and instant > after:
            yield instant


@settings(deadline=None, max_examples=500)
@given(st.data(), minutes, weekdays(), st.booleans(), st.sampled_from(ZONES), st.floats(-3, 3))
def test_the_next_fires_are_those_of_a_clock_looked_at_in_every_minute(
    data, minute, weekday, quartz, name, lead
):
    change = data.draw(st.sampled_from(changes(name)))
    here = change.astimezone(ZoneInfo(name)).hour
    hour = data.draw(hours([number % 24 for number in range(here - 3, here + 4)]))
    after = change + timedelta(hours=lead)
    until = change + timedelta(hours=5)
    plan = Plan(CRON, cron_expression=written(minute, hour, weekday, quartz), timezone=name)
    expected = list(looked_at(minute, hour, weekday, ZoneInfo(name), after, until))
    found = fires(plan, after, len(expected) + 1)
    assert found[:-1] == expected
    assert found[-1] > until
    assert all(before < later for before, later in pairwise([after, *found]))
    assert count(plan, after, until) == len(expected)


@settings(deadline=None)
@given(minutes, hours(), weekdays(), st.booleans(), st.sampled_from(ZONES), instants, st.integers(1, 40))
def test_counting_gives_what_walking_gives(minute, hour, weekday, quartz, name, after, number):
    plan = Plan(CRON, cron_expression=written(minute, hour, weekday, quartz), timezone=name)
    ticks = fires(plan, after, number)
    assert count(plan, after, ticks[-1]) == number
    assert count(plan, after, ticks[-1] - timedelta(microseconds=1)) == number - 1


def test_a_day_that_never_was_fires_nothing_but_what_was_missed():
    noon = Plan(CRON, cron_expression="0 12 30 12 *", timezone="Pacific/Apia")
    assert next_fire(noon, datetime(2011, 12, 29, tzinfo=UTC)) == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_half_an_hour_on_lord_howe_moves_and_doubles_by_half_an_hour():
    plan = Plan(CRON, cron_expression="*/30 1,2 * * *", timezone="Australia/Lord_Howe")
    spring, autumn = datetime(2026, 10, 3, 14, tzinfo=UTC), datetime(2026, 4, 4, 14, tzinfo=UTC)
    told = [f"{tick:%H:%M}" for tick in fires(plan, spring, 3)]
    assert told == ["14:30", "15:00", "15:30"]
    assert [f"{tick:%H:%M}" for tick in fires(plan, autumn, 4)] == ["14:30", "15:00", "15:30", "16:00"]


def test_a_leap_day_fires_in_leap_years_only():
    plan = Plan(CRON, cron_expression="0 0 29 2 *")
    years = [tick.year for tick in fires(plan, datetime(2095, 1, 1, tzinfo=UTC), 3)]
    assert years == [2096, 2104, 2108]


def test_the_calendar_ends_with_the_year_9999():
    plan = Plan(CRON, cron_expression="59 23 31 12 *")
    assert next_fire(plan, datetime(9999, 12, 31, 23, 58, tzinfo=UTC)).year == 9999
    assert next_fire(plan, datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) is None
