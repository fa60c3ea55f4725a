"""What a run starts ends with the run."""

import os
import signal
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


def test_nothing_is_left_standing_on_a_machine_too_busy_to_look_twice(monkeypatch):
    monkeypatch.setattr(process_tree, "PATIENCE_SECONDS", 0)
    run = context()
    with subprocess.Popen(["/bin/sleep", "300"], env={process_tree.MARK: run.run_id}) as process:
        process_tree.kill(process.pid, run.run_id)
        try:
            assert process.wait(5) == -signal.SIGKILL
        finally:
            process.kill()
