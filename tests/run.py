"""The whole suite: on SQLite, and what touches the database again on PostgreSQL and on MariaDB.

    tests/run.py                                     everything
    tests/run.py tests/jobs -k cron                  a part of it, on SQLite
    tests/run.py --on postgresql,mariadb tests/jobs  a part of it, elsewhere

All of it on SQLite is run by several processes. The parts on servers run beside one another after it; what
each of them says is shown when it has ended. A whole run names its slowest tests at the end.

With CHRONOS_REQUIRE_SERVICES=1 whatever is missing or skipped is a failure.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402

NONE_COLLECTED = 5
SLOWEST = 15
# Tests wait for processes and clocks as much as they reckon: three keep two cores busy, on SQLite, and then
# on PostgreSQL and MariaDB. More of them only make each other late.
BY_TWO, BY_THREE = (("-n", number, "--dist", "worksteal") for number in "23")
# What takes its time is left to `make faults`.
QUICK = "not faults"
# Whoever has no such mark need not even be read there.
MARKED = sorted(
    str(path) for path in (ROOT / "tests").rglob("test_*.py") if "mark.databases" in path.read_text()
)
ALL_ELSEWHERE = ("-m", f"databases and {QUICK}", *MARKED)


@dataclass(frozen=True)
class Part:
    """The tests on one database."""

    name: str
    server: Callable[[], AbstractContextManager[str]]
    service: servers.Service | None = None
    words: tuple[str, ...] = ()
    words_for_all: tuple[str, ...] = ()


PARTS = {
    "sqlite": Part(
        "SQLite",
        lambda: contextlib.nullcontext(""),
        words_for_all=("-m", QUICK, *BY_THREE),
    ),
    "postgresql": Part(
        "PostgreSQL",
        servers.postgresql,
        servers.POSTGRESQL,
        ("-m", "databases"),
        (*ALL_ELSEWHERE, *BY_TWO),
    ),
    "mariadb": Part("MariaDB", servers.mariadb, servers.MARIADB, ("-m", "databases"), ALL_ELSEWHERE),
}


def main() -> None:
    parser = ArgumentParser(description="Run the tests.")
    parser.add_argument("--on", help=f"where, of {','.join(PARTS)}")
    options, words = parser.parse_known_args()
    names = options.on.split(",") if options.on else list(PARTS)[:1] if words else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"--on knows {','.join(PARTS)}, not {','.join(sorted(unknown))}")
    missing = look_for_services() if options.on or not words else []
    with tempfile.TemporaryDirectory(prefix="chronos-") as folder:
        outcomes = run_all([PARTS[name] for name in names], words, missing, Path(folder))
        if not words:
            tell_slowest(Path(folder))
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


def run_all(
    parts: list[Part], words: list[str], missing: list[servers.Service], folder: Path
) -> list[Outcome]:
    """Run one part after the other, but those on servers beside one another."""
    outcomes = [Outcome(part, "skipped", 0) for part in parts if part.service in missing]
    here = [part for part in parts if part.service not in missing]
    on_servers = [part for part in here if part.service]
    beside = on_servers if len(on_servers) > 1 else []
    outcomes += [run(part, words, folder) for part in here if part not in beside]
    with ThreadPoolExecutor() as threads:
        outcomes += threads.map(lambda part: run(part, words, folder, at_once=False), beside)
    return outcomes


def run(part: Part, words: list[str], folder: Path, *, at_once: bool = True) -> Outcome:
    """Run a part; what it says is shown at once, or in one piece when it has ended."""
    began = time.monotonic()
    more = words or [*part.words_for_all, f"--junitxml={folder / part.name}.xml"]
    if at_once:
        print(f"\n{part.name}", flush=True)
    with part.server() as url:
        done = pytest([*part.words, *more], {"DATABASE_URL": url} if url else {}, at_once=at_once)
    if not at_once:
        print(f"\n{part.name}\n{done.stdout}", flush=True)
    passed = done.returncode == 0 or (words and done.returncode == NONE_COLLECTED)
    return Outcome(part, "passed" if passed else "FAILED", time.monotonic() - began)


def pytest(words: list[str], settings: dict[str, str], *, at_once: bool) -> subprocess.CompletedProcess[str]:
    # Each process reads all tests: those after the first one find them compiled.
    left_out = {"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env=environment | settings,
        check=False,
        text=True,
        stdout=None if at_once else subprocess.PIPE,
        stderr=None if at_once else subprocess.STDOUT,
    )


def tell_slowest(folder: Path) -> None:
    cases = [
        (float(case.attrib["time"]), path.stem, f"{case.attrib['classname']}::{case.attrib['name']}")
        for path in folder.glob("*.xml")
        for case in ElementTree.parse(path).iter("testcase")
    ]
    print("\nThe slowest tests, with what was set up for them:")
    for seconds, part, name in sorted(cases, reverse=True)[:SLOWEST]:
        print(f"{seconds:7.1f} s  {part:<12}{name[:110]}")


def tell(outcomes: list[Outcome], missing: list[servers.Service]) -> None:
    print()
    for outcome in outcomes:
        print(f"{outcome.part.name:<12}{outcome.word:<9}{outcome.seconds:7.1f} s")
    for service in missing:
        print(f"{service.name} is not here: its tests did not run.")


if __name__ == "__main__":
    main()
