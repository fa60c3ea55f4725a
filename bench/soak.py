"""The whole product as `make run` starts it, at work for an hour: every tick, its memory, its lateness."""

import os
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import requests
from dotenv import dotenv_values

from bench import machine, product, servers
from bench.accounts import Account, account
from bench.percentiles import percentile

MINUTES = 60.0
JOBS = 200
SAMPLES = 360
PAGES = ("/", "/jobs/", "/runs/")
OWNER = "admin@example.com"
START_SECONDS = 120
# What is late this long after a restart is the restart's doing.
CATCH_UP = timedelta(seconds=5)
# Within this everything that is due must be accounted for.
HEALED_SECONDS = 60
# Until then a process may not even have had work; a soak with shorter halves says nothing about memory.
WARM_SECONDS = 60
# A process has grown when its last third lies above its second by more than this.
GROWTH, GROWTH_MB = 1.10, 10.0

_INTERVALS = (1, 2, 3, 5, 7, 10, 20, 30, 60, 90, 300, 600)
_EXPRESSIONS = ("* * * * * ?", "*/2 * * * * ?", "*/5 * * * * ?", "7/15 * * * * ?", "0 * * * * ?",
                "* * * * *", "*/3 * * * *", "*/10 * * * *")  # fmt: skip
_PLANS: list[dict[str, Any]] = [
    *({"schedule_type": "INTERVAL", "interval_seconds": seconds} for seconds in _INTERVALS),
    *({"schedule_type": "CRON", "cron_expression": expression} for expression in _EXPRESSIONS),
]
_OVERLAPS = ("SKIP", "QUEUE", "ALLOW", "CANCEL_RUNNING")
_ONCE_MORE = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 1}
_WORK: list[dict[str, Any]] = [
    {"payload": {}},
    {"payload": {"metadata": {"simulatedDelaySeconds": 3}}},
    {"payload": {}},
    {"payload": {"metadata": {"simulateFailure": True}}, "retry": _ONCE_MORE},
    {"payload": {"metadata": {"simulatedDelaySeconds": 0.3}}},
    {"payload": {"metadata": {"successProbability": 0.7}}, "retry": {**_ONCE_MORE, "max_attempts": 3}},
    {"payload": {"metadata": {"simulatedDelaySeconds": 8}}},
]


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=JOBS, help="jobs (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where its data stays, to look at (default: nowhere)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Run, restart in the middle, check; `problems` is empty when all is well.

    Always on SQLite and the embedded Valkey. Progress goes to standard output.
    """
    with nullcontext(options.folder) if options.folder else _folder() as folder:
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(folder.resolve(), options.minutes * 60)
        with soak.running():
            soak.look_inside()
            planned = _make_jobs(options.jobs)
            soak.watch(soak.seconds / 2)
            # From here on nothing is claimed, though ticks may still fire.
            stopping_at = datetime.now(UTC)
        with soak.running():
            restarted_at = datetime.now(UTC)
            soak.watch(soak.seconds / 2)
            until = datetime.now(UTC)
            _catch_up(until)
            doctor = soak.doctor()
        print("Stopped; looking at every tick.", flush=True)
        accounts = {job_id: _account(job_id, after, until) for job_id, after in planned.items()}
        return _verdict(soak, accounts, doctor, (stopping_at, restarted_at))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chronos-soak-") as name:
        yield Path(name)


class Soak:
    """The product in a folder of its own, with nothing of the environment, and what was seen of it."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.seconds = seconds
        # One list of samples for each process of each half: after the restart it is another process.
        self.memory: list[dict[str, list[float]]] = []
        self.pause = max(1.0, seconds / SAMPLES)
        self.broken_pages: set[str] = set()
        self._began = monotonic()
        self._person = requests.Session()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = servers.free_port()
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CHRONOS_DATA_DIR": str(folder / "data"),
            "CHRONOS_ENV_FILE": str(folder / ".env"),
            "CHRONOS_PORT": str(self._port),
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it and see it ready; afterwards end it as Ctrl-C does."""
        log = self.folder / "output"
        seen = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chronos_site.product"],
                cwd=product.ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            product.wait_for(
                "the product", lambda: b"Chronos is ready" in log.read_bytes()[seen:], [self._process],
                seconds=START_SECONDS,
            )  # fmt: skip
            print(f"{self._minute():6.1f} min: the product is up", flush=True)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(product.STOP_SECONDS)
            print(f"{self._minute():6.1f} min: the product is down", flush=True)

    def look_inside(self) -> None:
        """Open the product's database in this process, and sign in as its administrator."""
        key = dotenv_values(self.folder / ".env")["SECRET_KEY"] or ""
        product.set_up(f"sqlite:///{self.folder}/data/chronos.sqlite3", key=key)
        self._person = product.signed_in(OWNER)

    def watch(self, seconds: float) -> None:
        """Sample and open pages for that long; tell now and then what there is to see."""
        samples: defaultdict[str, list[float]] = defaultdict(list)
        self.memory.append(samples)
        tell_at, until = 0.0, monotonic() + seconds
        while monotonic() < until:
            sleep(self.pause)
            if self._process is None or self._process.poll() is not None:
                raise SystemExit("The product has ended by itself.")
            self._visit()
            for name, megabytes in _memory(self._process.pid).items():
                samples[name].append(megabytes)
            if monotonic() > tell_at:
                tell_at = monotonic() + max(15.0, self.seconds / 60)
                latest = ", ".join(f"{name} {seen[-1]:.0f}" for name, seen in sorted(samples.items()))
                print(f"{self._minute():6.1f} min: {_progress()}; MB: {latest}", flush=True)

    def _visit(self) -> None:
        for page in PAGES:
            try:
                answer = self._person.get(f"http://127.0.0.1:{self._port}{page}", timeout=60)
            except requests.RequestException as error:
                self.broken_pages.add(f"{page} did not answer: {type(error).__name__}")
                continue
            if answer.status_code != 200 or answer.history:
                self.broken_pages.add(f"{page} answered {answer.status_code}")

    def doctor(self) -> tuple[int, str]:
        """Exit code and words of `manage.py doctor` on the product at work."""
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor"],
            cwd=product.ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def _minute(self) -> float:
        return (monotonic() - self._began) / 60


def _memory(root: int) -> dict[str, float]:
    totals: defaultdict[str, float] = defaultdict(float)
    for pid in machine.tree(root):
        totals[_name_of(pid)] += machine.own_memory_mb(pid)
    return totals


def _name_of(pid: int) -> str:
    """The Procfile's name for the process or for the one that started it; `rest` has none."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "rest"
    for line in environment:
        if line.startswith(b"HONCHO_PROCESS_NAME="):
            return line.partition(b"=")[2].decode()
    return "valkey" if b"valkey" in command else "rest"


def _make_jobs(count: int) -> dict[str, datetime]:
    """Make the mixture; gives each job's id and the instant after which it ticks."""
    from accounts.models import User
    from chronos_site.clock import database_now
    from jobs import actions

    owner = User.objects.get(email=OWNER)
    planned: dict[str, datetime] = {}
    for number in range(count):
        at = database_now()
        job = actions.create(definition(number), owner=owner, by=None, at=at)
        planned[job.pk] = at
    return planned


def definition(number: int) -> dict[str, Any]:
    """The number-th job: plans, policies and work in all combinations as the number grows."""
    plan = _PLANS[number // len(_OVERLAPS) % len(_PLANS)]
    policies = {
        "overlap_policy": _OVERLAPS[number % len(_OVERLAPS)],
        "misfire_policy": ("FIRE_NOW", "IGNORE")[number // 3 % 2],
    }
    return {
        "name": f"soak {number}",
        "type": "DUMMY",
        "priority": ("HIGH", "MEDIUM", "LOW")[number % 3],
        "schedule": {**plan, **policies},
        **_WORK[number % len(_WORK)],
    }


def _progress() -> str:
    from runs.models import Run

    ended, waiting = Run.objects.ended().count(), Run.objects.pending().filter(available_at__lt=_ago(1))
    return f"{ended:,} ended, {waiting.count()} due for more than a second"


def _catch_up(until: datetime) -> None:
    """Leave the scheduler the time that it may take at most; what it has not fired by then is missing."""
    from jobs.models import JobSchedule

    give_up_at = monotonic() + HEALED_SECONDS
    while JobSchedule.objects.due(until).exists() and monotonic() < give_up_at:
        sleep(0.5)


def _ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def _account(job_id: str, after: datetime, until: datetime) -> Account:
    from jobs.models import JobSchedule
    from jobs.schedules import ticks
    from runs.models import Run, Trigger

    plan = JobSchedule.objects.get(job_id=job_id).plan
    planned = list(takewhile(lambda tick: tick < until + timedelta(minutes=10), ticks(plan, after)))
    rows = Run.objects.filter(job_id=job_id, trigger=Trigger.SCHEDULE).values_list(
        "scheduled_time", "skipped_count"
    )
    return account(planned, [(first, count or 1) for first, count in rows], until)


def _verdict(
    soak: Soak,
    accounts: Mapping[str, Account],
    doctor: tuple[int, str],
    restart: tuple[datetime, datetime],
) -> dict[str, Any]:
    code, said = doctor
    unbalanced = {job_id: each for job_id, each in accounts.items() if not each.balanced}
    halves = soak.memory
    growing = [
        f"{name} grew in half {number}: {told(samples)}"
        for number, half in enumerate(halves, 1)
        for name, samples in sorted(half.items())
        if grown(samples[round(WARM_SECONDS / soak.pause) :])
    ]
    problems = [_told_account(job_id, each) for job_id, each in unbalanced.items()]
    problems += [*growing, *sorted(soak.broken_pages)]
    if code:
        problems.append(f"The doctor found something (exit {code}): {said.strip()[-2000:]}")
    return {
        "verdict": "failed" if problems else "passed",
        "problems": problems,
        "minutes": round(soak.seconds / 60, 1),
        "jobs": len(accounts),
        **_counted(),
        "lateness_seconds": _lateness(None),
        "lateness_seconds_without_restart": _lateness(restart),
        "restart_seconds": round((restart[1] - restart[0]).total_seconds(), 1),
        "doctor": said.strip().splitlines()[-1:],
        "memory_mb_start_middle_end": [
            {name: told(samples) for name, samples in sorted(half.items())} for half in halves
        ],
        "database_mb": round((soak.folder / "data" / "chronos.sqlite3").stat().st_size / 2**20),
        "load_average": machine.load_average(),
    }


def _told_account(job_id: str, found: Account) -> str:
    return (
        f"job {job_id}: {len(found.missing)} ticks missing {[str(tick) for tick in found.missing[:3]]}, "
        f"{len(found.doubled)} doubled, {len(found.unplanned)} rows without a tick"
    )


def grown(samples: Sequence[float]) -> bool:
    """Whether memory still rises after the first third, in which caches fill."""
    third = len(samples) // 3
    return bool(third) and median(samples[-third:]) > median(samples[third : 2 * third]) * GROWTH + GROWTH_MB


def told(samples: Sequence[float]) -> list[int]:
    """The medians of the first, the middle and the last tenth."""
    tenth = max(1, len(samples) // 10)
    middle = len(samples) // 2
    parts = samples[:tenth], samples[middle : middle + tenth], samples[-tenth:]
    return [round(median(part)) for part in parts]


def _counted() -> dict[str, Any]:
    from django.db.models import Count, Sum

    from runs.models import DeadLetter, Run, RunLog

    ended = Run.objects.ended().filter(skip_reason=None)
    skipped = Run.objects.exclude(skip_reason=None)
    return {
        "runs": Run.objects.count(),
        "outcomes": dict(ended.order_by().values_list("outcome").annotate(Count("pk"))),
        "skipped_ticks": dict(skipped.order_by().values_list("skip_reason").annotate(Sum("skipped_count"))),
        "retries": Run.objects.filter(attempt__gt=1).count(),
        "left_running": Run.objects.running().count(),
        "log_lines": RunLog.objects.count(),
        "dead_letters": DeadLetter.objects.count(),
    }


def _lateness(without: tuple[datetime, datetime] | None) -> dict[str, float]:
    """Seconds from when a run might start to when it did."""
    from runs.models import Run

    started = Run.objects.filter(start_time__isnull=False, available_at__isnull=False)
    if without:
        started = started.exclude(available_at__range=(without[0], without[1] + CATCH_UP))
    late = [run.waited.total_seconds() for run in started.iterator() if run.waited]
    if not late:
        return {}
    return {
        "p50": round(percentile(late, 50), 3),
        "p99": round(percentile(late, 99), 3),
        "max": round(max(late), 3),
    }
