"""What a cache region holds and how well it serves, as figures and as a file for collectors."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.executors.base import Artefact, Context
from jobs.executors.caches.region import Region

# What a job may ask for, by its settings; the first four are told where it asks for nothing.
SECTIONS = {
    "includeKeyCount": "keys",
    "includeMemoryUsage": "memory",
    "includeHitRatio": "hits",
    "includeEvictionStats": "evictions",
    "includeThroughputStats": "throughput",
    "includeLatencyStats": "latency",
}
USUAL = ("keys", "memory", "hits", "evictions")
BUCKETS_MS = (1, 5, 10, 25, 50, 100, 250, 500, 1000)
# How the servers call what we tell; the figures are the whole server's, not the region's.
_REDIS = {
    "memory": {
        "server_bytes": "used_memory",
        "server_limit_bytes": "maxmemory",
        "fragmentation_ratio": "mem_fragmentation_ratio",
    },
    "hits": {"hits": "keyspace_hits", "misses": "keyspace_misses"},
    "evictions": {
        "evicted_keys": "evicted_keys",
        "expired_keys": "expired_keys",
        "policy": "maxmemory_policy",
    },
    "throughput": {
        "commands": "total_commands_processed",
        "commands_per_second": "instantaneous_ops_per_sec",
        "input_kilobytes_per_second": "instantaneous_input_kbps",
        "output_kilobytes_per_second": "instantaneous_output_kbps",
    },
}
_MEMCACHED = {
    "keys": {"server_keys": "curr_items"},
    "memory": {"server_bytes": "bytes", "server_limit_bytes": "limit_maxbytes"},
    "hits": {"hits": "get_hits", "misses": "get_misses"},
    "evictions": {"evicted_keys": "evictions", "expired_unread_keys": "expired_unfetched"},
    "throughput": {
        "reads": "cmd_get",
        "writes": "cmd_set",
        "read_bytes": "bytes_read",
        "written_bytes": "bytes_written",
    },
}


def wanted(config: Mapping[str, Any]) -> list[str]:
    """The sections that a job asks for."""
    if config.get("detailedStats"):
        return list(SECTIONS.values())
    said = [section for name, section in SECTIONS.items() if config.get(name)]
    hidden = {section for name, section in SECTIONS.items() if config.get(name) is False}
    return said or [section for section in USUAL if section not in hidden]


def collect(
    region: Region, sections: Sequence[str], buckets: Sequence[float], context: Context
) -> dict[str, Any]:
    """The region's figures by section."""
    figures = region.figures()
    names: Mapping[str, Mapping[str, str]] = _REDIS if region.kind == "Redis" else _MEMCACHED
    found: dict[str, Any] = {"server": _server(region, figures)}
    for section in sections:
        told = names.get(section, {})
        found[section] = {ours: figures[theirs] for ours, theirs in told.items() if theirs in figures}
    if "hits" in sections:
        found["hits"]["hit_ratio"] = _ratio(found["hits"])
    if {"keys", "memory"} & set(sections):
        _measure(region, found, context)
    if "latency" in sections:
        found["latency"] = _latency(region, figures, buckets)
        if not found["latency"]:
            context.log("WARN", f"{region.name}: this {region.kind} tells nothing about its latency")
    return found


def _server(region: Region, figures: Mapping[str, Any]) -> str:
    version = figures.get("valkey_version") or figures.get("redis_version") or figures.get("version")
    return f"{'Valkey' if 'valkey_version' in figures else region.kind} {version}"


def _ratio(hits: Mapping[str, Any]) -> float | None:
    asked = hits.get("hits", 0) + hits.get("misses", 0)
    return round(hits.get("hits", 0) / asked, 4) if asked else None


def _measure(region: Region, found: dict[str, Any], context: Context) -> None:
    size = region.size(measured="memory" in found)
    if size is None:
        context.log("WARN", f"{region.name}: memcached tells the keys of the whole server, not of a region")
        return
    if "keys" in found:
        found["keys"]["region_keys"] = size.keys
    if "memory" in found:
        found["memory"] |= {
            "region_bytes": size.total_bytes,
            "region_bytes_estimated": size.measured < size.keys,
        }


def _latency(region: Region, figures: Mapping[str, Any], buckets: Sequence[float]) -> dict[str, Any]:
    quantiles = figures.get("latency") or {}
    found: dict[str, Any] = {
        name.removeprefix("latency_percentiles_usec_"): told for name, told in quantiles.items()
    }
    told = {"microseconds": found} if found else {}
    histogram = region.histogram()
    if histogram:
        told["calls_within_ms"] = {
            name: {f"{bucket:g}": _within(counts, bucket) for bucket in buckets} | {"+Inf": _most(counts)}
            for name, counts in histogram.items()
        }
    return told


def _within(counts: Sequence[tuple[int, int]], milliseconds: float) -> int:
    """How many calls are known to have taken no longer."""
    return max((count for bound, count in counts if bound <= milliseconds * 1000), default=0)


def _most(counts: Sequence[tuple[int, int]]) -> int:
    return max((count for _, count in counts), default=0)


def exported(kind: str, regions: Mapping[str, Mapping[str, Any]]) -> Artefact:
    """The figures as a file: JSON, or the text that Prometheus collects."""
    if kind == "json":
        return Artefact("statistics.json", json.dumps(regions, indent=2).encode(), "application/json")
    lines: dict[str, list[str]] = {}
    for name, told in regions.items():
        for metric, labels, value in _samples(told):
            written = ",".join(
                f'{each}="{_escaped(text)}"' for each, text in {"region": name, **labels}.items()
            )
            lines.setdefault(metric, []).append(f"{metric}{{{written}}} {value}\n")
    text = "".join(line for metric in sorted(lines) for line in lines[metric])
    return Artefact("statistics.prom", text.encode(), "text/plain; version=0.0.4")


def _samples(told: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    for section, figures in told.items():
        if section == "latency":
            yield from _latencies(figures)
        elif isinstance(figures, Mapping):
            for name, value in figures.items():
                if isinstance(value, int | float):
                    yield _metric(f"{section}_{name}"), {}, float(value)


def _latencies(latency: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    for command, quantiles in latency.get("microseconds", {}).items():
        for name, value in quantiles.items():
            quantile = f"{float(name.removeprefix('p')) / 100:g}"
            yield _metric("latency_microseconds"), {"command": command, "quantile": quantile}, float(value)
    for command, counts in latency.get("calls_within_ms", {}).items():
        for bound, count in counts.items():
            yield _metric("calls_milliseconds_bucket"), {"command": command, "le": bound}, float(count)


def _metric(name: str) -> str:
    return "chronos_cache_" + re.sub(r"\W", "_", name)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
