"""The jobs of the demo: what they are called, when they fire and how they tend to go."""

from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Habit:
    """How a job's runs tend to go: seconds they take, share that fails, how and with what words.

    `broken` is how many of its latest occurrences failed; `incident` says whether it failed in the
    demo's outage nine days ago.
    """

    takes: float
    fails: float = 0.01
    error_class: str = "HTTP_503"
    error: str = "503 Service Unavailable from ledger.internal"
    lines: tuple[str, ...] = ()
    broken: int = 0
    incident: bool = False


@dataclass(frozen=True)
class DemoJob:
    name: str
    owner: str
    type: str
    schedule: dict[str, Any]
    payload: dict[str, Any]
    habit: Habit | None = None
    priority: str = "MEDIUM"
    retry: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    # Why it is paused; empty where it is not.
    paused: str = ""


def cron(expression: str, timezone: str = "Europe/Berlin", **more: Any) -> dict[str, Any]:
    return {"schedule_type": "CRON", "cron_expression": expression, "timezone": timezone, **more}


def every(seconds: int) -> dict[str, Any]:
    return {"schedule_type": "INTERVAL", "interval_seconds": seconds}


def doing(seconds: float, **more: Any) -> dict[str, Any]:
    return {"metadata": {"simulatedDelaySeconds": seconds, **more}}


def tries(attempts: int, seconds: int, strategy: str = "EXPONENTIAL") -> dict[str, Any]:
    return {"max_attempts": attempts, "backoff_strategy": strategy, "backoff_seconds": seconds}


# Where its file jobs write.
FILES = str(settings.FILE_ROOTS[0])
# Where the demo's HTTP jobs find this product's own address, which they call and nothing else.
SITE = "<site>"
_PROBE = {"http_url": f"{SITE}healthz", "http_method": "GET", "timeout_seconds": 10}

JOBS: tuple[DemoJob, ...] = (
    DemoJob(
        "nightly-invoice-export",
        "billing",
        "DUMMY",
        cron("0 30 2 * * ?"),
        doing(20, totalRecords=2000, batchSize=500, processingTimePerBatchMs=400),
        Habit(
            43,
            lines=("Export accepted, cursor 0", "Page 1: 500 invoices", "Page 2: 500 invoices"),
            broken=1,
        ),
        priority="HIGH",
        retry=tries(3, 300),
        description="Exports yesterday's invoices to the archive.\n\n"
        "If it fails: check the ledger pool, then run it again before 07:00.",
    ),
    DemoJob(
        "partner-catalogue-pull",
        "catalogue",
        "DUMMY",
        cron("0 5 * * * ?"),
        doing(4, successProbability=0.9, failureMessage="TLS handshake: certificate expired"),
        Habit(
            8,
            0.03,
            "TLS_ERROR",
            "TLS handshake: certificate expired",
            ("Asking 14 partners for changes", "312 articles changed"),
            broken=3,
        ),
        retry=tries(2, 120, "FIXED"),
    ),
    DemoJob(
        "storefront-probe",
        "sre",
        "HTTP",
        every(300),
        _PROBE,
        Habit(0.04, 0.004, lines=("GET /healthz", "200 OK"), incident=True),
        priority="HIGH",
        description="Asks the storefront whether it is well.",
    ),
    DemoJob(
        "readiness-probe",
        "sre",
        "HTTP",
        cron("*/15 * * * *", "UTC"),
        {**_PROBE, "http_url": f"{SITE}readyz"},
        Habit(0.06, 0.004, lines=("GET /readyz", "200 OK"), incident=True),
    ),
    DemoJob(
        "smoke-test",
        "sre",
        "DUMMY",
        every(60),
        doing(1),
        description="Does nothing, every minute: if this one is late, something is wrong.",
    ),
    DemoJob(
        "exchange-rate-pull",
        "finance",
        "DUMMY",
        cron("0 0/15 * * * ?"),
        doing(3),
        Habit(
            9,
            0.01,
            "CONNECTION_ERROR",
            "rates.example.com: connection refused",
            ("34 rates read",),
            incident=True,
        ),
        retry=tries(3, 30),
    ),
    DemoJob(
        "weekly-revenue-report",
        "finance",
        "DUMMY",
        cron("0 0 5 ? * MON"),
        doing(15),
        Habit(220, 0, lines=("Reading 7 days of orders", "Rendering 12 pages")),
    ),
    DemoJob(
        "fraud-score-refresh",
        "risk",
        "DUMMY",
        cron("0 0/30 * * * ?", overlap_policy="SKIP"),
        doing(8, simulatedCpuWorkSeconds=1),
        Habit(
            126,
            0.02,
            "TIMEOUT",
            "Not done within its 300 s.",
            ("Scoring window opened", "48,210 transactions scored"),
        ),
        priority="HIGH",
        retry=tries(2, 60, "FIXED"),
    ),
    DemoJob(
        "stale-upload-sweep",
        "storage",
        "DUMMY",
        cron("0 45 1 * * ?", "UTC"),
        doing(5),
        Habit(
            18,
            0.15,
            "PERMISSION_ERROR",
            "/exports/inbox/batch-0192: operation not permitted",
            ("1,204 files looked at", "88 files removed"),
        ),
        priority="LOW",
        retry=tries(2, 600, "FIXED"),
    ),
    DemoJob(
        "thumbnail-backfill",
        "media",
        "DUMMY",
        cron("0 0 0/2 * * ?"),
        doing(45, totalRecords=300, batchSize=50, processingTimePerBatchMs=900),
        Habit(840, 0.01, "MEMORY_ERROR", "out of memory at image 48,112", ("6,000 images queued",)),
        priority="LOW",
    ),
    DemoJob(
        "order-events-drain",
        "fulfilment",
        "DUMMY",
        cron("0 0/20 6-22 * * ?"),
        doing(6, successProbability=0.97),
        Habit(
            111,
            0.01,
            "NETWORK_ERROR",
            "broker-2: no answer for 30 s",
            ("Draining 3 partitions",),
            incident=True,
        ),
        retry=tries(5, 10),
    ),
    DemoJob(
        "customer-statement-mail",
        "billing",
        "DUMMY",
        cron("0 0 6 1 * ?"),
        doing(10),
        Habit(378, 0),
        description="Statements of the month to all customers.",
        paused="The new letterhead is being approved.",
    ),
    DemoJob(
        "gdpr-erasure-batch",
        "privacy",
        "DATABASE",
        cron("0 20 4 * * ?", "UTC"),
        {
            "database_url": "postgresql://privacy@db.example.com/crm",
            "query": "DELETE FROM contacts WHERE erase_after < now()",
            "read_only": False,
        },
        description="Erases contacts whose time is over.",
        paused="The CRM's database has no user for it yet.",
    ),
    DemoJob(
        "close-of-business-note",
        "finance",
        "FILE_SYSTEM",
        cron("0 0 18 ? * MON-FRI"),
        {
            "file_operation": "WRITE",
            "file_path": f"{FILES}/finance/closed-{{{{ fire.date }}}}.txt",
            "file_content": "Closed at {{ fire.time }} by {{ job.name }}.\n",
            "create_directories": True,
            "overwrite": True,
        },
        description="Other systems look for this file before they start.",
    ),
    DemoJob(
        "runs-of-the-week",
        "operations",
        "REPORT",
        cron("0 0 7 ? * MON"),
        {
            "metadata": {
                "report_type": "EXECUTION_STATS",
                "format": "HTML",
                "period": "LAST_WEEK",
                "title": "Runs of the week",
            }
        },
        description="A page to read on Monday morning, kept with its run.",
    ),
    DemoJob(
        "shipment-fanout",
        "fulfilment",
        "MESSAGE_QUEUE",
        every(120),
        {"operation_type": "PRODUCE", "queue_name": "shipments", "message_body": '{"kind": "sweep"}'},
        description="Tells the warehouses to look for new shipments.",
        paused="CHRONOS_BROKERS names no broker yet.",
    ),
    DemoJob(
        "cache-warm-storefront",
        "web",
        "CACHE",
        every(600),
        {"cache_operation": "WARM", "cache_region": "storefront", "cache_keys": ["home", "top-100"]},
        description="Keeps the storefront's front page warm.",
        paused="CHRONOS_CACHE_REGIONS names no region yet.",
    ),
)


def jobs(site: str) -> list[DemoJob]:
    """The demo's jobs, for a product at this address."""
    return [replace(job, payload=_placed(job.payload, site)) for job in JOBS]


def _placed(payload: dict[str, Any], site: str) -> dict[str, Any]:
    url = payload.get("http_url")
    return {**payload, "http_url": url.replace(SITE, site)} if url else payload
