"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """So many of them: 1 row, 1,000 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
