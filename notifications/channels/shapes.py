"""How the body of a webhook looks to whoever reads it: our own JSON, a chat's, or one's own.

A job's name must never call everybody in a chat, so each chat gets text escaped by its own rules, in the
parts that read least into it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from notifications import language, vocabulary
from notifications.channels.base import Message

JSON = "JSON"
BODY_LIMIT = 20_000
# From the documentation of each: longer ones are refused as a whole.
_SLACK_TITLE, _SLACK_TEXT = 150, 3_000
_DISCORD_TITLE, _DISCORD_TEXT = 256, 4_096
_TEAMS_TEXT = 8_000
_COLOURS = {"good": 0x1A7F37, "bad": 0xC62828, "plain": 0x5F6B7A}
_GOOD = {"JOB_SUCCESS", "RECOVERED", "TEST"}
_MARKDOWN = re.compile(r"([\\`*_~|>\[\]()#+\-!<@:])")
# Values that are texts in the templates and objects in JSON.
_OWN = ("event", "at", "rule", "count", "failures_in_a_row", "since", "more_jobs", "mute_url")


@dataclass(frozen=True)
class Shape:
    """One shape. `url_is_secret` where whoever knows the address may write there."""

    label: str
    write: Callable[[Message, Mapping[str, Any]], bytes]
    url_is_secret: bool = True
    check: Callable[[Mapping[str, Any]], list[str]] = lambda settings: []


def _own(message: Message, settings: Mapping[str, Any]) -> bytes:
    """Version 1 of our own body, as docs/notifications.md describes it."""
    facts = message.facts
    body = {
        "version": 1,
        "id": message.id,
        "subject": message.subject,
        "text": message.text,
        **{name: facts.get(name) for name in _OWN},
        **{name: facts.get(name) or None for name in ("job", "run", "dead_letter")},
        "jobs": facts.get("jobs") or [],
    }
    return _written(body)


def _written(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _slack(message: Message, settings: Mapping[str, Any]) -> bytes:
    """Blocks of plain text, in which Slack reads neither mentions nor links."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(message.subject, _SLACK_TITLE)},
        {"type": "section", "text": _plain(message.text, _SLACK_TEXT)},
    ]
    if link := vocabulary.link(message.facts):
        button = {"type": "button", "text": _plain("Open in Chronos", 75), "url": link}
        blocks.append({"type": "actions", "elements": [button]})
    # What the notification on a phone shows is read as Slack's markup.
    return _written({"text": _slack_escaped(message.subject), "blocks": blocks})


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most) or "-", "emoji": False}


def _slack_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(message: Message, settings: Mapping[str, Any]) -> bytes:
    """An adaptive card of text runs, in which Teams reads no Markdown; who is not an entity is not called."""
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _run(message.subject, weight="Bolder", size="Medium"),
            *[_run(part) for part in cut(message.text, _TEAMS_TEXT).split("\n\n") if part.strip()],
        ],
    }
    if link := vocabulary.link(message.facts):
        content["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Chronos", "url": link}]
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return _written({"type": "message", "attachments": [card]})


def _run(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


def _discord(message: Message, settings: Mapping[str, Any]) -> bytes:
    """One embed, with its Markdown escaped and nobody whom a mention may reach."""
    event = message.facts.get("event")
    embed: dict[str, Any] = {
        "title": cut(_MARKDOWN.sub(r"\\\1", message.subject), _DISCORD_TITLE),
        "description": cut(_MARKDOWN.sub(r"\\\1", message.text), _DISCORD_TEXT),
        "color": _COLOURS["good" if event in _GOOD else "plain" if event == "DIGEST" else "bad"],
    }
    if link := vocabulary.link(message.facts):
        embed["url"] = link
    return _written({"embeds": [embed], "allowed_mentions": {"parse": []}})


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _generic(message: Message, settings: Mapping[str, Any]) -> bytes:
    """The JSON that the contact's owner wrote, with values in its texts."""
    values = vocabulary.values(
        {**message.facts, "subject": message.subject, "text": message.text, "id": message.id}
    )
    template = language.read(settings.get("body") or "", vocabulary.NAMES | vocabulary.OF_BODIES)
    return template.fill(values, _json_escaped).encode("utf-8", "replace")


def _json_escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _check_generic(settings: Mapping[str, Any]) -> list[str]:
    text = settings.get("body") or ""
    if not isinstance(text, str) or not text.strip():
        return ["Write the JSON to send."]
    if len(text) > BODY_LIMIT:
        return [f"This is longer than {BODY_LIMIT:,} characters."]
    facts = {**vocabulary.EXAMPLE, "jobs": vocabulary.EXAMPLE_JOBS}
    try:
        for each in (vocabulary.EXAMPLE, facts, {"event": "TEST"}):
            json.loads(_generic(Message("id", "subject", "text", facts=each), settings))
    except language.Mistake as error:
        return [str(error)]
    except (ValueError, RecursionError) as error:
        return [f"With an example filled in, this is no JSON: {error}."]
    return []


SHAPES: dict[str, Shape] = {
    JSON: Shape("JSON, signed", _own, url_is_secret=False),
    "SLACK": Shape("Slack", _slack),
    "TEAMS": Shape("Microsoft Teams", _teams),
    "DISCORD": Shape("Discord", _discord),
    "GENERIC": Shape("JSON of your own, signed", _generic, url_is_secret=False, check=_check_generic),
}
