"""The parent of a script: a program of its own, which nothing that the script starts outlives.

Run as `python -I -S supervisor.py REPORT FOLDER`: REPORT is the number of the file descriptor that takes the
report, FOLDER the private folder of the script. Its standard output and error are the script's.

Its standard input is a socket, which brings one line of JSON, a `Task`, and then stays open. When it ends,
the supervisor is dismissed, or whoever started it has died: then what is left of the script ends, and the
folder is removed. A byte goes the other way once nothing is left that the script has started.

The report is one JSON object:

    {"exit": 3, "cpu": 0.12}         the script's exit code, and the seconds of computing that it took
    {"signal": 9, "cpu": 0.12}       the signal that ended it
    {"stopped": "memory", ...}       what it had too much of (memory, processes) when we ended it
    {"error": "chdir", "errno": 13}  what failed before it could start

It imports nothing of Chronos, and has nothing of its environment.
"""

import ctypes
import errno
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

Task = dict[str, Any]

# From Linux' <sys/prctl.h>.
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
LOOK_SECONDS = 0.2
LOOKING_SHARE = 20
GIVE_UP_SECONDS = 5
SPARE_PROCESSES = 32
MEGABYTE = 1024 * 1024
_PROC = Path("/proc")
# Neither the terminal nor who stops the service ends us: the worker decides when its script ends.
_DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
# Python ignores these, and a program inherits what is ignored.
_OF_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def main(report: int, folder: str) -> None:
    os.set_inheritable(report, False)
    for each in _DEAF_TO:
        signal.signal(each, signal.SIG_IGN)
    try:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        if task := _read_task():
            _carry_out(task, report)
            _let_go(1, 2, report)
            # Files of the script are being read now.
            select.select([0], [], [])
    except Exception:
        # The script's log is where a fault of ours can be seen; what comes next would hide it.
        sys.excepthook(*sys.exc_info())
    finally:
        _remove(folder)


def _read_task() -> Task:
    """The task, or nothing when we are dismissed before it has come."""
    text = b""
    while not text.endswith(b"\n"):
        part = os.read(0, 65536)
        if not part:
            return {}
        text += part
    task: Task = json.loads(text)
    return task


def _carry_out(task: Task, report: int) -> None:
    woken = _wake_on_death_of_children()
    script, failure = _start(task)
    try:
        said = failure or _watch(script, task, woken)
    finally:
        all_ended = _end_all(script)
    if all_ended:
        os.write(0, b".")
    if said:
        os.write(report, json.dumps(said).encode())


def _let_go(*descriptors: int) -> None:
    """Whoever reads what comes from there finds its end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in descriptors:
        os.dup2(nothing, each)


def _remove(folder: str) -> NoReturn:
    """Become the program that removes it; whoever waits for our end waits for this too."""
    _let_go(0, 1, 2)
    if os.geteuid() != 0:
        os.spawnv(os.P_WAIT, "/bin/chmod", ["chmod", "-R", "u+rwX", "--", folder])  # noqa: S606 (no shell is wanted)
    os.execv("/bin/rm", ["rm", "-rf", "--", folder])  # noqa: S606 (no shell is wanted)


def _wake_on_death_of_children() -> int:
    """A descriptor that can be read from whenever a child has ended."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _start(task: Task) -> tuple[int, Task]:
    """Start the script: its process, or what failed."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _become(task, writer)
    os.close(writer)
    with os.fdopen(reader) as told:
        failure = json.loads(told.read() or "{}")
    return child, failure


def _become(task: Task, failed: int) -> NoReturn:
    """Turn this process into the script, or end it: what the supervisor does next is not for it."""
    try:
        for step, take in _steps(task):
            try:
                take()
            except (OSError, ValueError) as error:
                number = error.errno if isinstance(error, OSError) else errno.EINVAL
                os.write(failed, json.dumps({"error": step, "errno": number}).encode())
                break
    finally:
        os._exit(1)


def _steps(task: Task) -> Iterator[tuple[str, Callable[[], object]]]:
    command, environment, user = task["command"], task["environment"], task["user"]
    yield "start", os.setsid
    yield "start", lambda: os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    yield "start", lambda: [signal.signal(each, signal.SIG_DFL) for each in (*_DEAF_TO, *_OF_PYTHON)]
    yield "start", lambda: os.umask(0o077)
    yield "limit", lambda: _limit(task)
    if user:
        yield "user", lambda: os.initgroups(user["name"], user["group"])
        yield "user", lambda: os.setgid(user["group"])
        yield "user", lambda: os.setuid(user["id"])
    # Changing the user takes this back, so it comes after.
    yield "start", lambda: _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    yield "start", lambda: _prctl(PR_SET_NO_NEW_PRIVS, 1)
    yield "chdir", lambda: os.chdir(task["folder"])
    yield "exec", lambda: os.execve(command[0], command, environment)  # noqa: S606 (the script brings its own)


def _limit(task: Task) -> None:
    user = task["user"]["id"] if task["user"] else os.getuid()
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_FSIZE: task["file_mb"] * MEGABYTE,
        resource.RLIMIT_DATA: task["memory_mb"] * MEGABYTE,
        # A little more than is watched for, so that the watch sees it; the system counts all of the user's.
        resource.RLIMIT_NPROC: task["processes"] + SPARE_PROCESSES + _threads_of(user),
    }
    if task["cpu_seconds"]:
        limits[resource.RLIMIT_CPU] = task["cpu_seconds"]
    for which, most in limits.items():
        hard = resource.getrlimit(which)[1]
        # At the limit comes a signal that tells what happened; a second later one that just kills.
        last = most + int(which == resource.RLIMIT_CPU)
        last = last if hard == resource.RLIM_INFINITY else min(last, hard)
        resource.setrlimit(which, (min(most, last), last))


def _threads_of(user: int) -> int:
    """How many threads the user has now."""
    found = [_status(entry) for entry in _processes()]
    theirs = [each for each in found if each.get("Uid", "").split()[:1] == [str(user)]]
    return sum(int(each.get("Threads", 0)) for each in theirs)


def _watch(script: int, task: Task, woken: int) -> Task:
    """Wait for the script's end: the report, or nothing when we are dismissed before it."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(woken, select.POLLIN)
    look_at = time.monotonic()
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(LOOK_SECONDS * 1000)}
        if woken in ready:
            os.read(woken, 65536)
        for child, status, used in _reaped():
            if child == script:
                return _ended(status, used)
        if 0 in ready:
            return {}
        if time.monotonic() > look_at:
            began = time.monotonic()
            if too_much := _too_much(task):
                return {"stopped": too_much, "cpu": 0}
            # Where there is much to look at, looking must not become the work.
            look_at = began + max(LOOK_SECONDS, LOOKING_SHARE * (time.monotonic() - began))


def _reaped() -> Iterator[tuple[int, int, "resource.struct_rusage"]]:
    """Each child that has ended; with the script come the orphans of what it started."""
    with suppress(ChildProcessError):
        while (found := os.wait4(-1, os.WNOHANG))[0]:
            yield found


def _ended(status: int, used: "resource.struct_rusage") -> Task:
    cpu = round(used.ru_utime + used.ru_stime, 2)
    code = os.waitstatus_to_exitcode(status)
    return {"signal": -code, "cpu": cpu} if code < 0 else {"exit": code, "cpu": cpu}


def _too_much(task: Task) -> str:
    """What the script and everything below it have more of than they may."""
    below = _descendants()
    if len(below) > task["processes"]:
        return "processes"
    used = sum(_kilobytes(_status(_PROC / str(each))) for each in below)
    return "memory" if used * 1024 > task["memory_mb"] * MEGABYTE else ""


def _kilobytes(status: dict[str, str]) -> int:
    # What several processes share counts for none of them.
    return sum(int(status.get(name, "0").split()[0]) for name in ("RssAnon", "VmSwap"))


def _end_all(script: int) -> bool:
    """Kill all that descends from us, until none of it is left; whether that was reached.

    Each is stopped first: what is stopped takes up its place and starts no other in the meantime.
    """
    if not _PROC.exists():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(script, signal.SIGKILL)
    stopped: set[int] = set()
    while fresh := _descendants() - stopped:
        _signal(fresh, signal.SIGSTOP)
        stopped |= fresh
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while (left := _descendants()) and time.monotonic() < give_up_at:
        _signal(left, signal.SIGKILL)
        list(_reaped())
        time.sleep(0.002)
    return not left


def _signal(processes: set[int], which: int) -> None:
    for each in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each, which)


def _descendants() -> set[int]:
    parents = {}
    for entry in _processes():
        with suppress(OSError):
            # The name, in parentheses, may hold anything.
            state, parent, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if state not in "ZX":
                parents[int(entry.name)] = int(parent)
    tree: set[int] = {os.getpid()}
    while more := {each for each, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return tree - {os.getpid()}


def _processes() -> Iterator[Path]:
    if _PROC.exists():
        yield from (entry for entry in _PROC.iterdir() if entry.name.isdecimal())


def _status(process: Path) -> dict[str, str]:
    try:
        lines = (process / "status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _prctl(option: int, value: int) -> None:
    """Ask Linux for it; other systems have no such thing."""
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
