"""Markdown of jobs' descriptions as HTML that can do no harm.

CommonMark with tables. HTML in it is text, pictures are links, and links lead to the web or to mail alone.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common import normalize_url
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chronos_site import hostile

SCHEMES = {"http", "https", "mailto"}
# A description stands below the heading of its panel.
TOP_LEVEL = 3
# Whoever reads a runbook has it before them in full; nobody nests deeper on purpose.
DEEPEST = 12
LONGEST_LINE = 300
# Up to what ends a sentence or a bracket around it.
_ADDRESS = re.compile(r"(\bhttps?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}*_])")
# What may begin something is looked up again and again: of ten thousand, for seconds.
_COSTLY = re.compile(r"[\[_&]")
MOST_COSTLY = 2000


def html(text: str) -> SafeString:
    """The text as HTML; what would not be seen in it gets a mark."""
    if len(_COSTLY.findall(text)) > MOST_COSTLY:
        return format_html('<pre class="code">{}</pre>', hostile.visible(text))
    # The parser escapes whatever it does not itself write, and has read `&#x202e;` by now.
    return mark_safe(hostile.visible(_MARKDOWN.render(text)))  # noqa: S308


@lru_cache(maxsize=1000)
def first_line(text: str) -> str:
    """The first line that says something, as plain text: without marks of headings, lists and links."""
    for line in text.splitlines():
        if words := " ".join(_words(_MARKDOWN.parse(line[:LONGEST_LINE]))).strip():
            return words
    return ""


def _words(tokens: Sequence[Token]) -> list[str]:
    return [
        "".join(child.content for child in token.children) if token.children else token.content
        for token in tokens
        if token.type in ("inline", "fence", "code_block")
    ]


def _leads_out(address: str) -> bool:
    try:
        return urlsplit(address.strip()).scheme.lower() in SCHEMES
    except ValueError:
        return False


def _link(self: RendererHTML, tokens: Sequence[Token], n: int, options: OptionsDict, env: EnvType) -> str:
    tokens[n].attrSet("rel", "nofollow noopener noreferrer")
    return self.renderToken(tokens, n, options, env)


def _heading(self: RendererHTML, tokens: Sequence[Token], n: int, options: OptionsDict, env: EnvType) -> str:
    level = int(tokens[n].tag[1:]) + TOP_LEVEL - 1
    tokens[n].tag = f"h{min(level, 6)}"
    return self.renderToken(tokens, n, options, env)


def _link_addresses(state: StateCore) -> None:
    """Make links of web addresses that stand in plain text, as people paste them."""
    for block in state.tokens:
        if block.children and any("://" in child.content for child in block.children):
            block.children = list(_linked(block.children))


def _linked(tokens: Sequence[Token]) -> Iterator[Token]:
    within_link = 0
    for token in tokens:
        within_link += token.nesting if token.type.startswith("link_") else 0
        if token.type != "text" or within_link:
            yield token
            continue
        for n, piece in enumerate(_ADDRESS.split(token.content)):
            if n % 2:
                yield Token("link_open", "a", 1, attrs={"href": normalize_url.normalizeLink(piece)})
            yield Token("text", "", 0, content=piece)
            if n % 2:
                yield Token("link_close", "a", -1)


def _parser() -> MarkdownIt:
    # A line end stays one: people write runbooks as they write mail.
    settings: dict[str, Any] = {"html": False, "breaks": True, "maxNesting": DEEPEST}
    parser = MarkdownIt("commonmark", settings).enable("table").disable("image")
    parser.validateLink = _leads_out  # type: ignore[method-assign, assignment]
    parser.core.ruler.after("inline", "addresses", _link_addresses)
    parser.add_render_rule("link_open", _link)
    for rule in ("heading_open", "heading_close"):
        parser.add_render_rule(rule, _heading)
    return parser


_MARKDOWN = _parser()
