"""Processes that running work starts: they end with the run, and so does whatever they have started."""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from jobs.executors.base import Context

# Every process of a run carries its id here, also one that has left its parent and its session.
MARK = "CHRONOS_RUN"
_PROC = Path("/proc")
_LOOK_SECONDS = 0.02
# For stopping a tree, and again for killing it: on a busy machine one look at all processes takes long.
PATIENCE_SECONDS = 1.0


@contextmanager
def started(
    context: Context,
    command: Sequence[str],
    *,
    env: dict[str, str],
    leash: socket.socket | None = None,
    **options: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the command in a session of its own; when the block or the run ends, its whole tree is killed.

    A command that holds the other end of a `leash` is dismissed instead: it hears no more there, ends what is
    left of its tree, and then itself, in its own time. It sends a byte, or lets go of the leash, once none of
    its tree is left; when neither comes within PATIENCE_SECONDS, it is killed like all the others.

    `env` is its whole environment, with `MARK` added. `options` are those of `subprocess.Popen`.
    Raises OSError when it cannot be started.
    """
    context.check()
    environment = {**env, MARK: context.run_id}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **options)
    end = partial(kill, process.pid, context.run_id, leash)
    try:
        with context.closing(end):
            yield process
    finally:
        end()
        if leash and not _is_answered(leash):
            kill(process.pid, context.run_id)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


def kill(pid: int, run_id: str, leash: socket.socket | None = None) -> None:
    """Kill the process, what descends from it, and what carries the run's mark, until none of it is left.

    On a leash the process itself is only dismissed, and not waited for. Where there is no /proc to tell, its
    process group is killed.
    """

    def below() -> set[int]:
        return _tree(pid, run_id) - {pid}

    # A supervisor goes last, and is not stopped: should we die in the midst of this, it ends the others.
    if _PROC.exists() and not (leash and _says_that_none_is_left(leash)):
        _stop(below)
        _kill(below, root=pid)
    if leash:
        _dismiss(pid, leash)
    elif _PROC.exists():
        _kill(lambda: _tree(pid, run_id), root=pid)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _dismiss(pid: int, leash: socket.socket) -> None:
    # Closing it would be no use: another thread may be waiting for it.
    with suppress(OSError):
        leash.shutdown(socket.SHUT_WR)
    # What it watched over may have stopped it.
    _send({pid}, signal.SIGCONT)


def _says_that_none_is_left(leash: socket.socket) -> bool:
    with suppress(OSError):
        return bool(leash.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    return False


def _is_answered(leash: socket.socket) -> bool:
    """Whether a byte or the end comes in time."""
    poll = select.poll()
    poll.register(leash, select.POLLIN)
    return bool(poll.poll(PATIENCE_SECONDS * 1000))


def _stop(tree: Callable[[], set[int]]) -> None:
    """Hold them all where they are: none starts another, or loses its parent, while they are killed."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    stopped: set[int] = set()
    while (fresh := tree() - stopped) and time.monotonic() < give_up_at:
        _send(fresh, signal.SIGSTOP)
        stopped |= fresh


def _kill(tree: Callable[[], set[int]], root: int) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while found := tree():
        _send(found, signal.SIGKILL)
        # However long the stopping took, nothing that was stopped is left without this.
        if time.monotonic() > give_up_at:
            return
        time.sleep(_LOOK_SECONDS)
        for each in found - {root}:
            # An orphan was handed to us, where we are asked to take those.
            with suppress(ChildProcessError):
                os.waitpid(each, os.WNOHANG)


def _send(processes: set[int], which: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each, which)


def _tree(root: int, run_id: str) -> set[int]:
    parents = dict(_parents())
    mark = f"{MARK}={run_id}".encode()
    tree = {root} & parents.keys() | {pid for pid in parents if _carries(pid, mark)}
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return tree


def _parents() -> Iterator[tuple[int, int]]:
    """Every process that still runs and its parent."""
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            # The name, in parentheses, may hold anything.
            state, parent, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if state not in "ZX":
                yield int(entry.name), int(parent)


def _carries(pid: int, mark: bytes) -> bool:
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
