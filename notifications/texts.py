"""What a template consists of."""

from collections.abc import Mapping
from dataclasses import dataclass

# By channel; a text message has no subject, and a mail alone has HTML.
PARTS: Mapping[str, tuple[str, ...]] = {
    "EMAIL": ("subject", "text", "html"),
    "WEBHOOK": ("subject", "text"),
    "SMS": ("text",),
}


@dataclass(frozen=True)
class Texts:
    """The texts of one kind of message for one channel, with placeholders."""

    subject: str = ""
    text: str = ""
    html: str = ""
