"""An installation after a busy month: rows by the million, as fast as the database takes them."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from time import perf_counter

from bench import loading
from bench.loading import Row

SEED = 20_261_126
DAYS = 30
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# The share of runs of one job that everybody looks at.
BUSIEST = 0.02
OWNER, OPERATOR = "owner-0@example.com", "operator@example.com"

_WORDS = ("invoice", "ledger", "stock", "catalogue", "postcode", "fraud", "shipment", "loyalty", "thumbnail")
_DOINGS = ("export", "sync", "sweep", "refresh", "rebuild", "drain", "fanout", "backfill")
_TAGS = ("night", "billing", "storefront", "finance", "search", "privacy", "fulfilment", "batch")
_ERRORS = (
    ("HTTP_503", "503 Service Unavailable from {host}: pool exhausted ({n} of 40 in use)"),
    ("TLS_ERROR", "TLS handshake with {host}: certificate expired"),
    ("CONNECTION_ERROR", "Connection to {host}:5432 refused"),
    ("DEADLOCK", "deadlock detected: process {n} waits for a lock on relation {n}"),
    ("SCRIPT_FAILED", "The script ended with exit code {n}"),
)
_TYPES = ("HTTP", "HTTP", "HTTP", "DATABASE", "DUMMY", "CACHE", "MESSAGE_QUEUE", "SCRIPT", "REPORT", "EMAIL")
_STATUSES = ("SCHEDULED",) * 16 + ("PAUSED", "PAUSED", "PENDING", "FAILED", "SUCCEEDED", "CANCELLED")

# Parents before their children.
_COLUMNS = {
    "users": "id email password roles is_active",
    "jobs": "id owner_id name type status priority created_at updated_at description",
    "job_schedules": (
        "job_id schedule_type cron_expression interval_seconds timezone next_fire_at anchor_at"
    ),
    "job_payloads": "job_id type http_url http_method host",
    "retry_policies": "job_id max_attempts backoff_seconds",
    "job_versions": "job_id version definition created_at note",
    "job_tags": "job_id name",
    "job_runs": (
        "id job_id scheduled_time available_at start_time end_time outcome worker_id duration_ms "
        "error_class error_message signature skip_reason trigger lease_expires_at"
    ),
    "job_run_logs": "run_id timestamp level message",
    "run_stats": "hour type outcome count took_ms waited_1m",
    "job_days": "job_id day succeeded failed timed_out cancelled skipped took_ms slowest_ms",
    "dlq_events": "id job_id run_id failure_reason status created_at signature",
    "failure_signatures": (
        "signature title error_class first_seen_at last_seen_at events resolved decision notes"
    ),
    "audit_events": "id entity_type entity_id action user_email timestamp details",
}


@dataclass(frozen=True)
class Size:
    """How many rows of each kind."""

    jobs: int = 100_000
    runs: int = 5_000_000
    letters: int = 50_000
    events: int = 1_000_000
    owners: int = 200


def fill(size: Size, say: Callable[[str], None]) -> None:
    """Write the installation into an empty, migrated database, PostgreSQL or SQLite."""
    started = perf_counter()
    story = Story(size, datetime.now(UTC).replace(tzinfo=None))
    with loading.writer() as write:
        for table, columns, rows in story.tables():
            began = perf_counter()
            write(table, columns, rows)
            say(f"{table}: {perf_counter() - began:.0f} s")
    say(f"Filled in {perf_counter() - started:.0f} s.")


class Story:
    """What the rows say; the same seed tells the same story, up to the present moment."""

    def __init__(self, size: Size, now: datetime) -> None:
        self.size, self.now = size, now
        self.chance = random.Random(SEED)  # noqa: S311 (a story, not a key)
        self.born = now - timedelta(days=DAYS + 1)
        self.job_ids = [ulid(self.born + timedelta(milliseconds=n), n) for n in range(size.jobs)]
        self.types = [_TYPES[n % len(_TYPES)] for n in range(size.jobs)]
        self.step = timedelta(days=DAYS) / size.runs
        self.signatures = [_signature(name, text) for name, text in _ERRORS]

    def tables(self) -> Iterator[tuple[str, list[str], Iterable[Row]]]:
        """Each table, its columns, and its rows, parents before their children."""
        rows = {
            "users": self._users(),
            "jobs": self._jobs(),
            "job_schedules": self._schedules(),
            "job_payloads": self._payloads(),
            "retry_policies": self._policies(),
            "job_versions": self._versions(),
            "job_tags": self._tags(),
            "job_runs": self._runs(),
            "job_run_logs": self._lines(),
            "run_stats": self._stats(),
            "job_days": self._days(),
            "dlq_events": self._letters(),
            "failure_signatures": self._known(),
            "audit_events": self._events(),
        }
        return ((table, columns.split(), rows[table]) for table, columns in _COLUMNS.items())

    # what should run

    def _users(self) -> Iterator[Row]:
        yield (1, OPERATOR, "!", "OPERATOR", 1)
        for n in range(self.size.owners):
            yield (2 + n, f"owner-{n}@example.com", "!", "USER", 1)

    def _owner(self, n: int) -> int:
        return 2 + n % self.size.owners

    def _name(self, n: int) -> str:
        return f"{_WORDS[n % len(_WORDS)]}-{_DOINGS[n // 7 % len(_DOINGS)]}-{n:06}"

    def _jobs(self) -> Iterator[Row]:
        born = self._text(self.born)
        for n, job_id in enumerate(self.job_ids):
            status = _STATUSES[n % len(_STATUSES)]
            priority = ("HIGH", "MEDIUM", "LOW")[n % 3]
            changed = self._text(self.born + timedelta(minutes=n % 40_000))
            words = "Exports what came in. If it fails, call the owner first."
            yield (
                job_id,
                self._owner(n),
                self._name(n),
                self.types[n],
                status,
                priority,
                born,
                changed,
                words,
            )

    def _schedules(self) -> Iterator[Row]:
        born = self._text(self.born)
        for n, job_id in enumerate(self.job_ids):
            armed = _STATUSES[n % len(_STATUSES)] == "SCHEDULED"
            due = (
                self._text(self.now + timedelta(seconds=30 + self.chance.random() * 86_400))
                if armed
                else None
            )
            if n % 4:
                yield (job_id, "CRON", f"{n % 60} {n // 60 % 24} * * *", None, "Europe/Berlin", due, None)
            else:
                yield (job_id, "INTERVAL", None, 3600, "UTC", due, born)

    def _payloads(self) -> Iterator[Row]:
        for n, job_id in enumerate(self.job_ids):
            http = self.types[n] == "HTTP"
            url, host = (self._url(n), self._host(n)) if http else (None, "")
            yield (job_id, self.types[n], url, "GET" if http else None, host)

    def _host(self, n: int) -> str:
        return f"service-{n % 300}.example.com"

    def _url(self, n: int) -> str:
        return f"https://{self._host(n)}/work/{n}"

    def _policies(self) -> Iterator[Row]:
        return ((job_id, 1 + n % 4, 60) for n, job_id in enumerate(self.job_ids))

    def _versions(self) -> Iterator[Row]:
        born = self._text(self.born)
        for n, job_id in enumerate(self.job_ids):
            definition = {
                "name": self._name(n),
                "type": self.types[n],
                "priority": "MEDIUM",
                "schedule": {"schedule_type": "CRON", "cron_expression": "0 2 * * *", "timezone": "UTC"},
                "payload": {"http_url": self._url(n), "http_method": "GET"},
            }
            yield (job_id, 1, json.dumps(definition), born, "")

    def _tags(self) -> Iterator[Row]:
        for n, job_id in enumerate(self.job_ids):
            for k in range(n % 3):
                yield (job_id, _TAGS[(n + k) % len(_TAGS)])

    # what ran

    def _job_of(self, n: int) -> int:
        """Which job the run belongs to: a prime step visits them all, the first has its share besides."""
        return 0 if n % round(1 / BUSIEST) == 0 else n * 7919 % self.size.jobs

    def _tick(self, n: int) -> datetime:
        return self.now - self.step * (self.size.runs - n) - timedelta(seconds=90)

    def _run_id(self, n: int) -> str:
        return ulid(self._tick(n), n)

    def _outcome(self, n: int) -> str:
        """One of a hundred fails, more of them in a job of fifty."""
        if n % 997 == 0:
            return "TIMEOUT"
        if n % 101 == 0 or (self._job_of(n) % 50 == 7 and n % 3 == 0):
            return "FAILURE"
        return "CANCELLED" if n % 499 == 0 else "SUCCESS"

    def _runs(self) -> Iterator[Row]:
        unfinished = {self.size.runs - 1 - k for k in range(240)}
        for n in range(self.size.runs):
            tick = self._tick(n)
            due = self._text(tick)
            job = self._job_of(n)
            if n in unfinished:
                running = n % 6 == 0
                start = due if running else None
                lease = self._text(self.now + timedelta(hours=1)) if running else None
                worker = "w-01" if running else None
                yield (
                    self._run_id(n),
                    self.job_ids[job],
                    due,
                    due,
                    start,
                    *[None] * 2,
                    worker,
                    *[None] * 5,
                    "SCHEDULE",
                    lease,
                )
                continue
            outcome = self._outcome(n)
            took = 200 + n * 31 % 4000
            end = self._text(tick + timedelta(milliseconds=took + n % 300))
            name = text = signature = skip = None
            if outcome in ("FAILURE", "TIMEOUT"):
                kind = job % len(_ERRORS)
                name, text = _ERRORS[kind]
                text = text.format(host=f"service-{job % 300}.example.com", n=n % 97)
                signature = self.signatures[kind]
            if outcome == "CANCELLED":
                skip = "OVERLAP"
            start = None if skip else due
            worker = None if skip else f"w-{n % 8:02}"
            yield (
                *(self._run_id(n), self.job_ids[job], due, due, start, end, outcome, worker),
                *(None if skip else took, name, text, signature, skip, "SCHEDULE", None),
            )

    def _lines(self) -> Iterator[Row]:
        for n in range(self.size.runs):
            run_id, at = self._run_id(n), self._text(self._tick(n))
            last = ("ERROR", "It failed.") if self._outcome(n) == "FAILURE" else ("INFO", "Done")
            yield (run_id, at, "INFO", f"Attempt 1 on w-{n % 8:02}, version 1")
            yield (run_id, at, "DEBUG", "GET, 200, 1,204 bytes")
            yield (run_id, at, *last)

    def _stats(self) -> Iterator[Row]:
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        share = self.size.runs // (DAYS * 24 * len(set(_TYPES)))
        for back in range(DAYS * 24):
            for kind in sorted(set(_TYPES)):
                at = self._text(hour - timedelta(hours=back))
                for outcome, part in (("SUCCESS", 0.97), ("FAILURE", 0.025), ("TIMEOUT", 0.005)):
                    runs = round(share * part)
                    yield (at, kind, outcome, runs, runs * 2200, runs - runs // 500)

    def _days(self) -> Iterator[Row]:
        today = self.now.date()
        daily = max(1, self.size.runs // self.size.jobs // DAYS)
        for n, job_id in enumerate(self.job_ids):
            for back in range(1, DAYS + 1):
                failed = int((n + back) % 40 == 0)
                yield (
                    job_id,
                    (today - timedelta(days=back)).isoformat(),
                    daily,
                    failed,
                    0,
                    0,
                    0,
                    daily * 2200,
                    4100,
                )

    def _letters(self) -> Iterator[Row]:
        failures = (n for n in count(self.size.runs - 300, -1) if n >= 0 and self._outcome(n) == "FAILURE")
        for k, n in enumerate(islice(failures, self.size.letters)):
            job = self._job_of(n)
            name, text = _ERRORS[job % len(_ERRORS)]
            reason = f"{name}: {text.format(host=f'service-{job % 300}.example.com', n=n % 97)}"
            status = "PENDING" if k % 3 else "RESOLVED"
            at = self._tick(n) + timedelta(seconds=5)
            yield (
                *(ulid(at, k), self.job_ids[job], self._run_id(n), reason, status),
                *(self._text(at), self.signatures[job % len(_ERRORS)]),
            )

    def _known(self) -> Iterator[Row]:
        """What is known of the signatures of the letters."""
        from runs.failure_signatures import title

        groups: dict[str, list[Row]] = {}
        for letter in self._letters():
            groups.setdefault(letter[-1], []).append(letter)
        for signature, letters in groups.items():
            error_class, told = title(letters[0][3])
            times = [letter[5] for letter in letters]
            resolved = sum(letter[4] == "RESOLVED" for letter in letters)
            seen = (min(times), max(times), len(letters), resolved)
            yield (signature, told, error_class, *seen, "", "")

    def _events(self) -> Iterator[Row]:
        step = timedelta(days=DAYS) / self.size.events
        for n in range(self.size.events):
            at = self.now - step * (self.size.events - n)
            action = ("JOB_UPDATED", "JOB_PAUSED", "JOB_RESUMED", "JOB_TRIGGERED")[n % 4]
            entity = self.job_ids[n * 104_729 % self.size.jobs]
            yield (
                ulid(at, n),
                "Job",
                entity,
                action,
                f"owner-{n % self.size.owners}@example.com",
                self._text(at),
                "{}",
            )

    @staticmethod
    def _text(at: datetime) -> str:
        """UTC, as both databases read it."""
        return at.isoformat(" ", "microseconds")


def ulid(at: datetime, n: int) -> str:
    """The id that the nth row made at this moment (naive, UTC) would have."""
    milliseconds = int((at - datetime(1970, 1, 1)).total_seconds() * 1000)
    letters = [ALPHABET[milliseconds >> 5 * place & 31] for place in range(9, -1, -1)]
    return f"{''.join(letters)}{n:016X}"


def _signature(error_class: str, text: str) -> str:
    from runs.signature import signature

    return signature(error_class, text.format(host="service.example.com", n=1))
