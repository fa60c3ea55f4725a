"""Processes that kill themselves between two statements, forked from one that is warmed up."""

import os
import signal
import traceback
from itertools import count

from django.db import connection, connections


def dies(act, step):
    """Act in a process that gets SIGKILL just before its `step`-th statement or commit.

    Gives whether it got that far; False when it was done before.
    """
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _act(act, step)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the process failed by itself"
    return os.WIFSIGNALED(status)


def _act(act, step):
    code = 1
    try:
        _count_down(step)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _count_down(step):
    steps, commit = count(1), connection._commit

    def tick():
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute_next(execute, sql, params, many, context):
        tick()
        return execute(sql, params, many, context)

    def commit_next():
        tick()
        commit()

    connection.execute_wrappers.append(execute_next)
    connection._commit = commit_next
