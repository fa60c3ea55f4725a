"""Runs as marks: up is done, down is broken, hollow is still to come."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from runs.models import Run

COUNT = 20
_STEP, _WIDTH, _LINE = 6.1, 4.1, 17.0
_LOWEST, _HIGHEST = 3.0, 14.0
_WORDS = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "TIMEOUT": "timed out",
    "CANCELLED": "cancelled",
    "SKIPPED": "skipped",
    "RUNNING": "running",
    "PENDING": "waiting",
}


@dataclass(frozen=True)
class Mark:
    """One run in a bar of runs: a rectangle, or a ring where `r` is set."""

    style: str
    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    r: float = 0.0


def marks(runs: Sequence[Run], count: int = COUNT) -> list[Mark]:
    """The newest runs, the last one at the right edge; the height of a done one is its duration."""
    shown = runs[-count:]
    longest = max((run.duration_ms or 0 for run in shown if run.state == "SUCCESS"), default=0)
    start = count - len(shown)
    return [_mark(run, round(0.5 + _STEP * (start + n), 1), longest) for n, run in enumerate(shown)]


def _mark(run: Run, x: float, longest: int) -> Mark:
    hollow = {"x": round(x + 0.5, 1), "width": _WIDTH - 1}
    match run.state:
        case "SUCCESS":
            share = (run.duration_ms or 0) / longest if longest else 0.5
            height = round(_LOWEST + (_HIGHEST - _LOWEST) * share, 1)
            return Mark("f-ok", x, round(_LINE - height, 1), _WIDTH, height)
        case "FAILURE":
            return Mark("f-bad", x, _LINE + 1, _WIDTH, 10)
        case "TIMEOUT":
            return Mark("f-to", y=_LINE + 1.5, height=9, **hollow)
        case "SKIPPED":
            return Mark("f-next", round(x + _WIDTH / 2, 1), _LINE - 3, r=1.6)
        case "RUNNING":
            return Mark("f-now", x, 4, _WIDTH, 13)
        case "PENDING":
            return Mark("f-next", y=4.5, height=12, **hollow)
        case _:
            return Mark("f-can", x, _LINE - 3, _WIDTH, 3)


def in_words(runs: Sequence[Run], count: int = COUNT) -> str:
    """What the marks show, for those who do not see them."""
    if not runs:
        return "No runs yet"
    shown = Counter(run.state for run in runs[-count:])
    told = ", ".join(f"{shown[state]} {word}" for state, word in _WORDS.items() if shown[state])
    total = sum(shown.values())
    return f"Last {total} runs: {told}" if total > 1 else f"The only run: {told}"
