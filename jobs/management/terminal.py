"""What commands print: counts, and text that others wrote."""

WIDEST = 48


def many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def shown(text: str, most: int = WIDEST) -> str:
    """Text from a file as it may stand on a terminal: on one line, nothing but printable characters."""
    plain = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
