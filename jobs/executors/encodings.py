"""Encodings of texts, by the names that people and servers give them."""

import codecs

# They pack the names of hosts and the literals of programs. The first takes minutes for a megabyte.
_OF_NO_TEXTS = {"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"}


def known(name: str) -> str | None:
    """The encoding's own name, where it is one that texts are written in; None else."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return found.name if found._is_text_encoding and found.name not in _OF_NO_TEXTS else None
