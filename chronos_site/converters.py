"""Parts of addresses that need more than Django's own kinds."""


class UlidConverter:
    """A ULID: 26 characters of Crockford's alphabet, upper case."""

    regex = "[0-9A-HJKMNP-TV-Z]{26}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
