"""What the kernel says about processes and the machine."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and all that descend from it, those that are gone left out."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in tree(int(child)))]


def memory_mb(pid: int) -> float:
    """Megabytes of the process and its descendants, what they share divided among them (PSS)."""
    return sum(map(own_memory_mb, tree(pid)))


def own_memory_mb(pid: int) -> float:
    """The same of the process alone; nothing when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def cpu_seconds(pid: int) -> float:
    """Seconds of a core that the process has used since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def load_average() -> float:
    """The mean number of processes that wanted to run in the last minute."""
    return round(os.getloadavg()[0], 1)
