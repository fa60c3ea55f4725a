"""What a run starts ends with the run."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from chronos_site.clock import database_now
from chronos_site.schema import new_ulid
from jobs.executors.base import Cancelled, Context, DeadlineExceeded
from jobs.executors.scripts import process_tree

SCRIPT = """
trap '' TERM
setsid sleep 300 &
(sleep 300 & exit)
echo started
sleep 300
"""

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="processes are told by /proc")


def context(seconds=60):
    return Context(new_ulid(), "j", "job", database_now(), 1, time.monotonic() + seconds, log=print)


def left(run):
    """The processes that carry the run's mark."""
    mark = f"{process_tree.MARK}={run.run_id}".encode()
    return [pid for pid, _ in process_tree._parents() if process_tree._carries(pid, mark)]


def script(run):
    options = {"stdout": subprocess.PIPE, "env": {"PATH": os.defpath}}
    return process_tree.started(run, ["/bin/sh", "-c", SCRIPT], **options)


def test_the_whole_tree_is_gone_when_the_block_ends():
    run = context()
    with script(run) as process:
        assert process.stdout.readline() == b"started\n"
        assert len(left(run)) > 1
    assert left(run) == []


def test_a_cancel_ends_the_tree_and_wakes_who_waits_for_it():
    run = context()
    with script(run) as process:
        process.stdout.readline()
        threading.Thread(target=run.cancel).start()
        process.wait(10)
        assert left(run) == []
    with pytest.raises(Cancelled):
        run.check()


def test_nothing_is_started_for_a_run_whose_time_is_up():
    run = context(0)
    with pytest.raises(DeadlineExceeded), script(run):
        pass
    assert left(run) == []


def test_a_process_of_another_run_is_left_alone():
    with process_tree.started(context(), ["/bin/sleep", "300"], env={}) as process:
        with script(context()) as mine:
            mine.stdout.readline()
        assert process.poll() is None


def on_a_leash(command, before_the_end=lambda process: None):
    """Run the command, which holds its end of a leash as its standard input, until it says something."""
    leash, its_end = socket.socketpair()
    with leash, its_end:
        options = {"stdin": its_end, "stdout": subprocess.PIPE, "env": {"PATH": os.defpath}}
        with process_tree.started(context(), ["/bin/sh", "-c", command], leash=leash, **options) as process:
            its_end.close()
            process.stdout.readline()
            before_the_end(process)
    return process.returncode


def test_a_command_on_a_leash_ends_in_its_own_time():
    assert on_a_leash("sleep 300 & echo; read line; exec <&-; sleep 1.5; exit 7") == 7


def test_a_command_on_a_leash_that_has_been_stopped_is_let_go_on():
    stop = lambda process: process.send_signal(signal.SIGSTOP)  # noqa: E731
    assert on_a_leash("echo; read line; exit 7", before_the_end=stop) == 7


def test_a_command_that_does_not_let_go_of_its_leash_is_killed():
    assert on_a_leash("echo; while :; do :; done") == -signal.SIGKILL


def test_nothing_is_left_standing_on_a_machine_too_busy_to_look_twice(monkeypatch):
    monkeypatch.setattr(process_tree, "PATIENCE_SECONDS", 0)
    run = context()
    with subprocess.Popen(["/bin/sleep", "300"], env={process_tree.MARK: run.run_id}) as process:
        process_tree.kill(process.pid, run.run_id)
        try:
            assert process.wait(5) == -signal.SIGKILL
        finally:
            process.kill()
