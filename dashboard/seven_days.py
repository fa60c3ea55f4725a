"""The seven days that the calendar shows: from today on, earlier or later ones."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dashboard import wording

DAYS = 7
WEEK = timedelta(days=DAYS)
# Totals tell of the past; of the far future, schedules tell little that will stay true.
BACK, AHEAD = 12 * WEEK, 8 * WEEK


@dataclass(frozen=True)
class SevenDays:
    """From `first` on, by the viewer's clock; `wrong` says what could not be kept of what was asked."""

    first: date
    today: date
    zone: ZoneInfo
    wrong: str = ""

    @classmethod
    def read(cls, asked: str, at: datetime, zone: ZoneInfo) -> "SevenDays":
        """The days of `2026-12-04`; those from today on for anything that is no day within reach."""
        today = at.astimezone(zone).date()
        if not asked:
            return cls(today, today, zone)
        try:
            first = datetime.strptime(asked, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            sentence = f"“{asked}” is no day. Write the first day to show like {today.isoformat()}."
            return cls(today, today, zone, sentence)
        if not today - BACK <= first <= today + AHEAD:
            return cls(today, today, zone, _out_of_reach(asked, today))
        return cls(first, today, zone)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(DAYS)]

    @property
    def last(self) -> date:
        return self.days[-1]

    @property
    def begin(self) -> datetime:
        """The first midnight."""
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The midnight after the last day."""
        return datetime.combine(self.first + WEEK, time(), self.zone).astimezone(UTC)

    @property
    def from_today(self) -> bool:
        return self.first == self.today

    @property
    def ahead(self) -> bool:
        """They lie in the future as a whole."""
        return self.first > self.today

    @property
    def over(self) -> bool:
        """They lie in the past as a whole."""
        return self.last < self.today

    @property
    def asked(self) -> str:
        """What the address says to come back to them; nothing for those from today on."""
        return "" if self.from_today else self.first.isoformat()

    @property
    def earlier(self) -> str | None:
        """The address's word for the days before; None where the calendar ends."""
        return self._word(max(self.first - WEEK, self.today - BACK))

    @property
    def later(self) -> str | None:
        """The address's word for the days after; None where the calendar ends."""
        return self._word(min(self.first + WEEK, self.today + AHEAD))

    def _word(self, first: date) -> str | None:
        if first == self.first:
            return None
        return "" if first == self.today else first.isoformat()


def _out_of_reach(asked: str, today: date) -> str:
    ends = (today - BACK, today + AHEAD + timedelta(days=DAYS - 1))
    first, last = map(wording.date, ends)
    return f"{asked} is out of reach: the calendar shows the days from {first} to {last}."
