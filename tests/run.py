"""The whole suite: on SQLite, and what touches the database again on PostgreSQL and on MariaDB.

    tests/run.py                                     everything
    tests/run.py tests/jobs -k cron                  a part of it, on SQLite
    tests/run.py --on postgresql,mariadb tests/jobs  a part of it, elsewhere

With CHRONOS_REQUIRE_SERVICES=1 whatever is missing or skipped is a failure.
"""

import contextlib
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402

NONE_COLLECTED = 5


@dataclass(frozen=True)
class Part:
    """The tests on one database."""

    name: str
    server: Callable[[], AbstractContextManager[str]]
    service: servers.Service | None = None
    words: tuple[str, ...] = ()


PARTS = {
    "sqlite": Part("SQLite", lambda: contextlib.nullcontext("")),
    "postgresql": Part("PostgreSQL", servers.postgresql, servers.POSTGRESQL, ("-m", "databases")),
    "mariadb": Part("MariaDB", servers.mariadb, servers.MARIADB, ("-m", "databases")),
}


def main() -> None:
    parser = ArgumentParser(description="Run the tests.")
    parser.add_argument("--on", help=f"where, of {','.join(PARTS)}")
    options, words = parser.parse_known_args()
    names = options.on.split(",") if options.on else list(PARTS)[:1] if words else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"--on knows {','.join(PARTS)}, not {','.join(sorted(unknown))}")
    whole = not words
    missing = look_for_services() if whole or options.on else []
    outcomes = [run(PARTS[name], words, missing) for name in names]
    tell(outcomes, missing)
    required = os.environ.get("CHRONOS_REQUIRE_SERVICES") == "1"
    sys.exit(any(outcome.failed for outcome in outcomes) or (required and bool(missing)))


def look_for_services() -> list[servers.Service]:
    """What is not there and cannot be installed."""
    servers.install([service for service in servers.SERVICES if not service.found])
    return [service for service in servers.SERVICES if not service.found]


@dataclass(frozen=True)
class Outcome:
    part: Part
    word: str
    seconds: float

    @property
    def failed(self) -> bool:
        return self.word == "FAILED"


def run(part: Part, words: list[str], missing: list[servers.Service]) -> Outcome:
    if part.service in missing:
        return Outcome(part, "skipped", 0)
    print(f"\n{part.name}", flush=True)
    began = time.monotonic()
    with part.server() as url:
        code = pytest([*part.words, *words], {"DATABASE_URL": url} if url else {})
    passed = code == 0 or (words and code == NONE_COLLECTED)
    return Outcome(part, "passed" if passed else "FAILED", time.monotonic() - began)


def pytest(words: list[str], settings: dict[str, str]) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "pytest", *words]
    return subprocess.run(command, cwd=ROOT, env=environment | settings, check=False).returncode


def tell(outcomes: list[Outcome], missing: list[servers.Service]) -> None:
    print()
    for outcome in outcomes:
        print(f"{outcome.part.name:<12}{outcome.word:<9}{outcome.seconds:7.1f} s")
    for service in missing:
        print(f"{service.name} is not here: its tests did not run.")


if __name__ == "__main__":
    main()
