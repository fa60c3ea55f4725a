"""SQL as text: where its words, strings and comments are, so that values are bound and never pasted.

Nothing here decides whether a statement reads or writes: that is the database's to say.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.executors import placeholders


class Mismatch(ValueError):
    """The marks of a statement and its parameters do not fit; `str()` is the sentence for the person."""


@dataclass(frozen=True)
class Lexicon:
    """How an engine writes strings, quoted names and comments.

    `quotes` are the characters that open and close strings and names, doubled to stand for themselves;
    before those in `escaping` a backslash does it too.
    """

    quotes: str = "'\""
    escaping: str = ""
    brackets: bool = False
    nested_comments: bool = False
    hash_comments: bool = False
    dollar_quotes: bool = False
    q_quotes: bool = False
    question_operators: bool = False
    arrays: bool = False
    # Gives the driver's mark for the n-th value; the same name may come twice.
    mark: Callable[[int], str] = lambda number: f"?{number}"
    # Every mark takes a value of its own, and the driver reads % as the beginning of one.
    formatted: bool = False


LEXICONS = {
    "postgresql": Lexicon(
        nested_comments=True,
        dollar_quotes=True,
        question_operators=True,
        arrays=True,
        mark=lambda number: f"${number}",
    ),
    "mysql": Lexicon("'\"`", escaping="'\"", hash_comments=True, mark=lambda number: "%s", formatted=True),
    "sqlite": Lexicon("'\"`", brackets=True),
    "mssql": Lexicon(brackets=True, nested_comments=True, mark=lambda number: "%s", formatted=True),
    "oracle": Lexicon(q_quotes=True, mark=lambda number: f":p{number}"),
}


@dataclass(frozen=True)
class Token:
    """A piece of a statement: `blank`, `quoted`, `end` (a semicolon), `?`, `:` (with its name) or `other`."""

    kind: str
    text: str


_WORD = re.compile(r"[^\W\d][\w$]*|\d[\w.]*")
_NAME = re.compile(r":([^\W\d]\w*)")
_BLANK = re.compile(r"\s+")
_LINE = re.compile(r"[^\n]*\n?")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">"}


def tokens(text: str, lexicon: Lexicon) -> Iterator[Token]:
    """The pieces of the text; joined, they are the text again."""
    at = 0
    while at < len(text):
        kind, end = _next(text, at, lexicon)
        yield Token(kind, text[at:end])
        at = end


def _next(text: str, at: int, lexicon: Lexicon) -> tuple[str, int]:
    letter = text[at]
    if end := _comment(text, at, lexicon):
        return "blank", end
    if end := _quoted(text, at, lexicon):
        return "quoted", end
    if found := _WORD.match(text, at):
        return "other", found.end()
    if letter == ";":
        return "end", at + 1
    if letter == "?":
        return _question(text, at, lexicon)
    if letter == ":":
        return _colon(text, at)
    return "other", at + 1


def _comment(text: str, at: int, lexicon: Lexicon) -> int:
    """Where the blanks or the comment that begin here end; 0 where none does."""
    if found := _BLANK.match(text, at):
        return found.end()
    if text.startswith("--", at) and _opens_line(text, at, lexicon):
        return _LINE.match(text, at).end()  # type: ignore[union-attr]
    if text[at] == "#" and lexicon.hash_comments:
        return _LINE.match(text, at).end()  # type: ignore[union-attr]
    # What MySQL executes although it looks like a comment is code.
    if text.startswith("/*", at) and not (lexicon.hash_comments and text[at + 2 : at + 3] in ("!", "M")):
        return _end_of_comment(text, at, lexicon.nested_comments)
    return 0


def _opens_line(text: str, at: int, lexicon: Lexicon) -> bool:
    # MySQL reads 5--3 as a subtraction.
    return not lexicon.hash_comments or not text[at + 2 : at + 3].strip()


def _end_of_comment(text: str, at: int, nested: bool) -> int:
    depth, at = 1, at + 2
    for found in re.compile(r"/\*|\*/").finditer(text, at):
        if found[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if not depth:
            return found.end()
    return len(text)


def _quoted(text: str, at: int, lexicon: Lexicon) -> int:
    letter = text[at]
    if letter in lexicon.quotes:
        return _end_of_quotes(text, at, letter, letter in lexicon.escaping)
    if letter == "[" and lexicon.brackets:
        return _end_of_quotes(text, at, "]", False)
    if letter == "$" and lexicon.dollar_quotes and (tag := _DOLLAR.match(text, at)):
        closing = text.find(tag[0], tag.end())
        return len(text) if closing < 0 else closing + len(tag[0])
    # E'...' is the string of PostgreSQL in which a backslash means something; q'[...]' is Oracle's.
    if letter in "eE" and lexicon.dollar_quotes and text.startswith("'", at + 1):
        return _end_of_quotes(text, at + 1, "'", True)
    if letter in "qQ" and lexicon.q_quotes and text.startswith("'", at + 1) and at + 2 < len(text):
        closing = text.find(_PAIRS.get(text[at + 2], text[at + 2]) + "'", at + 3)
        return len(text) if closing < 0 else closing + 2
    return 0


def _end_of_quotes(text: str, at: int, closing: str, escaping: bool) -> int:
    at += 1
    while at < len(text):
        if text[at] == "\\" and escaping:
            at += 2
        elif text[at] != closing:
            at += 1
        elif text.startswith(closing, at + 1):
            at += 2
        else:
            return at + 1
    return len(text)


def _question(text: str, at: int, lexicon: Lexicon) -> tuple[str, int]:
    if not lexicon.question_operators:
        return "?", at + 1
    if text.startswith("??", at):
        return "other", at + 2
    if re.compile(r"\?[|&](?!\|)").match(text, at):
        return "other", at + 2
    # `data ? 'key'`: a value is never followed by a string.
    operator = re.compile(r"\?\s*(?:[eE]?'|\$\w*\$|:\w|\?(?!\?))").match(text, at)
    return ("other" if operator else "?"), at + 1


def _colon(text: str, at: int) -> tuple[str, int]:
    if text.startswith("::", at):
        return "other", at + 2
    # In `part[1:n]` or `@a:=1` there is no mark.
    beside = at > 0 and bool(re.match(r"[\w\])]", text[at - 1]))
    found = _NAME.match(text, at)
    return (":", found.end()) if found and not beside else ("other", at + 1)


def split(text: str, lexicon: Lexicon) -> list[str]:
    """The statements between the semicolons, without those that say nothing."""
    parts: list[list[Token]] = [[]]
    for token in tokens(text, lexicon):
        if token.kind == "end":
            parts.append([])
        else:
            parts[-1].append(token)
    return ["".join(each.text for each in part).strip() for part in parts if _says_something(part)]


def _says_something(part: Sequence[Token]) -> bool:
    return any(token.kind != "blank" for token in part)


def limits_rows(text: str, lexicon: Lexicon) -> bool:
    """Whether the statement itself, not one in brackets, ends its rows at some number."""
    depth = 0
    for token in tokens(text, lexicon):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        word = token.text.upper() if token.kind == "other" and not depth else ""
        # SQL Server's TOP may well be the name of a column elsewhere.
        if word in ("LIMIT", "FETCH") or (word == "TOP" and lexicon is LEXICONS["mssql"]):
            return True
    return False


def without_end(text: str, lexicon: Lexicon) -> str:
    """The text without blanks, comments and semicolons behind its last word."""
    found = list(tokens(text, lexicon))
    while found and found[-1].kind in ("blank", "end"):
        found.pop()
    return "".join(token.text for token in found)


def first_word(text: str, lexicon: Lexicon) -> str:
    """The first word of a statement, in capitals."""
    return next((token.text.upper() for token in tokens(text, lexicon) if token.kind != "blank"), "")


def names(text: str, lexicon: Lexicon) -> set[str]:
    """The names that the statement asks for as `:name`."""
    return {token.text[1:] for token in tokens(text, lexicon) if token.kind == ":"}


def bind_placeholders(text: str, lexicon: Lexicon, value: Callable[[str], str]) -> tuple[str, dict[str, str]]:
    """The statement with `:name` in the place of each placeholder, and the names' values.

    Raises Mismatch where a placeholder stands inside quotes or a comment: no value can be bound there.
    """
    marked, values = placeholders.bind(text, value, lambda name: f":{name}", prefix="chronos_placeholder")
    seen = [token.text for token in tokens(marked, lexicon) if token.kind == ":"]
    for name in values:
        written = len(re.findall(rf":{name}\b", marked))
        if seen.count(f":{name}") != written:
            raise Mismatch(
                "A placeholder stands inside quotes or a comment: write it without quotes, since its value"
                " is bound and never pasted."
            )
    return marked, values


def share(texts: Sequence[str], lexicon: Lexicon, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of each statement: those that it names, and as many of the others as it has `?`.

    Raises Mismatch when they do not fit.
    """
    found = [[token for token in tokens(text, lexicon) if token.kind in "?:"] for text in texts]
    named = [{token.text[1:] for token in marks if token.kind == ":"} for marks in found]
    by_name = set().union(*named)
    if missing := sorted(by_name - set(parameters)):
        raise Mismatch(f"The query asks for :{missing[0]}, and there is no parameter of that name.")
    in_order = [name for name in parameters if name not in by_name]
    asked = sum(token.kind == "?" for marks in found for token in marks)
    if asked != len(in_order):
        raise Mismatch(f"The query asks for {_counted(asked)} by ?, and {_counted(len(in_order))} given.")
    given = iter(in_order)
    return [
        {name: parameters[name] for name in (*names, *(next(given) for each in marks if each.kind == "?"))}
        for names, marks in zip(named, found, strict=True)
    ]


def _counted(number: int) -> str:
    return "no parameter" if not number else "one parameter" if number == 1 else f"{number} parameters"


def translate(text: str, lexicon: Lexicon, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The statement with the driver's marks, and the values in their order.

    `:name` takes a parameter by its name, `?` takes the others in their order. A list is written out
    between the brackets of an IN. Raises Mismatch when they do not fit.
    """
    found = list(tokens(text, lexicon))
    (fitting,) = share([text], lexicon, parameters)
    by_name = {token.text[1:] for token in found if token.kind == ":"}
    in_order = [name for name in fitting if name not in by_name]
    return _Writer(lexicon, parameters, in_order).write(found)


class _Writer:
    """Writes a statement anew with the marks of a driver."""

    def __init__(self, lexicon: Lexicon, parameters: Mapping[str, Any], in_order: list[str]) -> None:
        self._lexicon = lexicon
        self._parameters = parameters
        self._in_order = iter(in_order)
        self._values: list[Any] = []
        self._written: dict[str, str] = {}

    def write(self, found: Sequence[Token]) -> tuple[str, list[Any]]:
        # A driver that formats the text leaves it as it is when there is nothing to put into it.
        formats = self._lexicon.formatted and any(token.kind in "?:" for token in found)
        parts, said = [], ["", ""]
        for token in found:
            if token.kind in "?:":
                name = token.text[1:] if token.kind == ":" else next(self._in_order)
                parts.append(self._mark(name, said == ["IN", "("]))
            elif token.text == "??" and self._lexicon.question_operators:
                parts.append("?")
            else:
                parts.append(token.text.replace("%", "%%") if formats else token.text)
            if token.kind != "blank":
                said = [said[1], token.text.upper()]
        return "".join(parts), self._values

    def _mark(self, name: str, inside_in: bool) -> str:
        value = self._parameters[name]
        if not isinstance(value, list) or not inside_in:
            return self._written.get(name) or self._one(name, self._bindable(name, value))
        if not value:
            raise Mismatch(f"The list {name} is empty: there is nothing to compare with.")
        return ", ".join(self._one(None, self._bindable(name, each)) for each in value)

    def _one(self, name: str | None, value: Any) -> str:
        self._values.append(value)
        mark = self._lexicon.mark(len(self._values))
        # The same mark twice is the same parameter for those databases that number them.
        if name is not None and not self._lexicon.formatted:
            self._written[name] = mark
        return mark

    def _bindable(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, list) and not self._lexicon.arrays:
            raise Mismatch(f"The parameter {name} is a list: it can stand only in IN (:{name}).")
        return value
