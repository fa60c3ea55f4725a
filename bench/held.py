"""Load that is held: schedules that fire without a pause, workers at work, and people who look on."""

import json
import random
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from threading import Event
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bench import machine, product, rows, servers
from bench.percentiles import percentile

MINUTES, SHARE, READERS, THINK_SECONDS = 10.0, 0.8, 200, 30.0
WORKERS = 2
EACH_SECONDS = 10
# In how many steps the ticks of the jobs are spread over that time.
PHASES = 1000
WARM_SECONDS = 20
SAMPLE_SECONDS = 5
# Within this, all that was due must have ended.
DRAINED_SECONDS = 600
PAGES = ("", "jobs/", "jobs/?last=FAILURE", "runs/", "calendar/", "dead-letters/", "system/", "handover/")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long (default: %(default)s)")
    parser.add_argument("--rate", type=float, help="runs a second (default: the share of what is measured)")
    parser.add_argument(
        "--share", type=float, default=SHARE, help="of the measured throughput (default: %(default)s)"
    )
    parser.add_argument(
        "--readers", type=int, default=READERS, help="people who look on (default: %(default)s)"
    )
    parser.add_argument(
        "--think", type=float, default=THINK_SECONDS,
        help="seconds between two pages of one of them, on average (default: %(default)s)",
    )  # fmt: skip


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Lateness, memory, connections and growth under a steady rate; no `problems` when nothing is lost."""
    limit = None if options.rate else _throughput(options.database, say)
    rate = options.rate or limit * options.share
    with servers.database(options.database) as url:
        product.set_up(url, pages=True)
        from django.db import connection

        load = Load(round(rate * EACH_SECONDS), options.minutes * 60)
        say(f"{load.jobs:,} jobs, {rate:,.0f} runs/s for {options.minutes:g} minutes")
        with (
            product.store(),
            product.engine("scheduler", *["worker"] * WORKERS) as engine,
            product.web() as (web, address),
        ):
            names = [*zip(["scheduler", *["worker"] * WORKERS], engine, strict=True), ("web", web)]
            with readers(address, options.readers, options.think) as seen:
                samples = load.hold(names, say)
            drained = load.drain()
            problems = [*load.lost(), *product.doctor(), *seen.problems]
        return {
            "runs_per_second": round(rate),
            "measured_throughput": limit and round(limit),
            "share": limit and options.share,
            "minutes": options.minutes,
            **load.lateness(),
            "seconds_to_drain": round(drained, 1),
            **seen.told(),
            **_growth(samples, load),
            "problems": problems,
            "database": connection.vendor,
            "load_average": machine.load_average(),
        }


def _throughput(database: str | None, say: Callable[[str], None]) -> float:
    """What `throughput` measures now, in a process of its own."""
    words = [sys.executable, "-m", "bench", "throughput", "--json"]
    done = subprocess.run(
        [*words, *(["--database", database] if database else [])],
        cwd=product.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = float(json.loads(done.stdout.splitlines()[-1])["runs_per_second"])
    say(f"throughput: {found:,.0f} runs/s")
    return found


class Load:
    """Jobs that fire every ten seconds, evenly spread, from a moment ahead until the end."""

    def __init__(self, jobs: int, seconds: float) -> None:
        from chronos_site.clock import database_now

        self.jobs = jobs
        self.begin = database_now() + timedelta(seconds=30 + jobs / 500)
        self.end = self.begin + timedelta(seconds=WARM_SECONDS + seconds)
        every = {"schedule_type": "INTERVAL", "interval_seconds": EACH_SECONDS}
        ids = rows.jobs(jobs, schedules=[every])
        self.ticks = sum(self._arm(phase, ids[phase::PHASES]) for phase in range(PHASES))
        rows.settle_down()
        self.size = _size()

    def _arm(self, phase: int, ids: list[str]) -> int:
        """Place some jobs' grid; gives the number of their ticks."""
        from jobs.models import JobSchedule

        anchor = self.begin + timedelta(seconds=EACH_SECONDS * phase / PHASES)
        first = anchor + timedelta(seconds=EACH_SECONDS)
        JobSchedule.objects.filter(job__in=ids).update(anchor_at=anchor, next_fire_at=first, ends_at=self.end)
        return len(ids) * ((self.end - anchor) // timedelta(seconds=EACH_SECONDS))

    def hold(self, names: list[tuple[str, Any]], say: Callable[[str], None]) -> dict[str, list[float]]:
        """Wait until the end; gives what was seen of processes and database meanwhile."""
        from chronos_site.clock import database_now

        samples: defaultdict[str, list[float]] = defaultdict(list)
        pause = Event()
        while (now := database_now()) < self.end:
            pause.wait(SAMPLE_SECONDS)
            if now < self.begin + timedelta(seconds=WARM_SECONDS):
                continue
            memory: defaultdict[str, float] = defaultdict(float)
            for name, process in names:
                memory[name] += machine.memory_mb(process.pid)
            for name, megabytes in memory.items():
                samples[name].append(megabytes)
            samples["connections"].append(_connections())
            if len(samples["web"]) % 12 == 1:
                say(f"{(now - self.begin).total_seconds():5.0f} s: {_waiting()} runs due and waiting")
        return samples

    def drain(self) -> float:
        """Seconds after the end until each tick has fired and nothing is open any more."""
        from jobs.models import JobSchedule
        from runs.models import Run

        def is_over() -> bool:
            to_fire = JobSchedule.objects.exclude(next_fire_at=None)
            return not to_fire.exists() and not Run.objects.active().exists()

        began = monotonic()
        product.wait_for("the last run", is_over, seconds=DRAINED_SECONDS, pause=0.2)
        return monotonic() - began

    def lost(self) -> list[str]:
        """Ticks without a row, and rows without a tick."""
        from django.db.models import F, Sum, Value
        from django.db.models.functions import Coalesce

        from runs.models import Run, Trigger

        first_attempts = Run.objects.filter(trigger=Trigger.SCHEDULE, attempt=1)
        told = first_attempts.aggregate(ticks=Sum(Coalesce(F("skipped_count"), Value(1))))["ticks"]
        return [] if told == self.ticks else [f"{self.ticks} ticks were due, the rows tell of {told}."]

    def lateness(self) -> dict[str, Any]:
        """Milliseconds from a tick to the beginning of its run, of those after the warm-up."""
        from django.db.models import F

        from runs.models import Run

        warm = self.begin + timedelta(seconds=WARM_SECONDS)
        started = Run.objects.filter(scheduled_time__gte=warm, skipped_count=None)
        found = started.exclude(start_time=None).values_list(F("start_time") - F("scheduled_time"), flat=True)
        late = [each.total_seconds() * 1000 for each in found.iterator(chunk_size=20_000)]
        return {
            "runs": len(late),
            "late_p50_ms": round(median(late)),
            "late_p99_ms": round(percentile(late, 99)),
            "late_max_ms": round(max(late)),
            "skipped": Run.objects.exclude(skipped_count=None).count(),
        }


class Readers:
    """What people saw who open one page after the other."""

    def __init__(self, address: str, think: float) -> None:
        self.address, self.think = address, think
        self.stop = Event()
        self.times: list[float] = []
        self.answers: Counter[str] = Counter()

    def read(self, cookies: Any, number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        person = requests.Session()
        # As a browser does: a connection that was closed while it was idle costs a second try.
        person.mount(self.address, HTTPAdapter(max_retries=1))
        person.cookies.update(cookies)
        while not self.stop.wait(chance.expovariate(1 / self.think)):
            began = monotonic()
            try:
                answer = person.get(self.address + chance.choice(PAGES), timeout=60)
            except requests.RequestException as error:
                self.answers[type(error).__name__] += 1
                continue
            self.answers["200" if answer.ok and not answer.history else str(answer.status_code)] += 1
            self.times.append((monotonic() - began) * 1000)

    @property
    def problems(self) -> list[str]:
        return [f"{count} pages: {what}" for what, count in self.answers.items() if what != "200"]

    def told(self) -> dict[str, Any]:
        return {
            "pages": len(self.times),
            "page_p50_ms": round(percentile(self.times, 50)),
            "page_p95_ms": round(percentile(self.times, 95)),
        }


@contextmanager
def readers(address: str, count: int, think: float) -> Iterator[Readers]:
    """So many people, signed in, each in a thread."""
    cookies = product.signed_in(rows.OWNER).cookies
    seen = Readers(address, think)
    with ThreadPoolExecutor(max(1, count)) as threads:
        for number in range(count):
            threads.submit(seen.read, cookies, number)
        try:
            yield seen
        finally:
            seen.stop.set()


def _size() -> int:
    """Bytes of the database."""
    from django.db import connection

    question = {
        "postgresql": "SELECT pg_database_size(current_database())",
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(question)
        return int(cursor.fetchone()[0])


def _connections() -> int:
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _waiting() -> int:
    from chronos_site.clock import database_now
    from runs.models import Run

    return int(Run.objects.pending().filter(available_at__lte=database_now()).count())


def _growth(samples: dict[str, list[float]], load: Load) -> dict[str, Any]:
    """Memory of the first and of the last minute, the most connections, bytes a run."""
    from runs.models import Run

    minute = max(1, 60 // SAMPLE_SECONDS)
    memory = {
        name: [round(median(seen[:minute])), round(median(seen[-minute:]))]
        for name, seen in samples.items()
        if name != "connections"
    }
    return {
        "memory_mb_first_and_last_minute": memory,
        "most_connections": max(samples["connections"]),
        "bytes_per_run": round((_size() - load.size) / Run.objects.count()),
    }
