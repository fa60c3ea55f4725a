"""Files of job requests: JSON, YAML or a crontab to plain values, and values back to JSON or YAML.

Files come from anywhere. What is read is only ever null, true, false, numbers, text, lists and objects, of
bounded size, depth and number; whatever else a file holds is refused in a sentence.
"""

import json
from pathlib import PurePath
from typing import Any, Literal

from jobs.transfer import crontab, yaml_values
from jobs.transfer.limits import DEPTH_LIMIT, SIZE_LIMIT, TOO_DEEP, Unreadable

Format = Literal["json", "yaml"]


def format_of(name: str) -> Format | None:
    """The format that a file's name tells."""
    endings: dict[str, Format] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
    return endings.get(PurePath(name).suffix.lower())


def read(content: bytes, file_format: Format | None = None) -> Any:
    """The value in a file; where the format is not known, `{` and `[` begin JSON, or YAML that is none,
    and what looks like a crontab is one.

    Raises Unreadable.
    """
    if len(content) > SIZE_LIMIT:
        raise Unreadable(f"The file is larger than {SIZE_LIMIT:,} bytes: split it.")
    text = text_of(content)
    try:
        if file_format is None:
            return _either(text)
        return _json(text) if file_format == "json" else yaml_values.read(text)
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None


def write(value: Any, file_format: Format) -> str:
    """The value as the text of a file; `read` gives the same value back."""
    if file_format == "yaml":
        return yaml_values.write(value)
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def text_of(content: bytes) -> str:
    """The text of a file. Raises Unreadable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The file is no text in UTF-8.") from None
    if not text.strip():
        raise Unreadable("The file is empty.")
    return text


class _NoJson(Unreadable):
    pass


def _either(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return crontab.read(text) if crontab.is_one(text) else yaml_values.read(text)
    try:
        return _json(text)
    except _NoJson as why:
        try:
            return yaml_values.read(text)
        except Unreadable:
            raise why from None


def _json(text: str) -> Any:
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _NoJson(f"The file is no JSON: {error.msg.lower()}, {where}.") from None
    except Unreadable:
        raise
    except ValueError:
        # Python reads no numbers of thousands of digits.
        raise Unreadable("The file holds a number that is too large.") from None
    _check_depth(found)
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Unreadable(f"The key {key[:60]!r} stands twice in one object.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise Unreadable(f"The file is no JSON: {name} is no number that JSON knows.")


def _check_depth(found: Any) -> None:
    level = [found]
    for _ in range(DEPTH_LIMIT):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise Unreadable(TOO_DEEP)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
