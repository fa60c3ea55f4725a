"""YAML as plain values: YAML 1.2's JSON schema, with text where it sees nothing else.

So `no`, `on`, `0644`, `12:30` and dates are text, as they look. Tags are refused but for the plain ones;
aliases and merge keys (`<<`) are written out.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from jobs.transfer.limits import DEPTH_LIMIT, TOO_DEEP, VALUES_LIMIT, Unreadable

_STANDARD = "tag:yaml.org,2002:"
_PLAIN = "plain"
_WORDS = {"": None, "~": None, "true": True, "false": False}
_OTHER_LINE_END = re.compile("[\r\x85\u2028\u2029]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def read(text: str) -> Any:
    """The value of the one document in the text. Raises Unreadable."""
    found = node(text)
    return None if found is None else _Values().of(found)


def node(text: str) -> yaml.Node | None:
    """The one document in the text as nodes, which know their lines. Raises Unreadable."""
    try:
        return _Nodes(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(f"The file is no YAML: {error.problem or error.context}{where}.") from None
    except yaml.YAMLError:
        raise Unreadable("The file is no YAML: it holds characters that YAML does not allow.") from None


def write(value: Any) -> str:
    """The value in YAML, in the order it has, with text of several lines as blocks."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Nodes(Reader, Scanner, Parser, Composer, BaseResolver):
    """The document as nodes, where scalars without quotes and tag are marked."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return _PLAIN
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return tag

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise Unreadable(TOO_DEEP)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Values:
    """Nodes as values; counts them, for an alias is written out wherever it stands."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, node: yaml.Node, depth: int = 0) -> Any:
        self.count += 1
        if depth > DEPTH_LIMIT or self.count > VALUES_LIMIT:
            raise Unreadable("The file's aliases stand for too many values, or for themselves.")
        name = _tag(node)
        if isinstance(node, yaml.ScalarNode) and name in (_PLAIN, "str"):
            return _plain(node) if name == _PLAIN else node.value
        if isinstance(node, yaml.SequenceNode) and name == "seq":
            return [self.of(each, depth + 1) for each in node.value]
        if isinstance(node, yaml.MappingNode) and name == "map":
            return self._object(node, depth)
        raise Unreadable(f"The tag {_shown_tag(node)!r} is not allowed, {_where(node)}.")

    def _object(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if _tag(key) == _PLAIN and key.value == "<<":
                for part in self._merged(value, depth):
                    merged = {**part, **merged}
            elif not isinstance(key, yaml.ScalarNode) or _tag(key) not in (_PLAIN, "str"):
                raise Unreadable(f"A key must be text, {_where(key)}.")
            elif key.value in own:
                raise Unreadable(f"The key {key.value[:60]!r} stands twice in one object, {_where(key)}.")
            else:
                own[key.value] = self.of(value, depth + 1)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, depth: int) -> Iterator[dict[str, Any]]:
        """What `<<` takes over, the most important first."""
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            found = self.of(part, depth + 1)
            if not isinstance(found, dict):
                raise Unreadable(f"Only objects can be merged with <<, {_where(node)}.")
            yield found


def _tag(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(_STANDARD)


def _shown_tag(node: yaml.Node) -> str:
    return str(node.tag).replace(_STANDARD, "!!")[:80]


def _where(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _plain(node: yaml.ScalarNode) -> Any:
    word = node.value.lower()
    if word in _WORDS or word == "null":
        return _WORDS.get(word)
    number = _NUMBER.fullmatch(node.value)
    if not number:
        return node.value
    try:
        return float(node.value) if any(number.groups()) else int(node.value)
    except ValueError:
        raise Unreadable(f"This number is too large, {_where(node)}.") from None


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # Other line ends than \n would be folded away outside of double quotes.
    style = '"' if _OTHER_LINE_END.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar(f"{_STANDARD}str", value, style=style)


_Dumper.add_representer(str, _text)
# PyYAML takes text such as 1e5 for text and would leave the quotes away.
_Dumper.add_implicit_resolver(f"{_STANDARD}float", re.compile(f"(?:{_NUMBER.pattern})$"), list("-0123456789"))
