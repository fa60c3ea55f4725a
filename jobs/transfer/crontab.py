"""Crontabs as job requests: each line's command becomes a SCRIPT job that runs as cron would run it.

Source of the format: crontab(5) of Vixie cron and cronie. What cron does and Chronos does not, such as
mailing the output, is kept among the payload's other options, which the reader warns about.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.timezone import get_current_timezone_name

from jobs import masking
from jobs.transfer.limits import Unreadable

LONGEST_NAME = 80
MOST_LOOKED_AT = 1000
_TIMES = r"(?:[\d*][\d*/,-]*\s+){2}[\d*?LW][\d*?/,LW-]*\s+[\w*?/,-]+\s+[\w*?/,#-]+"
_ENTRY = re.compile(rf"\s*(?P<times>@[a-z]+|{_TIMES})\s+(?P<command>\S.*)")
_SETTING = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*=(?P<value>.*)")
_COLUMNS = re.compile(r"m(?:in)?\s+h(?:our)?\s+dom\b")
# TZ is the commands' alone: cron does not fire by it.
_ZONE = "CRON_TZ"
_INPUT = re.compile(r"(?<!\\)%")
_BRACES = re.compile(r"(?<!\\)\{\{(?=\s*[A-Za-z])")
# Only the crontab of the system says whose the command is, and hardly one has nothing of root's.
_WITH_USERS = "root"


@dataclass
class Entry:
    """One line that runs something, with the settings and the comment that stood above it."""

    line: int
    times: str
    command: str
    settings: dict[str, str] = field(default_factory=dict)
    comment: str = ""


def is_one(text: str) -> bool:
    """Whether the text begins as a crontab does, and has a line that runs something."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    begins = bool(lines) and bool(_ENTRY.fullmatch(lines[0]) or _SETTING.fullmatch(lines[0]))
    return begins and any(map(_ENTRY.fullmatch, lines))


def read(text: str) -> list[dict[str, Any]]:
    """A request for each line that runs something, in their order. Raises Unreadable."""
    found = list(entries(text))
    has_users = any(each.command.split()[0] == _WITH_USERS for each in found)
    taken: dict[str, int] = {}
    return [_request(each, taken, has_users=has_users) for each in found]


def entries(text: str) -> Iterator[Entry]:
    """The lines that run something. Raises Unreadable for a line that is none and sets nothing either."""
    settings: dict[str, str] = {}
    comment = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            comment = _comment(line)
        elif found := _ENTRY.fullmatch(line):
            yield Entry(number, found["times"], found["command"].rstrip(), dict(settings), comment)
            comment = ""
        elif said := _SETTING.fullmatch(line):
            settings[said["name"]] = _unquoted(said["value"].strip())
            comment = ""
        else:
            raise Unreadable(
                f"Line {number} of the crontab has neither five times and a command nor NAME=value."
            )


def _comment(line: str) -> str:
    """What a comment says of the line below it: the names of the columns and a line taken out say nothing."""
    said = line.strip().lstrip("#").strip()
    return "" if _COLUMNS.match(said) or _ENTRY.fullmatch(said) else said


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _request(entry: Entry, taken: dict[str, int], *, has_users: bool) -> dict[str, Any]:
    user, command = _with_user(entry) if has_users else ("", entry.command)
    environment = dict(entry.settings)
    zone = environment.pop(_ZONE, None)
    shell, mail = environment.pop("SHELL", "/bin/sh"), environment.pop("MAILTO", "")
    payload = {
        "scriptContent": f"#!{shell}\n{_script(command)}\n",
        "environment": environment,
        "cronMailTo": mail,
        "cronUser": user,
    }
    return {
        "name": _name(entry.comment or masking.text(command[:MOST_LOOKED_AT]), taken),
        "type": "SCRIPT",
        "schedule": {
            "scheduleType": "CRON",
            "cronExpression": " ".join(entry.times.split()),
            "timezone": zone or get_current_timezone_name(),
            # As cron does: what was missed stays missed, and a run does not wait for the last one.
            "misfirePolicy": "IGNORE",
            "overlapPolicy": "ALLOW",
        },
        "payload": {name: value for name, value in payload.items() if value},
    }


def _with_user(entry: Entry) -> tuple[str, str]:
    """Whose the command is, and the command, with blanks or tabs between them. Raises Unreadable."""
    user, *command = entry.command.split(maxsplit=1)
    if not command:
        raise Unreadable(f"Line {entry.line} of the crontab names {user} and no command.")
    return user, command[0]


def _script(command: str) -> str:
    """The command as a script: what stands behind the first percent sign is its input, line by line."""
    run, *lines = _INPUT.split(_BRACES.sub(r"\\{{", command))
    run, *lines = (part.replace(r"\%", "%") for part in (run, *lines))
    if not lines:
        return run
    return "\n".join([f"{{ {run.rstrip().rstrip(';')}; }} <<'CRON_INPUT'", *lines, "CRON_INPUT"])


def _name(said: str, taken: dict[str, int]) -> str:
    """A name of its own: jobs of a file are told by their names."""
    name = said if len(said) <= LONGEST_NAME else said[: LONGEST_NAME - 1].rstrip() + "…"
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name} ({taken[name]})"
