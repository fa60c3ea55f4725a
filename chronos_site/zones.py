"""The time zone in which a person reads pages; it never changes what a job does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

COOKIE = "tz"
# Set by js/ui.js, so that the server knows what the browser calls its own zone.
BROWSER_COOKIE = "browser_tz"
BROWSER, JOB, UTC = "browser", "job", "UTC"
YEAR = 365 * 24 * 3600


_REGIONS = set("Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split())


@cache
def known() -> frozenset[str]:
    """The names that people may choose: places, not the database's internals and offsets."""
    return frozenset({UTC, *(name for name in available_timezones() if name.partition("/")[0] in _REGIONS)})


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class ViewerZone:
    """What a person chose: `choice` is "browser", "job", "UTC" or a zone's name."""

    choice: str = UTC
    browser: str = ""

    @classmethod
    def read(cls, cookies: Mapping[str, str]) -> "ViewerZone":
        """The choice that the cookies tell; UTC when they make no sense."""
        browser = cookies.get(BROWSER_COOKIE, "")
        browser = browser if browser in known() else ""
        choice = cookies.get(COOKIE, UTC)
        if choice == JOB or choice in known() or (choice == BROWSER and browser):
            return cls(choice, browser)
        return cls(UTC, browser)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times that belong to no job."""
        name = {BROWSER: self.browser, JOB: UTC}.get(self.choice, self.choice)
        return ZoneInfo(name)

    @property
    def label(self) -> str:
        """Berlin, UTC, Job's own."""
        return "Job's own" if self.choice == JOB else place(self.zone.key)

    @property
    def choices(self) -> Iterator[Choice]:
        if self.browser:
            yield Choice(BROWSER, f"{self.browser} (browser)")
        yield Choice(UTC, "UTC")
        yield Choice(JOB, "Each job's own zone")
        if self.choice not in (BROWSER, UTC, JOB):
            yield Choice(self.choice, self.choice)


def place(name: str) -> str:
    """Europe/Berlin is Berlin to those who live there."""
    return name.rpartition("/")[2].replace("_", " ")
