"""SMS: short texts through the provider that a contact's secret names."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings as site

from chronos_site.env import BASE_DIR
from jobs import masking
from notifications.channels.base import (
    FOR_NOW,
    Answer,
    Contact,
    Errors,
    Message,
    Refused,
    Unreachable,
    secret_of,
    short,
)

# Of all that the library can do, what sends text messages to a number by HTTP, and nothing else: no files,
# no programs, no desktops.
PROVIDERS = (
    "46elks",
    "atalk",
    "bulksms",
    "bulkvs",
    "burstsms",
    "clickatell",
    "clicksend",
    "d7sms",
    "httpsms",
    "kavenegar",
    "msgbird",
    "octopush",
    "plivo",
    "seven",
    "sfr",
    "sinch",
    "smseagle",
    "smseagles",
    "smsmanager",
    "sns",
    "telnyx",
    "twilio",
    "voipms",
    "vonage",
)
PARTS = (1, 3)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DOUBLE = frozenset("^{}\\[~]|€")
# One of these would halve the room for all the rest.
_SIMPLER = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\u00a0": " "}  # noqa: RUF001
)


class Sms:
    code = "SMS"
    label = "SMS"
    seconds = 20.0

    def check(self, address: str, settings: Mapping[str, Any], secret: str) -> Errors:
        errors: Errors = {}
        if not _NUMBER.fullmatch(address):
            errors["address"] = ["Give the number with its country, such as +442079460199."]
        if settings.get("parts", PARTS[-1]) not in PARTS:
            errors["parts"] = [f"Choose {' or '.join(map(str, PARTS))}."]
        if secret.partition("://")[0].lower() not in PROVIDERS:
            names = ", ".join(f"{each}://" for each in PROVIDERS)
            errors["secret"] = [f"Give the provider's address, which begins with one of {names}."]
        elif not errors:
            told = self._ask({"url": secret, "number": address})
            if problem := told.get("problem"):
                errors["secret"] = [problem]
        return errors

    def send(self, message: Message, contact: Contact) -> Answer:
        """Hand it to the provider; what becomes of it there is on the provider's pages."""
        secret = secret_of(contact)
        text = fitting(message.sms or message.text, contact.settings.get("parts", PARTS[-1]))
        told = self._ask({"url": secret, "number": contact.address, "text": text})
        hidden = masking.ByValue(each for each in re.split(r"[:/@?&=]", secret) if len(each) >= 8)
        detail = short(hidden.text(told.get("detail") or ""))
        if told.get("sent"):
            return Answer(short(told["status"]), detail)
        _refuse(told, detail)
        raise Unreachable(detail or "The provider did not take it.", told.get("retry_after"))

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """What the process that knows the providers says; it ends when its time is up.

        Raises Unreachable when it says nothing.
        """
        try:
            done = subprocess.run(
                [sys.executable, "-m", "notifications.gateway"],
                input=json.dumps({**question, "settings": _settings()}),
                capture_output=True,
                text=True,
                timeout=self.seconds,
                cwd=BASE_DIR,
                # Neither our secrets nor a proxy.
                env={"PYTHONDONTWRITEBYTECODE": "1"},
                check=True,
            )
            told: dict[str, Any] = json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"No answer within {self.seconds:g} seconds.") from error
        except (subprocess.CalledProcessError, ValueError) as error:
            raise Unreachable("The process that sends text messages ended without a word.") from error
        return told


def _refuse(told: Mapping[str, Any], detail: str) -> None:
    """Raise Refused for what no second try changes."""
    code = told.get("code") or 0
    if told.get("problem"):
        raise Refused(told["problem"])
    if told.get("forbidden") or (300 <= code < 500 and code not in FOR_NOW):
        raise Refused(f"The provider said {short(told.get('status') or '')}: {detail}" if code else detail)


def _settings() -> dict[str, Any]:
    """What says which addresses may be reached."""
    database = {
        name: str(site.DATABASES["default"].get(name) or "") for name in ("ENGINE", "NAME", "HOST", "PORT")
    }
    return {
        "ALLOWED_NETWORKS": list(site.ALLOWED_NETWORKS),
        "REDIS_URL": site.REDIS_URL.rpartition("@")[2] if "@" in site.REDIS_URL else site.REDIS_URL,
        "DATABASES": {"default": database},
    }


def fitting(text: str, parts: int) -> str:
    """The text as so many messages carry it: cut at a word, with the address at its end kept whole."""
    text = text.translate(_SIMPLER)
    if _fits(text, parts):
        return text
    head, _, link = text.rpartition(" ")
    if not link.startswith(("https://", "http://")) or not _fits(f"... {link}", parts):
        head, link = text, ""
    words = head.split(" ")
    while len(words) > 1 and not _fits(_joined(words, link), parts):
        words.pop()
    while words[0] and not _fits(_joined(words, link), parts):
        words[0] = words[0][:-1]
    return _joined(words, link)


def _joined(words: list[str], link: str) -> str:
    return f"{' '.join(words).rstrip(' .,:;')}... {link}".rstrip()


def _fits(text: str, parts: int) -> bool:
    basic = all(each in _BASIC or each in _DOUBLE for each in text)
    if basic:
        size, alone, joined = len(text) + sum(each in _DOUBLE for each in text), 160, 153
    else:
        size, alone, joined = len(text.encode("utf-16-le", "replace")) // 2, 70, 67
    return size <= (alone if parts == 1 else joined * parts)


CHANNEL = Sms()
