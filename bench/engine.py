"""Every figure of the engine in one table: target, the machine's raw limit, the best peer in the same run."""

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench import machine, servers
from bench.product import ROOT

PEERS = ROOT / ".venv-peers"
REQUIREMENTS = ROOT / "bench" / "peers" / "requirements.txt"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Figure:
    """One line of the table: what `python -m bench` is asked, which key of the answer counts, the target."""

    name: str
    words: tuple[str, ...]
    key: str
    target: float
    unit: str = "s"
    raw: str = ""
    more_is_better: bool = False
    # Kind and key of the peers' measurement that answers the same question.
    peers: tuple[str, str] | None = None

    def ratio(self, ours: float, other: float) -> float:
        """How many times as good as the other."""
        better, worse = (ours, other) if self.more_is_better else (other, ours)
        return round(better / worse, 2) if worse else 0.0

    def met(self, ours: float) -> bool:
        return ours >= self.target if self.more_is_better else ours <= self.target


_RUNS = partial(Figure, key="runs_per_second", unit="runs/s", raw="raw_limit_per_second", more_is_better=True)
_FIRE = partial(Figure, key="seconds_to_last", raw="raw_limit_seconds")
_IDLE = ("idle", "--database", "postgresql")
_MEMORY = ("memory", "--database", "postgresql")
_MB = partial(Figure, words=_MEMORY, unit="MB", raw="raw_limit_mb")

FIGURES = (
    _RUNS("due runs to outcome, PostgreSQL", ("throughput", "--database", "postgresql"), target=3000,
          peers=("throughput", "per_second")),
    _RUNS("due runs to outcome, SQLite", ("throughput", "--database", "sqlite"), target=2000),
    _FIRE("10,000 schedules at once, PostgreSQL", ("schedules", "--database", "postgresql"), target=2,
          peers=("schedules", "seconds_to_last")),
    _FIRE("10,000 schedules at once, SQLite", ("schedules", "--database", "sqlite"), target=2),
    _FIRE("100,000 schedules at once, PostgreSQL",
          ("schedules", "--size", "100000", "--database", "postgresql"), target=15),
    _FIRE("100,000 schedules at once, SQLite",
          ("schedules", "--size", "100000", "--database", "sqlite"), target=15),
    Figure("500 HTTP jobs of 1 s", ("http", "--database", "postgresql"), "seconds_to_last_outcome", 2.5,
           raw="raw_limit_seconds", peers=("slow_calls", "seconds")),
    Figure("Run now to outcome, median", ("latency", "--database", "postgresql"), "median_ms", 300, "ms",
           raw="raw_limit_ms"),
    Figure("idle scheduler, 100,000 schedules: core", _IDLE, "cpu_percent", 1, "%"),
    Figure("idle scheduler, 100,000 schedules: memory", _IDLE, "memory_mb", 100, "MB", "raw_limit_memory_mb"),
    _MB("web at 100,000 jobs", key="web_mb", target=150),
    _MB("scheduler at 100,000 jobs", key="scheduler_mb", target=100),
    _MB("worker at 100,000 jobs", key="worker_1_mb", target=200),
)  # fmt: skip

# Those that have been the best at something; the others stay runnable by hand.
_RIVALS = {
    "throughput": (
        "dramatiq, 2 processes of 8 threads",
        "procrastinate, 2 processes of 10",
        "huey, 2 processes",
        "django-q2, 2 workers",
        "celery, 2 processes, results in Django",
        "celery tuned: connection kept, 64 prefetched",
        "django-rq, 2 simple workers",
    ),
    "schedules": ("rq cron",),
    "slow_calls": ("huey, 500 greenlets", "celery, 500 greenlets", "procrastinate, 500 at once"),
}


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--peers", action="store_true", help="measure the peers in turn with ours")
    parser.add_argument("--repeat", type=int, default=1, help="times, of which the median counts")
    parser.add_argument("--only", default="", metavar="TEXT", help="figures with this in their name")


def measure(options: Namespace, say: Say) -> dict[str, Any]:
    """Each measurement in a process of its own; a figure and its peers take turns."""
    figures = [figure for figure in FIGURES if options.only.lower() in figure.name.lower()]
    answers: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    rivals: dict[str, dict[str, list[float]]] = {}
    before = machine.load_average()
    ground: AbstractContextManager[Mapping[str, str]] = _ground(say) if options.peers else nullcontext({})
    with ground as environment:
        for figure in figures:
            if figure.words in answers:
                continue
            answers[figure.words] = []
            for _ in range(options.repeat):
                answers[figure.words].append(_ours(figure, say))
                if options.peers and figure.peers:
                    _measure_peers(figure.peers, environment, rivals.setdefault(figure.peers[0], {}), say)
    table = [_line(figure, answers[figure.words], rivals) for figure in figures]
    print(markdown(table), flush=True)
    return {
        "table": table,
        "peers": rivals,
        "measurements": [answer for group in answers.values() for answer in group],
        "load_average_before": before,
        "problems": [line["figure"] for line in table if line["measured"] is None],
    }


def _ours(figure: Figure, say: Say) -> dict[str, Any]:
    say(f"bench {' '.join(figure.words)} (load {machine.load_average()})")
    name, *words = figure.words
    return _asked([sys.executable, "-m", "bench", name, "--json", *words], os.environ, say)


def _measure_peers(
    asked: tuple[str, str], environment: Mapping[str, str], found: dict[str, list[float]], say: Say
) -> None:
    kind, key = asked
    for name in _RIVALS[kind]:
        program = str(PEERS / "bin" / "python")
        answer = _asked([program, "-W", "ignore", "-m", "bench.peers", kind, name], environment, say)
        if key in answer:
            found.setdefault(name, []).append(answer[key])
            say(f"  {name}: {answer[key]}")


def _asked(command: Sequence[str], environment: Mapping[str, str], say: Say) -> dict[str, Any]:
    """The object on the last line; empty when the measurement failed, which must not end the others."""
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        say(f"failed with {done.returncode}: {' '.join(command)}")
        return {}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def _ground(say: Say) -> Iterator[Mapping[str, str]]:
    """The peers' packages and servers; gives their environment."""
    if not PEERS.exists():
        say(f"Installing the peers into {PEERS.name}, once.")
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        pip = [str(PEERS / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", "--requirement", str(REQUIREMENTS)], check=True)
    with (
        tempfile.TemporaryDirectory(prefix="chronos-bench-") as folder,
        servers.postgresql() as database,
        servers.redis() as redis,
    ):
        yield {**os.environ, "PEERS_DATABASE": database, "PEERS_REDIS": redis, "PEERS_DATA": folder}


def _line(
    figure: Figure, answers: Sequence[Mapping[str, Any]], rivals: Mapping[str, Mapping[str, list[float]]]
) -> dict[str, Any]:
    """The figure's line: medians, and how many times as good as the limit and as the best peer."""
    ours = _median(answers, figure.key)
    raw = _median(answers, figure.raw)
    medians = {name: median(each) for name, each in rivals.get((figure.peers or ("",))[0], {}).items()}
    best = (max if figure.more_is_better else min)(medians, key=medians.__getitem__) if medians else None
    return {
        "figure": figure.name,
        "measured": ours,
        "unit": figure.unit,
        "target": figure.target,
        "met": ours is not None and figure.met(ours),
        "raw_limit": raw,
        "ratio_to_raw_limit": figure.ratio(ours, raw) if ours and raw else None,
        "best_peer": best,
        "best_peer_measured": medians[best] if best else None,
        "ratio_to_best_peer": figure.ratio(ours, medians[best]) if ours and best else None,
    }


def _median(answers: Sequence[Mapping[str, Any]], key: str) -> float | None:
    found = [answer[key] for answer in answers if key in answer]
    return median(found) if found else None


def markdown(table: Sequence[Mapping[str, Any]]) -> str:
    """The table as docs/performance.md shows it."""
    lines = [
        "| figure | measured | target | raw limit | of the raw limit | best peer | times the best peer |",
        "|---|---:|---:|---:|---:|---|---:|",
    ]
    for line in table:
        peer = f"{line['best_peer']}: {line['best_peer_measured']:g}" if line["best_peer"] else ""
        cells = (
            line["figure"],
            "failed" if line["measured"] is None else f"{line['measured']:g} {line['unit']}",
            f"{line['target']:g}{'' if line['met'] else ' (missed)'}",
            _cell(line["raw_limit"]),
            _cell(line["ratio_to_raw_limit"]),
            peer,
            _cell(line["ratio_to_best_peer"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
