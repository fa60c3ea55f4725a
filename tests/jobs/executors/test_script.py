"""SCRIPT jobs run real scripts."""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from chronos_site.schema import new_ulid
from jobs.executors import process_tree
from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload, chain
from jobs.executors.script import execute
from tests.factories import NOON


@pytest.fixture(autouse=True)
def _switched_on(settings):
    settings.SCRIPT_ENABLED = True


def context(seconds=20, logged=None, **over):
    def log(level, message, **fields):
        if logged is not None:
            logged.append((level, message))

    return Context(new_ulid(), "job-1", "Nightly", NOON, 2, time.monotonic() + seconds, log=log, **over)


def run(script, within=None, **options):
    return execute(Payload({"script_content": script, "metadata": options}), within or context())


def failure(script, within=None, **options):
    with pytest.raises(ExecutionError) as caught:
        run(script, within, **options)
    return caught.value


def written(script, **options):
    """The lines that a script leaves in the log, without those of Chronos itself."""
    logged = []
    run(script, context(logged=logged), **options)
    return logged[1:-1]


def test_a_script_runs_to_its_end_and_its_last_line_says_how_it_went():
    result = run("#!/bin/bash\necho one\nfor i in {1..3}; do echo file $i; done\n")
    assert result.summary == "file 3"
    assert (result.exit_code, result.data["lines"]) == (0, 4)


def test_both_outputs_are_logged_line_by_line_at_their_levels():
    lines = written("echo a; echo b >&2; sleep 0.1; printf c")
    assert sorted(lines) == [("INFO", "a"), ("INFO", "c"), ("WARN", "b")]
