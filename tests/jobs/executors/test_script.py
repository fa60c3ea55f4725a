"""SCRIPT jobs run real scripts."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from chronos_site.schema import new_ulid
from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.error_classes import chain
from jobs.executors.script import execute
from jobs.executors.scripts import process_tree, sandbox
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


@pytest.mark.parametrize(
    ("first", "rest", "said"),
    [
        ("#!/usr/bin/env bash", "echo ${BASH_VERSION:0:0}bash", "bash"),
        ("#!/bin/sh", "echo sh", "sh"),
        ("#!/usr/bin/env python3", "print('py' + 'thon')", "python"),
        ("#!/usr/bin/env -S python3 -u", "print('py' + 'thon')", "python"),
        ("#!/usr/bin/perl -w", "print 'perl', \"\\n\"", "perl"),
        ("#!/somewhere/else/bash", "echo found", "found"),
    ],
)
def test_the_first_line_names_the_interpreter(first, rest, said):
    assert run(f"{first}\n{rest}\n").summary == said


def test_a_script_that_names_none_is_read_by_bash():
    assert run("a=(1 2 3); echo ${#a[@]}").summary == "3"


def test_a_chosen_interpreter_comes_before_the_first_line():
    assert run("#!/bin/bash\nprint(6 * 7)", interpreter="PYTHON3").summary == "42"


def test_a_machine_without_the_interpreter_says_so():
    error = failure("#!/usr/bin/env cobol\n")
    assert (error.error_class, error.message) == (
        "INTERPRETER_MISSING",
        "There is no cobol on this worker's machine.",
    )


def test_scripts_that_are_switched_off_do_not_run(settings):
    settings.SCRIPT_ENABLED = False
    assert failure("echo never").error_class == "SCRIPT_DISABLED"


@pytest.mark.parametrize(
    ("script", "error_class", "code", "message"),
    [
        ("echo why >&2; exit 3", "SCRIPT_ERROR", 3, "Exit code 3: why"),
        ("exit 1", "SCRIPT_ERROR", 1, "Exit code 1."),
        (
            "#!/usr/bin/env python3\n1/0",
            "PYTHON_ERROR",
            1,
            "Exit code 1: ZeroDivisionError: division by zero",
        ),
        ("#!/usr/bin/env python3\nraise SystemExit(3)", "SCRIPT_ERROR", 3, "Exit code 3."),
        ("nosuchcommand 2>/dev/null", "COMMAND_NOT_FOUND", 127, "Exit code 127."),
        ("/etc/passwd 2>/dev/null", "NOT_EXECUTABLE", 126, "Exit code 126."),
        ("kill -SEGV $$", "SIGNALLED", 139, "The script was ended by SIGSEGV."),
        ("sh -c 'kill -9 $$'", "SIGNALLED", 137, "Exit code 137 (SIGKILL)"),
    ],
)
def test_a_script_that_fails_says_how(script, error_class, code, message):
    error = failure(script)
    assert (error.error_class, error.exit_code) == (error_class, code)
    assert error.message.startswith(message)


def test_whoever_retries_on_script_errors_retries_all_that_is_the_scripts_own():
    own = (
        "PYTHON_ERROR",
        "COMMAND_NOT_FOUND",
        "SIGNALLED",
        "OUT_OF_MEMORY",
        "LIMIT_EXCEEDED",
        "BACKUP_ERROR",
    )
    assert all("SCRIPT_ERROR" in chain(name) for name in own)


def test_the_job_says_which_exit_codes_are_good_and_what_the_others_mean():
    assert run("exit 3", success_exit_codes=[0, 3]).exit_code == 3
    assert failure("exit 0", success_exit_codes=[3]).error_class == "SCRIPT_ERROR"
    assert failure("exit 4", error_classes={"4": "NETWORK_ERROR"}).error_class == "NETWORK_ERROR"


def test_a_script_is_told_the_facts_and_nothing_of_the_worker(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://chronos:s3cret@db/chronos")
    run_of = context(parameters={"region.name": "north"})
    told = dict(
        line.split("=", 1) for line in run("env", run_of, environment={"A": "b=c"}).data["output"].split("\n")
    )
    facts = {name: told[name] for name in told if name.startswith("CHRONOS_") and name != "CHRONOS_ARTEFACTS"}
    assert facts == {
        "CHRONOS_RUN": run_of.run_id,
        "CHRONOS_RUN_ID": run_of.run_id,
        "CHRONOS_JOB_ID": "job-1",
        "CHRONOS_JOB_NAME": "Nightly",
        "CHRONOS_ATTEMPT": "2",
        "CHRONOS_FIRE_TIME": NOON.isoformat(timespec="seconds"),
        "CHRONOS_PARAM_REGION_NAME": "north",
    }
    assert told["A"] == "b=c"
    of_the_shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    usual = {"CHRONOS_ARTEFACTS", "PATH", "HOME", "TMPDIR", "LANG", "USER", "LOGNAME"}
    assert {*told} - {*facts} - of_the_shell == {"A", *usual}


def test_no_process_above_the_script_shows_the_workers_environment(monkeypatch):
    script = """
    p=$$
    while [ "$p" -gt 1 ]; do
      tr '\\0' '\\n' < /proc/$p/environ 2>/dev/null
      p=$(awk '/^PPid/ {print $2}' /proc/$p/status)
    done | grep -c SECRET_KEY
    exit 0
    """
    assert run(script).summary == "0"


def test_a_variable_cannot_reach_what_runs_before_the_script(tmp_path):
    """A library to preload would be loaded by the supervisor, which may be root."""
    result = run("echo done", environment={"LD_PRELOAD": "/nonexistent.so", "PYTHONHOME": "/nonexistent"})
    assert result.summary == "done"


def test_an_administrator_may_name_whom_scripts_run_as(settings):
    settings.SCRIPT_USER = "nobody"
    if os.geteuid() != 0:
        assert "must run as root" in failure("id -un").message
    else:
        assert run("id -un; id -un").summary == "nobody"
        settings.SCRIPT_USER = "root"
        assert run("id -un").summary == "root"
    settings.SCRIPT_USER = "no such user"
    assert failure("id").error_class == "SYSTEM_ERROR"


def test_a_first_line_that_no_program_can_be_given_is_told_of():
    assert "(exec): Invalid argument" in failure("#!/bin/sh -\0\n").message


def test_nothing_can_be_read_from_the_standard_input():
    assert run("cat; readlink /proc/self/fd/0").summary == "/dev/null"


def test_files_of_a_script_are_its_own_and_gone_afterwards():
    script = "umask; pwd; mkdir -p a/b; touch a/b/c; chmod 000 a/b; chmod 500 a; mktemp -p $TMPDIR >/dev/null"
    umask, folder = run(script).data["output"].split("\n")
    assert umask == "0077"
    assert not Path(folder).parent.exists()


def test_a_folder_nested_deeper_than_anybody_counts_goes_too():
    deep = "for _ in range(3000):\n os.mkdir('d'); os.chdir('d')"
    script = f"#!/usr/bin/env python3\nimport os\n{deep}\nprint(os.environ['HOME'])"
    assert not Path(run(script).summary).parent.exists()


def test_a_working_directory_lies_inside_the_folders_for_files(settings, tmp_path):
    settings.FILE_ROOTS = [tmp_path]
    (tmp_path / "media").mkdir()
    (tmp_path / "media").chmod(0o777)
    (tmp_path / "out").symlink_to("/etc")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder != Path(tempfile.gettempdir()):
            folder.chmod(0o755)
    assert run("pwd", working_directory=f"{tmp_path}/media").summary == f"{tmp_path}/media"
    assert failure("pwd", working_directory="/etc").message.startswith("/etc is outside the folders")
    assert failure("pwd", working_directory=f"{tmp_path}/out").error_class == "FILE_ERROR"
    assert (
        failure("pwd", working_directory=f"{tmp_path}/none").message == f"There is no folder {tmp_path}/none."
    )


def test_files_that_a_script_leaves_for_people_are_kept():
    result = run("echo a,b > $CHRONOS_ARTEFACTS/orders.csv; printf x > $CHRONOS_ARTEFACTS/b")
    assert [(each.name, each.content) for each in result.artefacts] == [("b", b"x"), ("orders.csv", b"a,b\n")]
    assert [each.media_type for each in result.artefacts] == ["application/octet-stream", "text/csv"]


def test_files_of_a_script_that_fails_are_kept_too():
    assert failure("echo a > $CHRONOS_ARTEFACTS/a; exit 1").artefacts[0].content == b"a\n"


def test_only_plain_files_with_one_name_are_kept(settings):
    settings.ARTEFACT_LIMIT_MB = 1
    logged = []
    script = """
    cd $CHRONOS_ARTEFACTS
    ln -s /etc/shadow link; mkfifo pipe; mkdir folder; echo a > a; ln a other; truncate -s 1G large
    echo b > b
    """
    result = run(script, context(logged=logged))
    assert [each.name for each in result.artefacts] == ["b"]
    assert sum("is not kept" in message for _, message in logged) == 6


VALUE = "a b; touch /tmp/owned; $(touch /tmp/owned) '\" * \n`id`"


def test_a_placeholder_is_a_variable_and_never_code():
    script = 'printf "%s" "{{ param:x }}|{{ param:x }}" | od -c | tail -1; printf "<%s>" "{{ secret:y }}"'
    result = run(script, context(value={"param:x": "1", "secret:y": VALUE}.__getitem__))
    assert result.data["output"].split("\n", 1)[1] == f"<{VALUE}>".replace("\x00", "")
    assert not Path("/tmp/owned").exists()


def test_braces_that_are_no_placeholder_stay():
    assert run("echo '{{.Names}}' '\\{{ word }}'").summary == "{{.Names}} {{ word }}"


def test_a_value_that_no_variable_can_hold_is_refused():
    assert failure('echo "{{ param:x }}"', context(value=lambda _: "a\0b")).error_class == "PLACEHOLDER_ERROR"
    assert "too long" in failure('echo "{{ param:x }}"', context(value=lambda _: "x" * 200_000)).message


def test_output_is_harmless_text():
    script = r"""printf '\033[31mred\033[0m \033]0;title\007\033[2J<b>\xff\a\n10%%\r20%%\r\n'"""
    assert written(script) == [("INFO", "red <b>\ufffd\\x07"), ("INFO", "20%")]


def test_a_line_that_is_too_long_is_cut():
    [(_, line)] = written("head -c 10000000 /dev/zero | tr '\\0' x; echo")
    assert line == "x" * 4000 + " … (a line of 10,000,001 bytes)"


def test_passwords_in_the_output_are_masked():
    assert written("echo https://ada:s3cret@example.com/") == [("INFO", "https://ada:••••••••@example.com/")]


@pytest.mark.parametrize(
    ("flood", "lines"), [("yes", 15_000_002), (f"yes {'x' * 4999}", 6_002)], ids=["of lines", "of bytes"]
)
def test_a_flood_is_cut_and_its_end_kept_while_the_script_goes_on(flood, lines):
    logged = []
    result = run(f"{flood} | head -c 30000000; echo; echo the end", context(logged=logged))
    assert sum(len(message) for _, message in logged) < 1_100_000
    assert len(logged) < 21_000
    cut = "Output cut here: a run keeps 1,000,000 bytes and 20,000 lines of it, and its end."
    assert cut in [message for _, message in logged]
    assert (result.summary, result.data["lines"]) == ("the end", lines)


def left(of):
    """Processes that carry the run's mark."""
    mark = f"{process_tree.MARK}={of.run_id}".encode()
    return [pid for pid, _ in process_tree._parents() if process_tree._carries(pid, mark)]


def cancel_and_die(of, step):
    """Run a script, cancel it once it has begun, and die after so many signals to what is to be ended."""
    send, sent = os.kill, count(1)

    def kill(pid, which):
        send(pid, which)
        if next(sent) == step:
            send(os.getpid(), signal.SIGKILL)

    def log(level, message, **fields):
        if message == "begun":
            threading.Thread(target=of.cancel).start()

    process_tree.os = SimpleNamespace(**{**vars(os), "kill": kill})
    try:
        run("(setsid sleep 300 &)\nsleep 300 &\necho begun\nsleep 300", replace(of, log=log))
    finally:
        os._exit(0)


ENDED = "echo done"
CANCELLED = "echo begun; sleep 300"


def die_after(module, name, of, script, told):
    """Run a script, cancelled when it says that it has begun, and die once the function has been called."""
    call = getattr(module, name)

    def last(*args):
        call(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    def log(level, message, **fields):
        if message.startswith("Running"):
            told.write_text(message)
        if message == "begun":
            threading.Thread(target=of.cancel).start()

    setattr(module, name, last)
    try:
        run(script, replace(of, log=log))
    finally:
        os._exit(0)


@pytest.mark.parametrize(
    ("module", "name", "script"),
    [
        (json, "dumps", ENDED),
        (sandbox, "artefacts", ENDED),
        (process_tree, "kill", ENDED),
        (process_tree, "kill", CANCELLED),
    ],
    ids=["it gives the task", "it reads the files", "the script has ended", "it has ended the script"],
)
def test_a_worker_leaves_no_folder_of_a_script_behind_when_it_dies_once(module, name, script, tmp_path):
    of, told = context(), tmp_path / "told"
    worker = os.fork()
    if not worker:
        die_after(module, name, of, script, told)
    assert os.waitpid(worker, 0)[1] == signal.SIGKILL
    home = Path(told.read_text().split()[3])
    assert home.name == "home"
    assert eventually(lambda: not home.parent.exists())
    assert eventually(lambda: left(of) == [])


def test_a_cancel_while_the_files_of_a_script_are_read_is_no_failure():
    def log(level, message, **fields):
        if message.startswith("Ended"):
            of.cancel()
            assert eventually(lambda: left(of) == [])

    of = context()
    with pytest.raises(Cancelled):
        run("echo a > $CHRONOS_ARTEFACTS/a", replace(of, log=log))


@pytest.mark.parametrize("step", range(1, 9))
def test_a_worker_that_dies_while_it_ends_a_script_leaves_nothing_of_it_standing(step):
    of = context()
    worker = os.fork()
    if not worker:
        cancel_and_die(of, step)
    os.waitpid(worker, 0)
    give_up_at = time.monotonic() + 10
    while (standing := left(of)) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    for each in standing:
        os.kill(each, signal.SIGKILL)
    assert standing == []


def runs_with(words):
    """Whether a process has the words, a regular expression, in its command line."""
    return subprocess.run(["pgrep", "-f", words], stdout=subprocess.DEVNULL).returncode == 0


ESCAPES = [
    "sleep {} & disown",
    "setsid sleep {} &",
    "(setsid sleep {} &)",
    "env -i setsid sleep {} &",
    "env -i sh -c '(setsid sleep {} &) &'",
    "trap '' TERM HUP INT; sleep {} &",
]


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_script_ends_and_takes_along_what_it_leaves_behind(escape):
    seconds = f"{time.monotonic_ns()}"
    began = time.monotonic()
    assert run(escape.format(seconds) + "\nsleep 0.1; echo done").summary == "done"
    assert time.monotonic() - began < 3
    assert not runs_with(f"sleep {seconds}")


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_cancel_ends_everything_within_moments(escape):
    of, seconds = context(), f"{time.monotonic_ns()}"
    threading.Timer(0.5, of.cancel).start()
    with pytest.raises(Cancelled):
        run(f"{escape.format(seconds)}\ntrap '' TERM\nsleep {seconds}\nsleep {seconds}", of)
    assert of.deadline - time.monotonic() > 16
    assert not runs_with(f"sleep {seconds}")
    assert left(of) == []


def test_a_cancel_outruns_what_starts_new_processes_all_the_time():
    of, seconds = context(), f"{time.monotonic_ns()}"
    threading.Timer(0.7, of.cancel).start()
    spawner = f"while :; do env -i setsid sh -c 'sleep {seconds} & sleep 0.01' & done"
    with pytest.raises(Cancelled):
        run(f"{spawner} & {spawner} & wait", of, processes=200)
    assert of.remaining > 15
    assert not runs_with(f"sleep {seconds}")


@pytest.mark.parametrize("script", ["sleep 1000", "yes", "cat /dev/zero", "while :; do :; done", "yes >&2"])
def test_time_that_is_up_ends_the_script(script):
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run(script, context(1))
    assert time.monotonic() - began < 2.5


def test_what_a_script_wrote_last_is_kept_though_its_line_never_ended():
    logged = []
    with pytest.raises(DeadlineExceeded):
        run("echo one; printf 'Waiting for the lock'; sleep 1000", context(1, logged))
    assert logged[1:] == [("INFO", "one"), ("INFO", "Waiting for the lock")]


MANY = "for i in 1 2 3 4 5 6; do perl -e '$x = \"a\" x 60e6; sleep 20' & done; wait"


@pytest.mark.parametrize(
    ("script", "options", "error_class"),
    [
        ("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}", {"memory_mb": 100}, "SCRIPT_ERROR"),
        (MANY, {"memory_mb": 200}, "OUT_OF_MEMORY"),
        ("while :; do :; done", {"cpu_seconds": 1}, "LIMIT_EXCEEDED"),
        ("cat /dev/zero > large", {"file_mb": 2}, "LIMIT_EXCEEDED"),
        ("for i in $(seq 30); do sleep 20 & done; wait", {"processes": 10}, "LIMIT_EXCEEDED"),
        (":(){ :|:& };:; sleep 20", {"processes": 50}, "LIMIT_EXCEEDED"),
    ],
    ids=["memory", "memory of many", "computing", "file", "processes", "fork bomb"],
)  # fmt: skip
def test_a_script_that_takes_too_much_is_ended(script, options, error_class):
    of = context()
    error = failure(script, of, **options)
    assert error_class in chain(error.error_class)
    assert of.remaining > 10
    assert left(of) == []


# A worker of our own in another process: it can be killed, and be another user.
WORKER = """
import ctypes, os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from django.conf import settings
settings.SCRIPT_ENABLED = True
from jobs.executors.base import Context, ExecutionError, Payload
from jobs.executors.script import execute
from tests.factories import NOON
run_id, python, script = sys.argv[1:]
if python and os.geteuid() == 0:
    sys.executable = python
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    # As after a start: changing the user closes the process already.
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
log = lambda level, message, **fields: print(level, message, flush=True)
context = Context(run_id, "job-1", "Nightly", NOON, 1, time.monotonic() + 20, log=log)
try:
    print("SUCCESS", execute(Payload({"script_content": script}), context).summary, flush=True)
except ExecutionError as error:
    print(error.error_class, error.message, flush=True)
"""
ROOT = Path(__file__).resolve().parents[3]


def worker(script, run_id="r", python=""):
    """A process that runs the script, as nobody where a Python is given that everybody may use."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STOLEN": "s3cret"}
    command = [sys.executable, "-c", WORKER, run_id, python, script]
    return subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.PIPE, text=True)


def eventually(condition, seconds=10):
    give_up_at = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return found


def test_a_worker_that_is_killed_takes_along_its_scripts_and_their_folders():
    of = context()
    seconds = f"{time.monotonic_ns()}"
    with worker(f"pwd; setsid sleep {seconds}1 & env -i setsid sleep {seconds}2 & wait", of.run_id) as killed:
        folder = next(line.split()[1] for line in killed.stdout if "/home" in line and "Running" not in line)
        for each in (1, 2):
            assert eventually(partial(runs_with, f"^sleep {seconds}{each}"))
        killed.kill()
        assert eventually(lambda: not runs_with(f"sleep {seconds}"))
        assert eventually(lambda: not Path(folder).parent.exists())
    assert left(of) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have scripts run as somebody else")
def test_a_script_cannot_end_what_is_not_its_own(settings):
    # All that its user runs ends, and as nobody run the scripts of other tests.
    settings.SCRIPT_USER = "games"
    assert run("kill -9 $PPID; kill -9 -1; echo alive").summary == "alive"


def as_nobody(script, run_id="r"):
    others = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([python, "-c", "import ctypes, json"], check=True, **others)
            return worker(script, run_id, python)
    pytest.skip("no Python here is for others than root")


def said_as_nobody(script):
    with as_nobody(script) as ended:
        return ended.stdout.read().splitlines()[-1]


def test_a_worker_that_is_not_root_keeps_its_environment_to_itself():
    reads = "p=$(awk '/^PPid/ {print $2}' /proc/$PPID/status); cat /proc/$p/environ | tr '\\0' '\\n'; echo $?"
    assert said_as_nobody(f"set -o pipefail; {reads}") == "SUCCESS 1"


def test_a_worker_that_is_not_root_removes_what_its_scripts_have_locked_away():
    said = said_as_nobody("mkdir -p a/b; touch a/b/c; chmod 0 a/b a; pwd")
    assert said.startswith("SUCCESS /")
    assert not Path(said.split()[1]).parent.exists()


def test_what_a_script_has_locked_away_goes_with_its_worker_too():
    with as_nobody("mkdir -p a/b; touch a/b/c; chmod 0 a/b a; pwd; sleep 300") as killed:
        folder = next(line.split()[1] for line in killed.stdout if "/home" in line and "Running" not in line)
        killed.kill()
    assert eventually(lambda: not Path(folder).parent.exists())


def test_a_script_that_kills_its_supervisor_ends_with_it():
    of = context()
    with as_nobody("sleep 300 & pwd; kill -9 $PPID; sleep 300", of.run_id) as ended:
        said = ended.stdout.read().splitlines()
    assert said[-1].startswith("SIGNALLED The script was ended by SIGKILL")
    assert left(of) == []
    assert not Path(said[1].split()[1]).parent.exists()
