"""HTML as plain text, for readers of mail who see no HTML."""

import re
from html.parser import HTMLParser

_UNSEEN = {"head", "script", "style", "template", "title"}
_LINES = {"br", "div", "dt", "dd", "li", "table", "tr", "ul", "ol", "hr"}
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"}

# Of each of these, the parser would look for an end in all that follows.
_DECLARED = re.compile(r"<![^<>]{0,5000}>")
_LONE = re.compile(r"<(?![^<>]{0,5000}>)")


def plain_text(html: str) -> str:
    """What the HTML says, with an empty line between paragraphs and addresses behind links."""
    reader = _Reader()
    reader.feed(_LONE.sub("&lt;", _DECLARED.sub("", _without_comments(html))))
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.said).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_comments(html: str) -> str:
    first, *others = html.split("<!--")
    return first + "".join(each.partition("-->")[2] for each in others)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self._break(tag)
        if tag == "li":
            self.said.append("* ")
        if tag in ("td", "th"):
            self.said.append(" ")
        if tag == "a":
            self._links.append(dict(attributes).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag == "a" and self._links:
            target = self._links.pop()
            if target.startswith(("http://", "https://")) and target not in "".join(self.said[-1:]):
                self.said.append(f" ({target})")
        if tag not in ("br", "hr"):
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.said.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.said.append("\n\n")
        elif tag in _LINES:
            self.said.append("\n")
