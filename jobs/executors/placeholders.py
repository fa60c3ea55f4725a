"""Placeholders in payloads: `{{ fire.date - 1d }}`, `{{ param:region=north }}`, `{{ secret:token }}`.

| placeholder | stands for |
|---|---|
| `secret:name` | the secret of that name |
| `param:name` | what was given at run-now or backfill; `param:name=text` is `text` where nothing was |
| `fire.time`, `fire.date` | the tick, in the job's time zone: 2026-11-26T14:00:00+01:00, 2026-11-26 |
| `fire.time + 2h`, `fire.date - 1d` | the same moved by s, m, h, d or w; days and weeks by the calendar |
| `job.name`, `job.id`, `run.id`, `run.attempt` | what they say |

Two opening braces with a word behind them are a placeholder; `\\{{ word }}` is kept as `{{ word }}`. What
begins otherwise, such as `{{.Names}}` or `{{7*7}}`, is plain text. Nothing is evaluated.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"
# No two parts of it can take the same blanks: however many there are, they are read once.
_WORDS = re.compile(r"(?P<escaped>\\?)\{\{\s*(?P<said>[A-Za-z](?:[^{}\n]*[^{}\s])?)\s*\}\}")
_KNOWN = re.compile(
    rf"secret:(?P<secret>{_NAME})"
    rf"|param:(?P<param>{_NAME})(?:=(?P<default>[^{{}}\n]*))?"
    r"|fire\.(?P<fire>time|date)(?:\s*(?P<sign>[+-])\s*(?P<count>\d{1,5})(?P<unit>[smhdw]))?"
    r"|(?P<plain>job\.name|job\.id|run\.id|run\.attempt)"
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EXAMPLES = "{{ fire.date - 1d }}, {{ job.name }}, {{ run.id }}, {{ param:name }} or {{ secret:name }}"


class Unknown(ValueError):
    """There is no such placeholder; `str()` is the sentence for the person."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"{{{{ {said[:60]} }}}} is no placeholder: write {_EXAMPLES}, or \\{{{{ to keep the braces."
        )


class Missing(LookupError):
    """A placeholder has no value for this run; `str()` is the sentence for the person."""


def mentions(value: Any) -> bool:
    """Whether text, or JSON at any depth, has braces that `fill` might replace."""
    return any("{{" in text for text in _texts(value))


def find(value: Any) -> list[str]:
    """What stands between the braces of the placeholders in text, or in JSON at any depth, each once."""
    return list(dict.fromkeys(said for text in _texts(value) for said in _said(text)))


def _said(text: str) -> Iterator[str]:
    if "{{" not in text:
        return iter(())
    return (found["said"] for found in _WORDS.finditer(text) if not found["escaped"])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(name)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def check(value: Any) -> None:
    """Raises Unknown for the first placeholder in text or JSON that nobody could fill."""
    for said in find(value):
        if not _KNOWN.fullmatch(said):
            raise Unknown(said)


def parameters(value: Any) -> dict[str, str | None]:
    """The names of the parameters that it asks for, with their defaults."""
    found = (_KNOWN.fullmatch(said) for said in find(value))
    asked: dict[str, str | None] = {}
    for each in found:
        if each and each["param"]:
            asked[each["param"]] = asked.get(each["param"]) or each["default"]
    return asked


def without_default(value: Any) -> list[str]:
    """The names of the parameters that somebody must give: scheduled runs have nobody who does."""
    return [name for name, default in parameters(value).items() if default is None]


def secrets(value: Any) -> set[str]:
    """The names of the secrets that it asks for."""
    found = (_KNOWN.fullmatch(said) for said in find(value))
    return {each["secret"] for each in found if each and each["secret"]}


def fill(value: Any, lookup: Callable[[str], str], *, keep_escapes: bool = False) -> Any:
    """Text or JSON with each placeholder replaced by what `lookup` gives for what it says.

    `\\{{ word }}` becomes `{{ word }}`, unless escapes are to be kept.
    """

    def filled(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found[0] if keep_escapes else found[0][1:]
        return lookup(found["said"])

    return change(value, lambda text: _WORDS.sub(filled, text))


def change(value: Any, each: Callable[[str], str]) -> Any:
    """Text, or JSON with its keys, with every text in it as `each` makes it."""
    if isinstance(value, str):
        return each(value)
    if isinstance(value, Mapping):
        return {change(name, each): change(inner, each) for name, inner in value.items()}
    if isinstance(value, list):
        return [change(inner, each) for inner in value]
    return value


def bind(
    text: str, lookup: Callable[[str], str], mark: Callable[[str], str], *, prefix: str = "chronos"
) -> tuple[str, dict[str, str]]:
    """The text with each placeholder replaced by the mark of a name, and the values of these names.

    For text that is code: `mark` makes `:chronos_1` or `${CHRONOS_1}` of the name, so that no value is
    ever read as code.
    """
    names = {said: f"{prefix}_{number}" for number, said in enumerate(find(text), 1)}
    marked = fill(text, lambda said: mark(names[said]))
    return marked, {name: lookup(said) for said, name in names.items()}


def lookup(
    told: Mapping[str, str],
    *,
    fired: datetime,
    parameters: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Callable[[str], str]:
    """What gives the text for a placeholder of one run.

    `told` holds job.name and the like; `fired` is the tick in the job's zone. What it gives raises Missing.
    """

    def value(said: str) -> str:
        found = _KNOWN.fullmatch(said)
        if found is None:
            raise Missing(str(Unknown(said)))
        if found["secret"]:
            return _secret(found["secret"], secrets)
        if found["param"]:
            return _parameter(found, parameters)
        return _instant(found, fired) if found["fire"] else told[found["plain"]]

    return value


def _secret(name: str, secrets: Mapping[str, str]) -> str:
    if name not in secrets:
        raise Missing(f"There is no secret {name}, or this worker cannot open it.")
    return secrets[name]


def _parameter(found: re.Match[str], given: Mapping[str, str]) -> str:
    text = given.get(found["param"], found["default"])
    if text is None:
        raise Missing(
            f"The parameter {found['param']} was not given, and {{{{ {found[0]} }}}} has no default."
        )
    return text


def _instant(found: re.Match[str], fired: datetime) -> str:
    at = fired
    if found["unit"]:
        step = timedelta(**{_UNITS[found["unit"]]: int(found["sign"] + found["count"])})
        try:
            # Days are the calendar's, whatever the clock does in between; hours pass as they are.
            at = fired + step if found["unit"] in "dw" else _passed(fired, step)
        except OverflowError as error:
            raise Missing(f"{{{{ {found[0]} }}}} leaves the calendar.") from error
    return at.date().isoformat() if found["fire"] == "date" else at.isoformat(timespec="seconds")


def _passed(fired: datetime, step: timedelta) -> datetime:
    return (fired.astimezone(UTC) + step).astimezone(fired.tzinfo)
