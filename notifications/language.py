"""A language for messages that can do nothing but put values into text.

    {{ job.name }}                                   a value
    {% if run.error_line %}…{% else %}…{% endif %}   what shows when there is one; `if not` for none
    {% for each in jobs %}{{ each.name }}{% endfor %}  once for each

There are no expressions, no calls, no attributes and no filters: a name is looked up in one dictionary of
texts. Whoever reads a text says which names there are, and a name that is not there is a mistake with its
line. Every value is escaped by the function that belongs to where the text goes. Why: decision 0021.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Escape = Callable[[str], str]
Values = Mapping[str, Any]

LONGEST = 20_000
LONGEST_FILLED = 200_000
DEEPEST = 8
_EACH = "each."
_LIST = "jobs"
# A tag alone on its line takes the line's end along, so that it leaves no empty line behind.
_TAG = re.compile(r"(\{\{.*?\}\}|^[ \t]*\{%[^\n%]*%\}[ \t]*\n|\{%.*?%\})", re.DOTALL | re.MULTILINE)
_STRAY = re.compile(r"\{\{|\}\}|\{%|%\}")
_VALUE = re.compile(r"\{\{\s*([a-z_]+(?:\.[a-z_]+)?)\s*\}\}")
_IF = re.compile(r"\{%\s*if\s+(not\s+)?([a-z_]+(?:\.[a-z_]+)?)\s*%\}")
_FOR = re.compile(r"\{%\s*for\s+each\s+in\s+jobs\s*%\}")
_PLAIN = re.compile(r"\{%\s*(else|endif|endfor)\s*%\}")


class Mistake(ValueError):
    """The text is not of the language; `str()` is the sentence for the person, with its line."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"Line {line}: {sentence}")
        self.line = line


class TooLong(ValueError):
    """What comes out is longer than any message; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__(f"With its values, this is longer than {LONGEST_FILLED:,} characters.")


@dataclass(frozen=True)
class _Text:
    text: str

    def pieces(self, values: Values, escape: Escape) -> Iterator[str]:
        yield self.text


@dataclass(frozen=True)
class _Value:
    name: str

    def pieces(self, values: Values, escape: Escape) -> Iterator[str]:
        value = values.get(self.name)
        yield "" if value is None else escape(str(value))


@dataclass
class _Block:
    """A tag that waits for its end; `told` are the parts before and after `else`."""

    kind: str
    line: int
    name: str = ""
    negated: bool = False
    told: tuple["list[_Part]", "list[_Part]"] = field(default_factory=lambda: ([], []))
    otherwise: bool = False

    def pieces(self, values: Values, escape: Escape) -> Iterator[str]:
        if self.kind == "for":
            for each in values.get(_LIST) or ():
                inner = {**values, **{f"{_EACH}{name}": value for name, value in each.items()}}
                yield from _pieces(self.told[0], inner, escape)
        elif self.kind == "if":
            yield from _pieces(self.told[bool(values.get(self.name)) == self.negated], values, escape)
        else:
            yield from _pieces(self.told[0], values, escape)


_Part = _Text | _Value | _Block


def _pieces(parts: list[_Part], values: Values, escape: Escape) -> Iterator[str]:
    for part in parts:
        yield from part.pieces(values, escape)


@dataclass(frozen=True)
class Template:
    """A text that was read and is in order."""

    _whole: _Block

    def fill(self, values: Values, escape: Escape) -> str:
        """The text with its values. Raises TooLong."""
        filled: list[str] = []
        size = 0
        for piece in self._whole.pieces(values, escape):
            size += len(piece)
            if size > LONGEST_FILLED:
                raise TooLong
            filled.append(piece)
        return "".join(filled)


def read(text: str, names: Collection[str]) -> Template:
    """The template that the text is. Raises Mistake, at the first thing that is wrong."""
    if len(text) > LONGEST:
        raise Mistake(text.count("\n", 0, LONGEST) + 1, f"this is longer than {LONGEST:,} characters.")
    open_blocks = [_Block("text", 1)]
    line = 1
    for piece in _TAG.split(text):
        _take(piece, line, open_blocks, names)
        line += piece.count("\n")
    if len(open_blocks) > 1:
        block = open_blocks[-1]
        raise Mistake(block.line, f"this {{% {block.kind} %}} has no {{% end{block.kind} %}}.")
    return Template(open_blocks[0])


def _take(piece: str, line: int, open_blocks: list[_Block], names: Collection[str]) -> None:
    block, tag = open_blocks[-1], piece.strip()
    if found := _VALUE.fullmatch(piece):
        _add(block, _Value(_known(found[1], line, open_blocks, names)))
    elif found := _IF.fullmatch(tag):
        name = _known(found[2], line, open_blocks, names)
        _open(_Block("if", line, name, negated=bool(found[1])), open_blocks)
    elif _FOR.fullmatch(tag):
        if _within_for(open_blocks):
            raise Mistake(line, "a {% for %} cannot stand in another one.")
        _open(_Block("for", line), open_blocks)
    elif found := _PLAIN.fullmatch(tag):
        _end(found[1], line, open_blocks)
    elif stray := _STRAY.search(piece):
        at = line + piece.count("\n", 0, stray.start())
        raise Mistake(at, f"{_shown(piece[stray.start() :])} is nothing that messages know.")
    elif piece:
        _add(block, _Text(piece))


def _add(block: _Block, part: _Part) -> None:
    block.told[block.otherwise].append(part)


def _open(block: _Block, open_blocks: list[_Block]) -> None:
    if len(open_blocks) > DEEPEST:
        raise Mistake(block.line, f"tags stand in each other more than {DEEPEST} deep.")
    _add(open_blocks[-1], block)
    open_blocks.append(block)


def _end(word: str, line: int, open_blocks: list[_Block]) -> None:
    block = open_blocks[-1]
    if word == "else" and block.kind == "if" and not block.otherwise:
        block.otherwise = True
    elif word == f"end{block.kind}":
        open_blocks.pop()
    else:
        raise Mistake(line, f"{{% {word} %}} belongs to nothing here.")


def _known(name: str, line: int, open_blocks: list[_Block], names: Collection[str]) -> str:
    if name.startswith(_EACH) and not _within_for(open_blocks):
        raise Mistake(line, f"{name} stands outside of {{% for each in jobs %}}.")
    if name not in names:
        raise Mistake(line, f"there is no value called {name}.")
    return name


def _within_for(open_blocks: list[_Block]) -> bool:
    return any(block.kind == "for" for block in open_blocks)


def _shown(text: str) -> str:
    first = text.partition("\n")[0]
    return first if len(first) <= 40 else f"{first[:40]}…"
