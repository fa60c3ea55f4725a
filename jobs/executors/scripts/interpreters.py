"""Who reads a script: what its first line says, where that is on this machine, and how values get into it."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.executors import placeholders

# What people may choose instead of a first line.
CHOICES = {"BASH": "bash", "SH": "sh", "PYTHON3": "python3"}
_SHELL = re.compile(r"(?:ba|da|k|mk|z|a)?sh")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_ESCAPED_OR_QUOTED = re.compile(
    r"\\."
    r"|(?P<comment>(?:^|(?<=[\s;&|()]))#[^\n]*)"
    r"|(?<!<)<<-?[ \t]*(?:(?P<open>['\"])(?P<name>[^'\"\n]+)(?P=open)|\\(?P<plain>\w+))"
    r"|\$?(?P<single>'[^']*')"
    r"|(?P<double>\"(?:[^\"\\]|\\.)*\")",
    re.DOTALL | re.MULTILINE,
)


def words(script: str, chosen: str = "") -> list[str]:
    """The interpreter and its options: what was chosen, else the script's first line, else bash.

    Raises ValueError with a sentence for a first line that names none.
    """
    if chosen:
        return [CHOICES[chosen]]
    first = script.partition("\n")[0]
    if not first.startswith("#!"):
        return ["bash"]
    program, _, options = first[2:].strip().partition(" ")
    if not program.startswith("/"):
        raise ValueError("The first line names no interpreter: write it like #!/usr/bin/env python3.")
    if Path(program).name != "env":
        return [program, options.strip()] if options.strip() else [program]
    said = options.split()
    said = said[1:] if said[:1] == ["-S"] else said
    if not said or said[0].startswith("-") or "=" in said[0]:
        raise ValueError("The first line names no interpreter behind env: write #!/usr/bin/env python3.")
    return said


def is_shell(said: list[str]) -> bool:
    return bool(_SHELL.fullmatch(Path(said[0]).name))


def is_python(said: list[str]) -> bool:
    return bool(_PYTHON.fullmatch(Path(said[0]).name))


def find(said: list[str], path: str) -> list[str] | None:
    """The words with the whole path of the program, or None when this machine has none of the name.

    A shell that is not there is replaced by sh where the script does not ask for one, python3 by the one that
    Chronos runs on.
    """
    program = said[0]
    if os.path.isabs(program) and os.access(program, os.X_OK):
        return said
    name = Path(program).name
    found = shutil.which(name, path=path)
    if not found and is_python(said):
        found = os.path.realpath(sys.executable)
    if not found and said == ["bash"]:
        found = shutil.which("sh", path=path)
    return [found, *said[1:]] if found else None


def check_placeholders(script: str, said: list[str]) -> None:
    """Refuse placeholders where their values would not arrive.

    Raises ValueError with a sentence.
    """
    asked = placeholders.find(script)
    if asked and not is_shell(said):
        raise ValueError(
            "Chronos fills placeholders in shell scripts only. Write a line such as"
            f" VALUE={{{{ {asked[0]} }}}} under Environment, and let {Path(said[0]).name} read it from there."
        )
    for quoted in _literal(script):
        if inside := placeholders.find(quoted):
            raise ValueError(
                f"{{{{ {inside[0]} }}}} stands where the shell takes everything literally: put it between"
                ' double quotes, "like this".'
            )


def _literal(script: str) -> Iterator[str]:
    """What stands between single quotes, or in a here-document whose end is quoted."""
    position = 0
    while found := _ESCAPED_OR_QUOTED.search(script, position):
        position = found.end()
        if found["single"]:
            yield found["single"]
        if name := found["name"] or found["plain"]:
            begin = script.find("\n", position)
            end = re.compile(rf"^\t*{re.escape(name)}$", re.MULTILINE).search(script, max(begin, position))
            position = end.start() if end and begin >= 0 else len(script)
            yield script[begin:position] if begin >= 0 else ""


def bind(script: str, value: Callable[[str], str]) -> tuple[str, dict[str, str]]:
    """The script with a variable for each placeholder, and the variables: no value is ever read as code."""
    return placeholders.bind(script, value, lambda name: f"${{{name}}}", prefix="CHRONOS_VALUE")
