"""The time zone in which a person reads pages; it never changes what a job does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from jobs import zones

COOKIE = "chronos_tz"
# Written by js/ui.js, so that the server knows what the browser calls its own zone.
BROWSER_COOKIE = "chronos_browser_tz"
BROWSER, JOB, UTC = "browser", "job", "UTC"
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class ViewerZone:
    """What a person chose: "browser", "job" or a zone's name; `browser` is the browser's own zone."""

    choice: str = UTC
    browser: str = ""

    @classmethod
    def read(cls, cookies: Mapping[str, str], kept: str = "") -> "ViewerZone":
        """The choice kept with the person, else the one that the cookies tell; UTC when it makes no sense."""
        browser = cookies.get(BROWSER_COOKIE, "")
        browser = browser if browser in zones.names() else ""
        choice = kept or cookies.get(COOKIE, UTC)
        known = choice == JOB or (choice == BROWSER and browser) or choice in zones.names()
        return cls(choice if known else UTC, browser)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times that belong to no job."""
        return zones.zone({BROWSER: self.browser, JOB: UTC}.get(self.choice, self.choice))

    @property
    def label(self) -> str:
        """Berlin, UTC, Job's own."""
        return "Job's own" if self.choice == JOB else zones.label(self.zone.key)

    @property
    def choices(self) -> Iterator[Choice]:
        """What the menu offers; any other zone is a page away."""
        if self.browser and zones.label(self.browser) != UTC:
            yield Choice(BROWSER, f"{self.browser} (browser)")
        yield Choice(UTC, "UTC")
        yield Choice(JOB, "Each job's own zone")
        if self.choice not in (BROWSER, UTC, JOB):
            yield Choice(self.choice, self.choice)


def viewer_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: show times in the zone that the viewer chose; `request.viewer_zone` tells which."""

    def answer(request: HttpRequest) -> HttpResponse:
        viewer = ViewerZone.read(request.COOKIES, getattr(request.user, "time_zone", ""))
        request.viewer_zone = viewer  # type: ignore[attr-defined]
        with timezone.override(viewer.zone):
            return get_response(request)

    return answer
