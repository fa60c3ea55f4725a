"""Names in the texts of a report: `$team` stands for what the template data says.

`$$` is a dollar sign, and a dollar before anything but a letter is one too. Nothing is evaluated, and
what is put in is never looked at again.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAME = re.compile(r"\$(?:(?P<dollar>\$)|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})")
# What every report with a period knows by itself.
PERIOD = "period"


def data(
    report_type: str | None, parameters: Mapping[str, Any] | None, template_data: Mapping[str, Any] | None
) -> dict[str, str]:
    """What the names stand for, as text: the template data and, unless they are a query's, the parameters."""
    found = {**({} if report_type == "QUERY" else parameters or {}), **(template_data or {})}
    return {name: value if isinstance(value, str) else _said(value) for name, value in found.items()}


def named(text: str) -> list[str]:
    """The names in the text, each once."""
    found = (each["plain"] or each["braced"] for each in _NAME.finditer(text))
    return list(dict.fromkeys(filter(None, found)))


def filled(text: str, words: Mapping[str, str]) -> str:
    """The text with what its names stand for; raises KeyError for one that stands for nothing."""
    return _NAME.sub(lambda each: "$" if each["dollar"] else words[each["plain"] or each["braced"]], text)


def unnamed(data: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """Those of the data that none of the texts name."""
    used = {name for text in texts for name in named(text)}
    return {name: value for name, value in data.items() if name not in used}


def _said(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
