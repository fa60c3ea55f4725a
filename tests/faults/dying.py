"""Processes that kill themselves between two steps, forked from one that is warmed up."""

import os
import signal
import traceback
from functools import partialmethod
from itertools import count
from threading import Event

from django.db import connection, connections


def dies(act, step, *, calls=()):
    """Act in a process that gets SIGKILL just before its `step`-th statement or commit.

    Where there are `calls`, pairs of a class and a method's name, the steps are these and the commits that
    follow the first of them. Gives whether it got that far; False when it was done before.
    """
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _act(act, step, calls)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the process failed by itself"
    return os.WIFSIGNALED(status)


def _act(act, step, calls):
    code = 1
    try:
        _count_down(step, calls)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _count_down(step, calls):
    steps, commit, begun = count(1), connection._commit, Event()

    def tick():
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute_next(execute, sql, params, many, context):
        tick()
        return execute(sql, params, many, context)

    def commit_next():
        if begun.is_set() or not calls:
            tick()
        commit()

    def call_next(self, method, *args, **kwargs):
        begun.set()
        tick()
        return method(self, *args, **kwargs)

    connection._commit = commit_next
    if not calls:
        connection.execute_wrappers.append(execute_next)
    for owner, name in calls:
        setattr(owner, name, partialmethod(call_next, getattr(owner, name)))
