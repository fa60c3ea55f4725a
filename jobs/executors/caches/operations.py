"""What cache jobs do: warm, invalidate, synchronise, and tell statistics."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jobs.executors.base import Artefact, Context, ExecutionError, Payload, Result
from jobs.executors.caches import named, opened
from jobs.executors.caches import statistics as figures
from jobs.executors.caches.config import batch_size, tell_what_is_idle
from jobs.executors.caches.region import Entry, Region, batches, is_wild
from jobs.executors.caches.sources import Source, source
from jobs.executors.wording import counted

SECONDS = 3_600
CHANNEL = "chronos:cache:"
# Keys that a result names one by one.
_NAMED = 20
_RESULT_LIMIT = 80_000


@dataclass
class Work:
    """One run's work on its regions, and what is to be told of it."""

    payload: Payload
    context: Context
    regions: list[Region]
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Mapping[str, Any]:
        return self.payload.cache_config or {}

    @property
    def keys(self) -> list[str]:
        return list(self.payload.cache_keys or [])

    @property
    def batch(self) -> int:
        return batch_size(self.config)

    def literal(self) -> Iterator[list[bytes]]:
        """The keys that the job names one by one, in batches."""
        literal = [key.encode() for key in self.keys if not self.is_wild(key)]
        yield from batches(literal, self.batch)

    @property
    def patterns(self) -> list[str]:
        """The wildcards of the job; where it names no key at all, the whole region is meant."""
        return [key for key in self.keys if self.is_wild(key)] if self.keys else ["*"]

    def found(self, region: Region) -> Iterator[list[bytes]]:
        """The region's keys that the job means, in batches."""
        yield from self.literal()
        for pattern in self.patterns:
            yield from region.found(pattern, self.batch)

    def is_wild(self, key: str) -> bool:
        return self.config.get("patternMatching") is not False and is_wild(key)

    def check_listable(self, regions: Sequence[Region]) -> None:
        """Find out before anything is done whether all regions can find what is meant."""
        if self.patterns:
            for region in regions:
                if not region.listable:
                    region.found("*", 1)

    def settle(self, region: Region, changed: int) -> None:
        """Wait for the replicas, and tell those who want to know."""
        if changed and not self.payload.run_async:
            have, replicas = region.replicated()
            if replicas:
                level = "INFO" if have >= replicas else "WARN"
                self.context.log(level, f"{region.name}: {have} of {replicas} replicas have it")
        if self.config.get("notifyOtherNodes") or self.config.get("notifyApplications"):
            self._notify(region, changed)

    def _notify(self, region: Region, changed: int) -> None:
        channel = CHANNEL + region.name
        message = {
            "region": region.name,
            "operation": self.payload.cache_operation,
            "keys": self.keys,
            "changed": changed,
            "run": self.context.run_id,
        }
        listeners = region.tell(channel, json.dumps(message, ensure_ascii=False))
        if listeners is None:
            self.context.log("WARN", f"{region.name}: {region.kind} has no channels to tell others by")
        else:
            self.context.log("INFO", f"Told {listeners} listeners on the channel {channel}")

    def result(self, summary: str, files: Sequence[Artefact] = ()) -> Result:
        data: dict[str, Any] = {"regions": self.told}
        if self.config.get("generateReport"):
            report = {"run": self.context.run_id, "summary": summary, **data}
            content = json.dumps(report, indent=2, ensure_ascii=False).encode()
            files = [*files, Artefact("report.json", content, "application/json")]
        return Result(summary, _fitting(data), artefacts=files)


def _fitting(data: dict[str, Any]) -> dict[str, Any]:
    """The result as far as a run's page has room for it."""
    if len(json.dumps(data)) <= _RESULT_LIMIT:
        return data
    shorter = {
        name: {section: told for section, told in figures.items() if section != "latency"}
        for name, figures in data["regions"].items()
    }
    return {"regions": shorter, "cut": "the latency stands in the files alone"}


@contextmanager
def _working(payload: Payload, context: Context, *more: str) -> Iterator[tuple[Work, list[Region]]]:
    """The work on the job's regions, and more regions beside them; a failure tells how far it came."""
    names = named(payload.cache_region)
    tell_what_is_idle(payload.cache_config or {}, payload.cache_operation, context)
    names = [name for name in names if name not in more]
    with opened([*names, *more], context) as regions:
        work = Work(payload, context, regions[: len(names)])
        try:
            yield work, regions[len(names) :]
        except ExecutionError as error:
            error.result = {**error.result, **({"regions": work.told} if work.told else {})}
            raise


def _in(regions: Sequence[Region]) -> str:
    return regions[0].name if len(regions) == 1 else f"{len(regions)} regions"


def invalidate(payload: Payload, context: Context) -> Result:
    """Remove keys, what wildcards find, or everything in the regions."""
    with _working(payload, context) as (work, _):
        work.check_listable(work.regions)
        removed = sum(_clear(work, region) for region in work.regions)
        return work.result(f"{counted(removed, 'key')} removed from {_in(work.regions)}")


def _clear(work: Work, region: Region) -> int:
    told: dict[str, int] = {"removed": 0}
    work.told[region.name] = told
    for keys in work.literal():
        told["removed"] += region.remove(keys)
    for pattern in work.patterns:
        before = told["removed"]
        for keys in region.found(pattern, work.batch):
            told["removed"] += region.remove(keys)
        work.context.log("INFO", f"{region.name}: {told['removed'] - before:,} removed by {pattern}")
    work.context.log("INFO", f"{region.name}: {counted(told['removed'], 'key')} removed")
    _tidy(work, region)
    work.settle(region, told["removed"])
    return told["removed"]


def _tidy(work: Work, region: Region) -> None:
    config, log = work.config, work.context.log
    if config.get("cleanupExpired"):
        if region.listable:
            # A cache drops what has expired when somebody comes across it.
            left = sum(len(keys) for keys in region.found("*", work.batch))
            log("INFO", f"{region.name}: what had expired is gone, {counted(left, 'key')} left")
        else:
            log("WARN", f"{region.name}: {region.kind} drops what has expired by itself")
    if config.get("compactMemory") or config.get("defragmentCache"):
        if region.compact():
            log("INFO", f"{region.name}: the server was asked to give back memory that it does not need")
        else:
            log("WARN", f"{region.name}: {region.kind} looks after its memory by itself")


def warm(payload: Payload, context: Context) -> Result:
    """Store the values of a source, or keep what is there for longer where the job names none."""
    with _working(payload, context) as (work, _):
        found = source(work.config, context)
        return _fill(work, found) if found else _refresh(work)


def _fill(work: Work, origin: Source) -> Result:
    kept = (work.payload.time_to_live_seconds or SECONDS) * 1000
    only_new = bool(work.payload.skip_if_exists)
    wanted = _missing(work) if only_new and work.keys else work.keys or None
    came: set[str] = set()
    for region in work.regions:
        work.told[region.name] = {"stored": 0, "left": 0}
    # A source is not asked for nothing.
    values = iter(()) if wanted == [] else origin.values(wanted, work.context)
    for batch in batches(values, work.batch):
        came |= {key for key, _ in batch} if wanted else set()
        entries = {key.encode("utf-8", "replace"): Entry(value, kept) for key, value in batch}
        for region in work.regions:
            stored = region.write(entries, only_new=only_new)
            work.told[region.name]["stored"] += stored
            work.told[region.name]["left"] += len(entries) - stored
    for region in work.regions:
        told = work.told[region.name]
        told["left"] += len(work.keys) - len(wanted) if wanted is not None else 0
        work.context.log(
            "INFO",
            f"{region.name}: {counted(told['stored'], 'key')} stored, {told['left']:,} left as they were",
        )
        work.settle(region, told["stored"])
    if missing := [key for key in wanted or [] if key not in came]:
        raise ExecutionError("CACHE_SOURCE_ERROR", f"The source has nothing for {_listed(missing)}.")
    stored = sum(told["stored"] for told in work.told.values())
    left = sum(told["left"] for told in work.told.values())
    return work.result(
        f"{counted(stored, 'key')} stored in {_in(work.regions)}" + (f", {left:,} left" if left else "")
    )


def _missing(work: Work) -> list[str]:
    """The job's keys that are not there in every region: only these need values."""
    there = [{key for batch in work.literal() for key in region.present(batch)} for region in work.regions]
    return [key for key in work.keys if not all(key.encode() in each for each in there)]


def _refresh(work: Work) -> Result:
    """Keep the keys that are there for longer, or leave them as they are.

    Nobody said what to store under those that are not there, and nothing is invented: they are a failure.
    """
    seconds = work.payload.time_to_live_seconds or SECONDS
    missing: list[str] = []
    refreshed = 0
    for region in work.regions:
        there: set[bytes] = set()
        for keys in work.literal():
            there |= region.present(keys) if work.payload.skip_if_exists else region.keep(keys, seconds)
        gone = [key for key in work.keys if key.encode() not in there]
        work.told[region.name] = {"there": len(there), "missing": gone[:_NAMED]}
        work.context.log("INFO", f"{region.name}: {counted(len(there), 'key')} there, {len(gone):,} missing")
        work.settle(region, len(there))
        refreshed += len(there)
        missing += gone
    if missing:
        raise ExecutionError(
            "CACHE_SOURCE_MISSING",
            f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} not in the cache, and the job says"
            " nothing to store there: give values, preloadQueries or a dataSource in its settings.",
        )
    done = "there already" if work.payload.skip_if_exists else f"kept for another {seconds:,} s"
    return work.result(f"{counted(refreshed, 'key')} in {_in(work.regions)} {done}")


def _listed(keys: Sequence[str]) -> str:
    shown = ", ".join(key[:100] for key in keys[:5])
    return f"{shown} and {len(keys) - 5:,} more" if len(keys) > 5 else shown


def sync(payload: Payload, context: Context) -> Result:
    """Copy entries from the source region, with the time that they have left."""
    origin, *others = named(payload.source_region)
    if others:
        raise ExecutionError("SYNC_ERROR", "Entries come from one region: name one as the source.")
    with _working(payload, context, origin) as (work, (origin_region,)):
        work.check_listable([origin_region])
        copied = sum(_copy(work, origin_region, region) for region in work.regions)
        return work.result(f"{counted(copied, 'key')} copied from {origin} to {_in(work.regions)}")


def _copy(work: Work, origin: Region, region: Region) -> int:
    told: dict[str, int] = {"copied": 0, "left": 0, "missing": 0}
    work.told[region.name] = told
    dumped = origin.kind == region.kind == "Redis"
    for keys in work.found(origin):
        entries = origin.read(keys, dumped=dumped)
        told["missing"] += len(keys) - len(entries)
        copied = _stored(region, entries, only_new=bool(work.payload.skip_if_exists))
        told["copied"] += copied
        told["left"] += len(entries) - copied
    if told["missing"]:
        work.context.log("WARN", f"{counted(told['missing'], 'key')} not in {origin.name}")
    work.context.log("INFO", f"{region.name}: {counted(told['copied'], 'key')} copied, {told['left']:,} left")
    work.settle(region, told["copied"])
    return told["copied"]


def _stored(region: Region, entries: Mapping[bytes, Entry], *, only_new: bool) -> int:
    try:
        return region.write(entries, only_new=only_new)
    except ExecutionError as error:
        # The servers' versions do not understand each other, or one knows a kind that the other does not.
        if error.error_class == "CACHE_ERROR":
            error.error_class = "SYNC_ERROR"
        raise


def statistics(payload: Payload, context: Context) -> Result:
    """Tell what the regions hold and how well they serve."""
    with _working(payload, context) as (work, _):
        sections = figures.wanted(work.config)
        buckets = work.config.get("histogramBuckets") or figures.BUCKETS_MS
        for region in work.regions:
            work.told[region.name] = figures.collect(region, sections, buckets, context)
            context.log("INFO", f"{region.name}: {_summary(work.told[region.name])}")
        export = str(work.config.get("exportFormat") or "").lower()
        if work.config.get("exportToMetrics"):
            context.log(
                "WARN", "Chronos's own /metrics tells no cache's figures: they are in statistics.prom"
            )
        kinds = {export} | ({"prometheus"} if work.config.get("exportToMetrics") else set())
        files = [figures.exported(kind, work.told) for kind in sorted(kinds - {""})]
        if len(work.regions) == 1:
            return work.result(f"{work.regions[0].name}: {_summary(work.told[work.regions[0].name])}", files)
        return work.result(f"Statistics of {_in(work.regions)}", files)


def _summary(told: Mapping[str, Any]) -> str:
    parts = [told["server"]]
    if (keys := told.get("keys", {}).get("region_keys")) is not None:
        parts.append(counted(keys, "key"))
    if (size := told.get("memory", {}).get("region_bytes")) is not None:
        parts.append(f"{size:,} bytes")
    if (ratio := told.get("hits", {}).get("hit_ratio")) is not None:
        parts.append(f"{ratio:.1%} hits on the server")
    return ", ".join(parts)
