"""What messages say: the built-in texts, those that administrators have written, and facts put into them."""

import html
import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from notifications import language, vocabulary
from notifications.channels.base import Message
from notifications.templates import written
from notifications.texts import Texts

log = logging.getLogger(__name__)

DIGEST = "DIGEST"
CODES = tuple(vocabulary.EVENTS)
LONGEST_SUBJECT = 200
_FOLDER = Path(__file__).parent / "wordings"
_PART = re.compile(r"^=== (subject|text|html|sms)\n", re.MULTILINE)
_BODY = "<!-- what the template says -->"
_FRAME_NAMES = {*vocabulary.NAMES, "subject"}


def render(template_code: str, channel: str, facts: Mapping[str, Any], *, id: str = "") -> Message:
    """The message that tells the facts (see `vocabulary`) by this channel.

    Where an administrator's text no longer fits, the built-in one tells them. A digest of one event is the
    message of that event.
    """
    if template_code == DIGEST and facts.get("event") in CODES and facts.get("count", 1) == 1:
        template_code = facts["event"]
    if own := written(template_code, channel):
        try:
            return fill(own.texts, template_code, channel, facts, id=id)
        except ValueError as error:
            log.warning("the template %s for %s is left out: %s", template_code, channel, error)
    return fill(built_in(template_code, channel), template_code, channel, facts, id=id)


def fill(
    texts: Texts, template_code: str, channel: str, facts: Mapping[str, Any], *, id: str = ""
) -> Message:
    """The message by these texts. Raises language.Mistake or language.TooLong."""
    told = vocabulary.safe({**facts, "event": template_code})
    values = vocabulary.values(told)
    text = _tidy(_filled(texts.text, values, _as_it_is))
    if channel == "SMS":
        line = " ".join(text.split())
        return Message(id, subject=line[:LONGEST_SUBJECT], text=line, sms=line, facts=told)
    subject = " ".join(_filled(texts.subject, values, _as_it_is).split())[:LONGEST_SUBJECT]
    if channel == "WEBHOOK":
        return Message(id, subject, text, facts=told)
    footer = _filled(_file("footer.txt"), values, _as_it_is)
    page = _page(subject, _body(texts, text, values), values)
    return Message(id, subject, f"{text}\n\n{footer}", html=page, facts=told)


def _body(texts: Texts, text: str, values: Mapping[str, Any]) -> str:
    """The HTML, which is made from the text where nobody wrote any."""
    if not texts.html:
        return f'<p class="lines">{html.escape(text)}</p>'
    return _filled(texts.html, values, html.escape)


def _as_it_is(value: str) -> str:
    return value


def _filled(text: str, values: Mapping[str, Any], escape: language.Escape) -> str:
    return language.read(text, vocabulary.NAMES).fill(values, escape)


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _page(subject: str, body: str, values: Mapping[str, Any]) -> str:
    frame = language.read(_file("frame.html"), _FRAME_NAMES).fill({**values, "subject": subject}, html.escape)
    return frame.replace(_BODY, body, 1)


def style() -> str:
    """The stylesheet of our mails, for the policy of a page that shows one."""
    return _file("frame.html").partition("<style>")[2].partition("</style>")[0]


@lru_cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text()


def built_in(template_code: str, channel: str) -> Texts:
    """The texts that come with Chronos."""
    _, *found = _PART.split(_file(f"{template_code}.txt"))
    parts = dict(zip(found[::2], found[1::2], strict=True))
    if channel == "SMS":
        return Texts(text=parts["sms"].strip())
    return Texts(
        parts["subject"].strip(), parts["text"].strip(), parts["html"].strip() if channel == "EMAIL" else ""
    )
