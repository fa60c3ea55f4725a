"""CACHE: warm, invalidate and synchronise cache regions, and read their statistics."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from jobs.executors.addresses import known
from jobs.executors.base import Context, JobType, Payload, Result
from jobs.executors.caches.config import ConfigField
from jobs.executors.caches.operations import invalidate, statistics, sync, warm
from jobs.executors.caches.region import is_wild
from jobs.executors.database import ERROR_CLASSES as DATABASE_ERRORS
from jobs.executors.fields import FlagField, NumberField, TextField, WordField
from jobs.executors.json_fields import OptionsField, TextListField
from jobs.executors.payload_form import PayloadForm

OPERATIONS = {"WARM": "Warm", "INVALIDATE": "Invalidate", "SYNC": "Sync", "STATS": "Statistics"}


class CacheForm(PayloadForm):
    # Values for queries are bound; the rest of the settings is filled beside them.
    binds: ClassVar[frozenset[str]] = frozenset({"cache_config"})

    cache_operation = WordField(label=_("Operation"), choices=OPERATIONS, initial="INVALIDATE")
    cache_region = TextField(
        label=_("Region"),
        mono=True,
        help_text=known(
            "CACHE_REGIONS",
            _("Here: %(names)s. Several separated by commas, or all-regions."),
            _("None is set up here yet: the administrator names them in CHRONOS_CACHE_REGIONS."),
        ),
    )
    source_region = TextField(
        label=_("Source region"),
        required=False,
        mono=True,
        help_text=_("For sync: where the entries come from."),
    )
    cache_keys = TextListField(
        label=_("Keys"),
        required=False,
        help_text=_("One a line, for example session:*; the whole region if empty, except for warm."),
    )
    time_to_live_seconds = NumberField(
        label=_("Keep for"),
        required=False,
        least=1,
        most=315_360_000,
        help_text=_("Seconds, for warm; 3600 if empty."),
    )
    skip_if_exists = FlagField(label=_("Leave keys that exist"), help_text=_("For warm and sync."))
    run_async = FlagField(
        label=_("Do not wait for replicas"), help_text=_("The run ends when the cache itself has done it.")
    )
    cache_config = ConfigField(
        label=_("Settings"),
        required=False,
        help_text=_('For example {"dataSource": "https://shop.example.com/users/{key}"}'),
    )
    metadata = OptionsField()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        operation, source = cleaned.get("cache_operation"), cleaned.get("source_region")
        if operation == "WARM" and "cache_keys" not in self.errors:
            self._check_what_to_warm(cleaned)
        if operation == "SYNC" and not source and "source_region" not in self.errors:
            self.add_error("source_region", _("Name the region to copy from."))
        if source and source == cleaned.get("cache_region"):
            self.add_error("source_region", _("The source is the region itself."))
        return cleaned

    def _check_what_to_warm(self, cleaned: dict[str, Any]) -> None:
        keys, config = cleaned.get("cache_keys") or [], cleaned.get("cache_config") or {}
        queries = config.get("preloadQueries") or config.get("values") or {}
        if not keys and not queries and not config.get("query") and not _is_answer(config.get("dataSource")):
            self.add_error("cache_keys", _("Name the keys to warm."))
        wild = [key for key in keys if config.get("patternMatching") is not False and is_wild(key)]
        if wild:
            self.add_error(
                "cache_keys",
                _("Only whole keys can be warmed: %(wild)s has a wildcard.") % {"wild": wild[0][:40]},
            )


def _is_answer(source: Any) -> bool:
    return isinstance(source, dict) or str(source or "").startswith(("http://", "https://"))


_DONE_BY = {"WARM": warm, "INVALIDATE": invalidate, "SYNC": sync, "STATS": statistics}


def execute(payload: Payload, context: Context) -> Result:
    """Do the operation in every region that the job names.

    Raises ExecutionError with one of the type's error classes; what was done until then is told.
    """
    return _DONE_BY[payload.cache_operation](payload, context)


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
    execute=execute,
    ceiling=32,
    limit=60,
    repeatable=lambda payload: payload.cache_operation == "STATS",
    error_classes=(
        "CACHE_ERROR",
        "CACHE_REGION_MISSING",
        "CACHE_SOURCE_MISSING",
        "CACHE_SOURCE_ERROR",
        "PATTERN_ERROR",
        "SYNC_ERROR",
        "STORAGE_ERROR",
        *DATABASE_ERRORS,
        "4XX",
        "5XX",
        "HTTP_ERROR",
        "TOO_MANY_REDIRECTS",
        "UNEXPECTED_BODY",
    ),
)
