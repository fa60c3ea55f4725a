"""What fires next: the coming fires of many jobs in one list, and the same for other people's calendars."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import User
from chronos_site import hostile
from dashboard import wording
from dashboard.due import DueJob
from dashboard.filters import plain
from jobs.models import JobSchedule, Type
from jobs.schedules import BadSchedule, next_fire

MOST = 200
LINE_BYTES = 73
# Whoever subscribes is shown so much of the time that a run will take.
SHOWN_AS = "PT5M"
OVERDUE = timedelta(minutes=1)


@dataclass(frozen=True)
class Fire:
    at: datetime
    job: DueJob


@dataclass(frozen=True)
class Conditions:
    """Which jobs' fires are asked for; what makes no sense is left out."""

    type: str = ""
    tag: str = ""
    job: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Conditions":
        type_code = query.get("type", "")
        known = type_code if type_code in Type.values else ""
        return cls(known, plain(query.get("tag", "")).lower(), plain(query.get("job", "")))

    @property
    def address(self) -> str:
        asked = {"type": self.type, "tag": self.tag, "job": self.job}
        return urlencode({name: value for name, value in asked.items() if value})

    def schedules(self, user: User) -> Sequence[DueJob]:
        """The armed schedules that fire soonest, one more than are shown."""
        armed = JobSchedule.objects.filter(next_fire_at__isnull=False).order_by("next_fire_at")
        if not user.is_operator:
            armed = armed.filter(job__owner=user)
        if self.type:
            armed = armed.filter(job__type=self.type)
        if self.tag:
            armed = armed.filter(job__tags__name=self.tag)
        if self.job:
            armed = armed.filter(job=self.job)
        columns = ["job__name" if name == "job_name" else name for name in DueJob._fields]
        return [DueJob(*row) for row in armed.values_list(*columns)[: MOST + 1]]


def fires(schedules: Sequence[DueJob], at: datetime) -> list[Fire]:
    """The next fires, soonest first, at most `MOST`; the ticks of one job stand among those of the others."""
    ahead = [(each.next_fire_at, n) for n, each in enumerate(schedules) if each.next_fire_at > at - OVERDUE]
    heapq.heapify(ahead)
    # Beyond the last schedule that was read there are fires that nobody here knows of.
    known_until = schedules[-1].next_fire_at if len(schedules) > MOST else None
    found: list[Fire] = []
    while ahead and len(found) < MOST:
        tick, n = heapq.heappop(ahead)
        if known_until and tick > known_until:
            break
        found.append(Fire(tick, schedules[n]))
        if following := _after(schedules[n], tick):
            heapq.heappush(ahead, (following, n))
    return found


def _after(job: DueJob, tick: datetime) -> datetime | None:
    try:
        return next_fire(job.plan, tick)
    except BadSchedule:
        return None


def icalendar(found: Sequence[Fire], at: datetime, site: str) -> str:
    """The fires as RFC 5545 has them; `site` is the address in front of a job's own."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Chronos//Upcoming fires//EN"]
    for fire in found:
        lines += _event(fire, at, site)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _folded(line))


def _event(fire: Fire, at: datetime, site: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{fire.job.job_id}-{_stamp(fire.at)}@chronos",
        f"DTSTAMP:{_stamp(at)}",
        f"DTSTART:{_stamp(fire.at)}",
        f"DURATION:{SHOWN_AS}",
        f"SUMMARY:{_text(fire.job.job_name)}",
        f"URL:{site}/jobs/{fire.job.job_id}/",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _stamp(instant: datetime) -> str:
    return wording.iso(instant).replace("-", "").replace(":", "")


def _text(text: str) -> str:
    line = hostile.visible(wording.first_line(text))
    for special in "\\;,":
        line = line.replace(special, f"\\{special}")
    return line


def _folded(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 bytes, the later ones after a blank."""
    piece, size = "", 0
    for character in line:
        size += len(character.encode())
        if size > LINE_BYTES:
            yield piece
            piece, size = " ", 1 + len(character.encode())
        piece += character
    yield piece
