"""The Procfile's processes under honcho: started again when they die, ended together."""

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from honcho import manager
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer
from honcho.process import Process

from chronos_site import env

# One that dies at once is started again after 1, 2, 4, ... seconds.
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
# The scheduler starts without it after so long.
WEB_SECONDS = 15.0
# How a product ends that was asked to: by Ctrl-C, by SIGTERM.
ASKED_TO = (130, 143)


def run() -> int:
    """Run every process of the Procfile until told to stop; gives the exit code."""
    grace = _grace()
    manager.KILL_WAIT = grace + 5
    processes = Processes(CalmPrinter(sys.stdout))
    for name, command in _commands():
        processes.add_process(name, command, env=_environment(name, grace), cwd=str(env.BASE_DIR))
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    processes.loop()
    code: int = processes.returncode
    return 0 if code in ASKED_TO else code


def _grace() -> int:
    """Seconds that running work gets to end: fewer than elsewhere, somebody waits for their prompt."""
    return env.number("CHRONOS_STOP_GRACE_SECONDS", 5)


def _commands() -> Iterator[tuple[str, str]]:
    many = {"worker": env.number("CHRONOS_WORKERS", 2, least=1)}
    for kind, command in parse_procfile((env.BASE_DIR / "Procfile").read_text()).processes.items():
        for index in range(many.get(kind, 1)):
            yield f"{kind}.{index + 1}", command


def _environment(name: str, grace: int) -> dict[str, str]:
    programs = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return os.environ | {
        "HONCHO_PROCESS_NAME": name,
        "PATH": programs,
        "CHRONOS_STOP_GRACE_SECONDS": str(grace),
    }


def _web_listens() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(env.listening(), timeout=1):
        return True
    return False


class CalmPrinter(Printer):  # type: ignore[misc]
    """Leaves out who is sent which signal, and goes on when the terminal is gone."""

    def write(self, message: Message) -> None:
        if isinstance(message.data, str) and message.data.startswith("sending SIGTERM"):
            return
        with contextlib.suppress(OSError):
            super().write(message)


class Kept(Process):  # type: ignore[misc]
    """A process that is started again when it ends unasked."""

    stopping = multiprocessing.Event()

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # We end when our process does. Not SIG_IGN: that would be handed on to the process.
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._end_with_manager, daemon=True).start()
        if self.name.startswith("scheduler."):
            self._await_web()
        pause = 1.0
        while True:
            ears, began = _Ears(events), time.monotonic()
            super().run(ears)
            if time.monotonic() - began > STEADY_SECONDS:
                pause = 1.0
            if not self.stopping.is_set():
                code = ears.stopped.data["returncode"]
                told = f"ended with code {code}; starting it again\n"
                events.put(ears.stopped._replace(type="line", data=told))
            if self.stopping.wait(pause):
                events.put(ears.stopped)
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _await_web(self) -> None:
        """Jobs may call Chronos itself: what is due at the start is to find it there."""
        give_up_at = time.monotonic() + WEB_SECONDS
        while not _web_listens() and time.monotonic() < give_up_at and not self.stopping.wait(0.05):
            pass

    def _end_with_manager(self) -> None:
        """When the manager was killed nobody else is left to end the process."""
        manager = multiprocessing.parent_process()
        if manager:
            manager.join()
            self.stopping.set()
            self._child.terminate()
            self._child.wait()
            # Nobody reads any more what this process still has to say, so it must not wait to be heard.
            os._exit(1)


class _Ears:
    """Passes on what a process says, but keeps its end: for honcho the first end is everybody's."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self.stopped: Any = None

    def put(self, message: Message) -> None:
        if message.type == "stop":
            self.stopped = message
        else:
            self._events.put(message)


class Processes(manager.Manager):  # type: ignore[misc]
    """Honcho's manager of kept processes."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self._process_ctor = Kept

    def terminate(self) -> None:
        Kept.stopping.set()
        if self._all_started():
            super().terminate()
        else:
            # One that has not told its id yet cannot be sent a signal: ask again in a moment.
            signal.signal(signal.SIGALRM, lambda *_: self.terminate())
            signal.setitimer(signal.ITIMER_REAL, 0.1)
