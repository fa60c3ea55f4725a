"""How a script ended: what its exit code, a signal or a limit means."""

import errno
import os
import signal
from typing import Any, NoReturn

from jobs import masking
from jobs.executors.base import Artefact, Context, ExecutionError, Payload, Result
from jobs.executors.scripts import interpreters
from jobs.executors.scripts.output import Output
from jobs.executors.wording import counted

SUMMARY_CHARACTERS = 200
TAIL_CHARACTERS = 2_000


def tell(ended: dict[str, Any], output: Output, context: Context) -> None:
    lines = f"{counted(output.stdout.lines, 'line')} of output, {output.stderr.lines:,} of error output"
    how = f"exit code {ended['exit']}" if "exit" in ended else "no exit code"
    context.log("INFO", f"Ended with {how}: {lines}, {ended.get('cpu', 0):g} s of computing")


def judge(
    ended: dict[str, Any], output: Output, task: dict[str, Any], payload: Payload, files: list[Artefact]
) -> Result:
    """The result of a script that ended well, by its exit code.

    `ended` is the supervisor's report on the `task`. Raises ExecutionError for every other end, with the
    script's files.
    """
    if "error" in ended:
        _refuse_start(ended, task)
    code = ended.get("exit", 128 + ended.get("signal", signal.SIGKILL))
    last = masking.text(output.last_line)
    data = {
        "exit_code": code,
        "cpu_seconds": ended.get("cpu"),
        "lines": output.stdout.lines,
        "error_lines": output.stderr.lines,
        "output": masking.text(output.stdout.tail[-TAIL_CHARACTERS:]),
        "error_output": masking.text(output.stderr.tail[-TAIL_CHARACTERS:]),
    }
    if ended.get("exit") in (payload.options.get("success_exit_codes") or [0]):
        return Result(last[:SUMMARY_CHARACTERS] or f"Exit code {code}, no output", data, code, files)
    error_class, sentence = _failure(ended, task, payload)
    said = masking.text(output.stderr.last_line) or last
    message = f"{sentence}: {said[:SUMMARY_CHARACTERS]}" if said else f"{sentence}."
    raise ExecutionError(error_class, message, exit_code=code, result=data, artefacts=files)


def _refuse_start(ended: dict[str, Any], task: dict[str, Any]) -> NoReturn:
    why = os.strerror(ended["errno"])
    who = task["user"]["name"] if task["user"] else "the worker's user"
    if ended["error"] == "chdir":
        raise ExecutionError("FILE_ERROR", f"{who} cannot enter {task['folder']}: {why}.")
    if ended["error"] == "exec" and ended["errno"] == errno.E2BIG:
        raise ExecutionError("SYSTEM_ERROR", "A variable of the script is too long: 131,071 bytes at most.")
    raise ExecutionError(
        "SYSTEM_ERROR", f"{who} cannot run {task['command'][0]} here ({ended['error']}): {why}."
    )


def _failure(ended: dict[str, Any], task: dict[str, Any], payload: Payload) -> tuple[str, str]:
    """Error class and sentence of a script that did not end well."""
    limits = {
        "memory": ("OUT_OF_MEMORY", f"The script used more than {task['memory_mb']:,} MB of memory"),
        "processes": ("LIMIT_EXCEEDED", f"The script had more than {task['processes']:,} processes"),
        signal.SIGXCPU: ("LIMIT_EXCEEDED", f"The script computed for {task['cpu_seconds'] or 0:,} s"),
        signal.SIGXFSZ: ("LIMIT_EXCEEDED", f"A file of the script grew to {task['file_mb']:,} MB"),
    }
    said = interpreters.words(payload.script_content, payload.options.get("interpreter") or "")
    code = ended.get("exit")
    if code is not None:
        chosen = (payload.options.get("error_classes") or {}).get(str(code))
        if chosen:
            return chosen, f"Exit code {code}"
    # A shell whose last command was ended by a signal says so in its exit code.
    ended_by = ended.get("signal") or (
        code - 128 if code and code > 128 and interpreters.is_shell(said) else 0
    )
    cause = ended.get("stopped") or ended_by
    if cause in limits:
        return limits[cause]
    if code is None or ended_by:
        name = _signal_name(ended_by or signal.SIGKILL)
        return (
            "SIGNALLED",
            f"The script was ended by {name}" if code is None else f"Exit code {code} ({name})",
        )
    return _class_of(code, said), f"Exit code {code}"


def _class_of(code: int, said: list[str]) -> str:
    if interpreters.is_shell(said) and code in (126, 127):
        return "COMMAND_NOT_FOUND" if code == 127 else "NOT_EXECUTABLE"
    return "PYTHON_ERROR" if interpreters.is_python(said) and code == 1 else "SCRIPT_ERROR"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
