"""The settings of a cache job: what they may say, and at which operations they do something."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.executors.base import Context
from jobs.executors.caches.statistics import SECTIONS
from jobs.executors.databases import statements
from jobs.executors.json_fields import JsonField

BATCH = 500
_MOST_AT_ONCE = 10_000


class ConfigField(JsonField):
    """A JSON object whose known keys make sense; the others stay, and the run says that they do nothing."""

    def clean(self, value: Any) -> Any:
        config = super().clean(value)
        for name, said in (config or {}).items():
            check = _CHECKS.get(name)
            if check and said is not None and (complaint := check(said)):
                raise forms.ValidationError(
                    _("%(name)s %(complaint)s.") % {"name": name, "complaint": complaint}
                )
        if config:
            _check_sources(config)
        return config


def _flag(said: Any) -> str:
    return "" if isinstance(said, bool) else "must be true or false"


def _count(said: Any) -> str:
    fits = isinstance(said, int) and not isinstance(said, bool) and 1 <= said <= _MOST_AT_ONCE
    return "" if fits else f"must be a whole number from 1 to {_MOST_AT_ONCE:,}"


def _text(said: Any) -> str:
    return "" if isinstance(said, str) and said.strip() else "must be text"


def _one_of(*words: str) -> Callable[[Any], str]:
    def check(said: Any) -> str:
        return "" if str(said).lower() in words else f"must be {' or '.join(words)}"

    return check


def _buckets(said: Any) -> str:
    fits = (
        isinstance(said, list)
        and 0 < len(said) <= 100
        and all(isinstance(each, int | float) and not isinstance(each, bool) and each > 0 for each in said)
    )
    return "" if fits else "must be a list of milliseconds such as [1, 10, 100]"


def _source(said: Any) -> str:
    if isinstance(said, str):
        return _text(said)
    if not isinstance(said, Mapping) or not isinstance(said.get("url"), str):
        return 'must be a name, a URL, or an object such as {"url": "https://shop.example.com/prices"}'
    if others := said.keys() - {"url", "headers"}:
        return f"knows url and headers, not {min(others)[:40]!r}"
    headers = said.get("headers") or {}
    fits = isinstance(headers, Mapping) and all(isinstance(each, str) for each in headers.values())
    return "" if fits else "must have its headers as texts by their names"


def _queries(said: Any) -> str:
    if not isinstance(said, Mapping) or not all(isinstance(each, str) for each in said.values()):
        return 'must be queries by their keys, such as {"prices": "SELECT id, price FROM products"}'
    return next(filter(None, map(_query, said.values())), "")


def _query(said: Any) -> str:
    if complaint := _text(said):
        return complaint
    try:
        # Which database it is for may be known to the administrator alone.
        statements.bind_placeholders(said, statements.LEXICONS["postgresql"], lambda _: "")
    except statements.Mismatch:
        return "holds a placeholder inside quotes or a comment: write it without, for its value is bound"
    return ""


def _values(said: Any) -> str:
    return "" if isinstance(said, Mapping) else 'must be values by their keys, such as {"rate": 7}'


def _check_sources(config: Mapping[str, Any]) -> None:
    said = [name for name in ("values", "preloadQueries", "query") if config.get(name)]
    if len(said) > 1 or (said == ["values"] and config.get("dataSource")):
        raise forms.ValidationError(_("Name one source: values, preloadQueries, query, or the URL alone."))
    if bool(config.get("query")) != bool(config.get("key")):
        raise forms.ValidationError(
            _("query and key belong together: the key of each row, such as user:{id}.")
        )


# What each setting may say, and the operations that heed it.
_KNOWN: dict[str, tuple[Callable[[Any], str], tuple[str, ...]]] = {
    "batchSize": (_count, ("WARM", "INVALIDATE", "SYNC")),
    "maxKeysPerBatch": (_count, ("WARM", "INVALIDATE", "SYNC")),
    "patternMatching": (_flag, ("WARM", "INVALIDATE", "SYNC")),
    "values": (_values, ("WARM",)),
    "dataSource": (_source, ("WARM",)),
    "preloadQueries": (_queries, ("WARM",)),
    "query": (_query, ("WARM",)),
    "key": (_text, ("WARM",)),
    "invalidationStrategy": (_one_of("immediate"), ("INVALIDATE",)),
    "notifyOtherNodes": (_flag, ("WARM", "INVALIDATE", "SYNC")),
    "notifyApplications": (_flag, ("WARM", "INVALIDATE", "SYNC")),
    "cleanupExpired": (_flag, ("INVALIDATE",)),
    "compactMemory": (_flag, ("INVALIDATE",)),
    "defragmentCache": (_flag, ("INVALIDATE",)),
    "generateReport": (_flag, ("WARM", "INVALIDATE", "SYNC", "STATS")),
    **dict.fromkeys((*SECTIONS, "detailedStats", "exportToMetrics"), (_flag, ("STATS",))),
    "exportFormat": (_one_of("json", "prometheus"), ("STATS",)),
    "histogramBuckets": (_buckets, ("STATS",)),
}
_CHECKS = {name: check for name, (check, _) in _KNOWN.items()}
_WHY_NOT = {"connectionPool": "each run opens connections of its own"}


def tell_what_is_idle(config: Mapping[str, Any], operation: str, context: Context) -> None:
    """Say in the log which settings do nothing in this run."""
    for name, said in config.items():
        heeded = _KNOWN.get(name, (None, ()))[1]
        if said is False or said is None or (operation in heeded and name not in _WHY_NOT):
            continue
        why = _WHY_NOT.get(name) or (
            "Chronos does not know it" if not heeded else f"not heeded by {operation}"
        )
        context.log("WARN", f"The setting {name[:60]} does nothing: {why}")


def batch_size(config: Mapping[str, Any]) -> int:
    """How many keys are worked on at once."""
    return min(config.get("batchSize") or BATCH, config.get("maxKeysPerBatch") or _MOST_AT_ONCE)
