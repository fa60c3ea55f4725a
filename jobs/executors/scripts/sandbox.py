"""Where a script runs: as whom, in which folder, with what environment, under which supervisor."""

import ctypes
import json
import mimetypes
import os
import pwd
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs.executors.base import Artefact, Context, ExecutionError, artefact_limit
from jobs.executors.scripts import process_tree
from jobs.executors.scripts.output import Output, readable

SUPERVISOR = Path(__file__).with_name("supervisor.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARTEFACTS = 100
# From Linux' <sys/prctl.h>.
PR_SET_DUMPABLE = 4


@dataclass(frozen=True)
class User:
    """Whom scripts run as."""

    name: str
    id: int
    group: int


def user() -> User | None:
    """The user that scripts run as: nobody in particular for a worker that runs as root, else its own.

    Raises ExecutionError when it cannot be.
    """
    name = settings.SCRIPT_USER or ("nobody" if os.geteuid() == 0 else "")
    try:
        found = pwd.getpwnam(name) if name else pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise ExecutionError("SYSTEM_ERROR", f"There is no user {name!r} on this machine.") from error
    if found.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise ExecutionError(
            "SYSTEM_ERROR", f"Scripts are to run as {name} here, and for that their worker must run as root."
        )
    return User(found.pw_name, found.pw_uid, found.pw_gid)


def keep_to_ourselves() -> None:
    """Let no process of our own user read what we were started with, such as the database's password."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def private_folder(user: User | None, context: Context) -> Iterator[Path]:
    """A folder with `home`, `tmp` and `artefacts` that only the script can read, removed afterwards.

    The folder itself stays ours: nobody can put a link in its place, or in that of what is in it.
    A supervisor removes it whatever becomes of us; without one, or when that was killed, we do.
    """
    folder = Path(tempfile.mkdtemp(prefix="chronos-run-"))
    try:
        folder.chmod(0o711)
        for each in (folder / "home", folder / "tmp", folder / "artefacts"):
            each.mkdir(mode=0o700)
            _give(each, user)
        yield folder
    finally:
        if folder.exists():
            _remove(folder)
        if folder.exists():
            context.log("WARN", f"The private folder {folder} could not be removed.")


def _give(path: Path, user: User | None) -> None:
    if user:
        os.chown(path, user.id, user.group)


def _remove(folder: Path) -> None:
    """Remove the folder whatever is in it: programs do not mind how deep it is nested."""
    commands = [["/bin/rm", "-rf"]]
    if os.geteuid() != 0:
        commands.insert(0, ["/bin/chmod", "-R", "u+rwX"])
    for command in commands:
        subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, check=False)


def environment(context: Context, private: Path, user: User | None) -> dict[str, str]:
    """What programs expect to be told; the job may say something else."""
    name = user.name if user else pwd.getpwuid(os.geteuid()).pw_name
    home, temporary = str(private / "home"), str(private / "tmp")
    return {"PATH": PATH, "HOME": home, "TMPDIR": temporary, "LANG": "C.UTF-8", "USER": name, "LOGNAME": name}


def script_file(private: Path, script: str, user: User | None) -> Path:
    file = private / "script"
    file.touch(mode=0o700)
    file.write_text(script, encoding="utf-8")
    _give(file, user)
    return file


def working_directory(named: str | None, private: Path) -> str:
    """The folder that the job names, or a private one.

    Raises ExecutionError when it is not there or, links followed, outside the folders for files.
    """
    if not named:
        return str(private / "home")
    folder = Path(named).resolve()
    if not folder.is_dir():
        raise ExecutionError("FILE_ERROR", f"There is no folder {named}.")
    if not any(folder.is_relative_to(root.resolve()) for root in settings.FILE_ROOTS):
        raise ExecutionError(
            "FILE_ERROR", f"{named} is outside the folders that jobs may use: CHRONOS_FILE_ROOTS names them."
        )
    return str(folder)


@contextmanager
def supervised(task: dict[str, Any], context: Context, output: Output) -> Iterator[dict[str, Any]]:
    """Have a supervisor do the task: its report, empty when it was killed.

    It removes the private folder when the block ends, and when we die, but also when the run is to stop:
    whatever the block then makes of that, Cancelled or DeadlineExceeded is raised.
    """
    # As long as the leash is held, the supervisor knows that we live.
    leash, its_end = socket.socketpair()
    with leash, its_end, _pipe() as (report, reported):
        command = [sys.executable, "-I", "-S", str(SUPERVISOR), str(reported.fileno()), task["private"]]
        pipes = {"stdin": its_end, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with process_tree.started(
            context, command, env={}, leash=leash, cwd="/", bufsize=0, pass_fds=[reported.fileno()], **pipes
        ) as process:
            reported.close()
            its_end.close()
            stdout, stderr = process.stdout, process.stderr
            if not (stdout and stderr):
                raise AssertionError("A pipe that was asked for is missing.")
            with suppress(ConnectionError):
                leash.sendall(json.dumps(task).encode() + b"\n")
            said = output.follow(stdout, stderr, report)
            context.check()
            try:
                yield json.loads(said or b"{}")
            finally:
                context.check()


@contextmanager
def _pipe() -> Iterator[tuple[Any, Any]]:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as incoming, open(writer, "wb", buffering=0) as outgoing:
        yield incoming, outgoing


def artefacts(folder: Path, context: Context) -> list[Artefact]:
    """The files in the folder, as far as there is room for them."""
    room = artefact_limit()
    found: list[Artefact] = []
    # The script's own doing, which may be anything: a link, a pipe without an end, a million files.
    for path in sorted(folder.iterdir())[:ARTEFACTS]:
        name = readable(os.fsencode(path.name))
        content = _content(path, room)
        if content is None:
            context.log("WARN", f"{name} is not kept: it is no plain file, or too large.")
            continue
        room -= len(content)
        found.append(Artefact(name, content, mimetypes.guess_type(name)[0] or "application/octet-stream"))
        context.log("INFO", f"Kept the file {name} ({len(content):,} bytes)")
    return found


def _content(file: Path, room: int) -> bytes | None:
    """What is in a plain file that has no other name; None for everything else and for what is too large."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    about = os.fstat(descriptor)
    plain = stat.S_ISREG(about.st_mode) and about.st_nlink == 1 and about.st_size <= room
    if not plain:
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as opened:
        return opened.read(room)
