"""Where in HTML a value may stand: escaping makes it text, and text it must be."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from notifications.language import Mistake

# What has no place in a mail; most readers show the whole message as suspect.
_FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "base", "meta", "link", "svg", "math"}
_ADDRESSES = {"href", "src", "background", "action", "cite", "srcset", "poster"}
_OWN_ADDRESSES = re.compile(r"\{\{\s*(?:link|mute_url|[a-z_]+\.url)\s*\}\}")
_PLACE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
# Letters, for a value right behind a < would begin a tag.
_VALUE, _ADDRESS = "chronos-value", "chronos-address"
_UNQUOTED = re.compile(rf"=\s*[^\s\"'>]*(?:{_VALUE}|{_ADDRESS})")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def check(html: str) -> None:
    """Refuse HTML in which a value would be more than text. Raises language.Mistake, with its line."""
    # Line ends stay, so that the parser counts as people do.
    bare = _TAG.sub(lambda found: "\n" * found[0].count("\n"), html)
    reader = _Reader()
    reader.feed(_PLACE.sub(_stand_in, bare))
    reader.close()


def _stand_in(found: re.Match[str]) -> str:
    letter = _ADDRESS if _OWN_ADDRESSES.fullmatch(found[0]) else _VALUE
    return letter + "\n" * found[0].count("\n")


def _holds(text: str) -> bool:
    return _VALUE in text or _ADDRESS in text


class _Reader(HTMLParser):
    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN:
            self._refuse(f"<{tag}> has no place in a message.")
        written = self.get_starttag_text() or ""
        bare = _UNQUOTED.search(_QUOTED.sub("''", written))
        if bare or _holds(tag) or any(_holds(name) for name, _ in attrs):
            self._refuse('inside a tag, a value stands between quotes: href="{{ link }}".')
        for name, value in attrs:
            self._check(name, (value or "").strip())

    def _check(self, name: str, value: str) -> None:
        if name.startswith("on"):
            self._refuse(f"{name} has no place in a message.")
        if name == "style" and _holds(value):
            self._refuse("a value has no place in a style.")
        if name not in _ADDRESSES:
            return
        if _holds(value) and value != _ADDRESS:
            self._refuse(f"{name} takes an address of Chronos as a whole, such as {{{{ link }}}}.")
        scheme = re.match(r"[a-z][a-z0-9+.-]*:", re.sub(r"[\x00-\x20]", "", value), re.IGNORECASE)
        if scheme and scheme[0].lower() not in ("http:", "https:", "mailto:", "tel:"):
            self._refuse(f"{name} leads to the web or to mail.")

    def handle_comment(self, data: str) -> None:
        if _holds(data):
            self._refuse("a value has no place in a comment.")

    def _refuse(self, sentence: str) -> None:
        raise Mistake(self.getpos()[0], sentence)
