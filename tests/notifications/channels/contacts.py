"""Contacts and messages for tests of channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifications import vocabulary, wording


@dataclass
class Contact:
    address: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = ""


def message(code="JOB_FAILURE", channel="EMAIL", id="chronos-42-0", **facts):
    return wording.fill(
        wording.built_in(code, channel), code, channel, {**vocabulary.example(code), **facts}, id=id
    )


def named(name):
    """Facts of a job with this name."""
    return {**vocabulary.EXAMPLE["job"], "name": name}
