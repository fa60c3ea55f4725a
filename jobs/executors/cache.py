"""CACHE: warm, invalidate and synchronise cache regions, and read their statistics."""

from typing import Any

from jobs.executors.base import JobType, PayloadForm
from jobs.executors.fields import FlagField, JsonField, NumberField, TextField, TextListField, WordField

OPERATIONS = {"WARM": "Warm", "INVALIDATE": "Invalidate", "SYNC": "Sync", "STATS": "Statistics"}


class CacheForm(PayloadForm):
    cache_operation = WordField(label="Operation", choices=OPERATIONS, initial="INVALIDATE")
    cache_region = TextField(label="Region", mono=True, help_text="For example user-cache")
    source_region = TextField(
        label="Source region", required=False, mono=True, help_text="For sync: where the entries come from."
    )
    cache_keys = TextListField(
        label="Keys",
        required=False,
        help_text="One a line, for example session:*; the whole region if empty, except for warm.",
    )
    time_to_live_seconds = NumberField(
        label="Keep for",
        required=False,
        least=1,
        most=315_360_000,
        help_text="Seconds, for warm; 3600 if empty.",
    )
    skip_if_exists = FlagField(label="Leave keys that exist", help_text="For warm.")
    run_async = FlagField(
        label="Do not wait for the cache", help_text="The run ends when the cache took the task."
    )
    cache_config = JsonField(
        label="Settings", required=False, help_text='For example {"dataSource": "mysql", "batchSize": 100}'
    )
    metadata = JsonField(label="Other options", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        operation, source = cleaned.get("cache_operation"), cleaned.get("source_region")
        if operation == "WARM" and not self._says_what_to_warm() and "cache_keys" not in self.errors:
            self.add_error("cache_keys", "Name the keys to warm.")
        if operation == "SYNC" and not source and "source_region" not in self.errors:
            self.add_error("source_region", "Name the region to copy from.")
        if source and source == cleaned.get("cache_region"):
            self.add_error("source_region", "The source is the region itself.")
        return cleaned

    def _says_what_to_warm(self) -> bool:
        config = self.cleaned_data.get("cache_config") or {}
        return bool(self.cleaned_data.get("cache_keys") or config.get("preloadQueries"))


TYPE = JobType(
    code="CACHE",
    label="Cache",
    hint="Warm, clear or sync",
    icon="ty-cache",
    form=CacheForm,
    aliases={
        "operation": "cache_operation",
        "cacheOperation": "cache_operation",
        "region": "cache_region",
        "cacheRegion": "cache_region",
        "keys": "cache_keys",
        "cacheKeys": "cache_keys",
        "timeToLiveSeconds": "time_to_live_seconds",
        "ttlSeconds": "time_to_live_seconds",
        "skipIfExists": "skip_if_exists",
        "sourceRegion": "source_region",
        "cacheConfig": "cache_config",
        "async": "run_async",
        "metadata": "metadata",
    },
    ceiling=32,
    limit=60,
    repeatable=lambda payload: payload.cache_operation == "STATS",
    error_classes=(
        "CACHE_ERROR",
        "PATTERN_ERROR",
        "SYNC_ERROR",
        "STORAGE_ERROR",
        "DATABASE_ERROR",
        "CONNECTION_ERROR",
        "TIMEOUT",
    ),
)
