"""In which line of a file of requests something stands, for who has to correct it there."""

import re
from collections.abc import Iterator

import yaml

from jobs.transfer import crontab, yaml_values
from jobs.transfer.limits import Unreadable

_STEPS = re.compile(r"[^.\[\]]+")


class Lines:
    """The lines of one file: a crontab, JSON or YAML; nearly all JSON is YAML too."""

    def __init__(self, text: str) -> None:
        self._of_crontab = [each.line for each in crontab.entries(text)] if crontab.is_one(text) else []
        try:
            self._requests = list(_requests(yaml_values.node(text)))
        except (Unreadable, RecursionError):
            self._requests = []

    def of(self, number: int, path: str) -> int | None:
        """The line of the field of the request with this number, from 0, or of what is around it."""
        if self._of_crontab:
            return self._of_crontab[number]
        if number >= len(self._requests):
            return None
        node = self._requests[number]
        line: int = node.start_mark.line
        for step in _STEPS.findall(path):
            found = _inside(node, step)
            if found is None:
                break
            line, node = found
        return line + 1


def _requests(document: yaml.Node | None) -> Iterator[yaml.Node]:
    if document is None:
        return
    found = _inside(document, "format") and _inside(document, "jobs")
    listed = found[1] if found else document
    for each in listed.value if isinstance(listed, yaml.SequenceNode) else [listed]:
        inner = None if _inside(each, "schedule") else _inside(each, "job")
        yield inner[1] if inner else each


def _inside(node: yaml.Node, step: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((key.start_mark.line, value) for key, value in node.value if key.value == step)
        return next(pairs, None)
    if isinstance(node, yaml.SequenceNode):
        # By what a number looks like: the step may be a key of somebody's, of any number of digits.
        numbered = ((each.start_mark.line, each) for n, each in enumerate(node.value) if str(n) == step)
        return next(numbered, None)
    return None
