"""Where the values come from that a cache is warmed with: the job itself, a database or an HTTP answer."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from django.conf import settings

from jobs import masking
from jobs.executors import placeholders
from jobs.executors.base import Context, ExecutionError
from jobs.executors.calling import calls
from jobs.executors.databases import Database, Terms, open_database
from jobs.executors.databases.gathering import plain

# What one value may hold; of an answer with several values, what they may hold together.
LIMIT_MB = 16
QUERY_SECONDS = 300
_CHUNK = 64 * 1024
_COLUMN = re.compile(r"\{([^{}]+)\}")

Values = Iterator[tuple[str, bytes]]


class Source(Protocol):
    """Gives the values for keys that a job lists, or all it has where the job lists none."""

    def values(self, keys: Sequence[str] | None, context: Context) -> Values:
        """Keys and values; a key that the source knows nothing about is left out."""


def source(config: Mapping[str, Any], context: Context) -> Source | None:
    """The source that a job's settings name, if they name one; placeholders outside SQL are filled.

    Raises ExecutionError with CACHE_SOURCE_MISSING.
    """
    queries, query = config.get("preloadQueries"), config.get("query")
    place = placeholders.fill(config.get("dataSource"), context.value)
    if values := config.get("values"):
        return Given(placeholders.fill(values, context.value))
    if queries or query:
        database, trusted = _database(place)
        if query:
            return Rows(database, trusted, query, config["key"])
        return Queries(database, trusted, _named(queries or {}, context))
    url, headers = (place["url"], place.get("headers")) if isinstance(place, dict) else (place, None)
    if str(url).startswith(("http://", "https://")):
        return Answers(url, headers or {})
    if place:
        raise ExecutionError(
            "CACHE_SOURCE_MISSING", "The job names a source, but no query for it: give preloadQueries."
        )
    return None


def _named(queries: Mapping[str, str], context: Context) -> dict[str, str]:
    # What the queries say is bound when they are run.
    return {placeholders.fill(key, context.value): query for key, query in queries.items()}


def _database(place: Any) -> tuple[str, bool]:
    """The URL of the database, and whether the administrator has given it."""
    said = str((place.get("url") if isinstance(place, Mapping) else place) or "")
    if said in settings.NAMED_DATABASES:
        return settings.NAMED_DATABASES[said], True
    if ":" in said:
        return said, False
    what = f"There is no database {said[:100]}" if said else "The job names no database for its queries"
    raise ExecutionError(
        "CACHE_SOURCE_MISSING",
        f"{what}: dataSource is its URL or one of the names that the administrator gives in"
        " CHRONOS_DATABASES.",
    )


class Given:
    """Values that stand in the job."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def values(self, keys: Sequence[str] | None, context: Context) -> Values:
        for key in self._values if keys is None else keys:
            if key in self._values:
                yield key, _encoded(self._values[key])


class Queries:
    """One query for each key: its rows, as a list of JSON objects, are the value."""

    def __init__(self, database: str, trusted: bool, queries: Mapping[str, str]) -> None:
        self._database = database
        self._trusted = trusted
        self._queries = queries

    def values(self, keys: Sequence[str] | None, context: Context) -> Values:
        wanted = [key for key in (self._queries if keys is None else keys) if key in self._queries]
        if not wanted:
            return
        with _opened(self._database, self._trusted, context) as database:
            for key in wanted:
                yield key, self._rows(database, key, context)

    def _rows(self, database: Database, key: str, context: Context) -> bytes:
        told, size = [], 2
        for row in _objects(database, self._queries[key]):
            told.append(_encoded(row))
            size += len(told[-1]) + 1
            if size > LIMIT_MB * 2**20:
                raise ExecutionError(
                    "CACHE_SOURCE_ERROR",
                    f"The query for {key} gives more than {LIMIT_MB} MB: select less, or use query and key to"
                    " store each row by itself.",
                )
        context.log("INFO", f"{key}: {len(told):,} rows read")
        return b"[" + b",".join(told) + b"]"


class Rows:
    """One query for many keys: each row is the value of the key that its columns make."""

    def __init__(self, database: str, trusted: bool, query: str, key: str) -> None:
        self._database = database
        self._trusted = trusted
        self._query = query
        self._key = key

    def values(self, keys: Sequence[str] | None, context: Context) -> Values:
        wanted = None if keys is None else set(keys)
        template = placeholders.fill(self._key, context.value)
        with _opened(self._database, self._trusted, context) as database:
            for row in _objects(database, self._query):
                key = _COLUMN.sub(lambda column, row=row: _cell(row, column[1]), template)  # type: ignore[misc]
                if wanted is None or key in wanted:
                    yield key, _encoded(row)


def _cell(row: Mapping[str, Any], column: str) -> str:
    if column not in row:
        raise ExecutionError("CACHE_SOURCE_ERROR", f"The query gives no column {column[:100]} for the key.")
    return str(row[column])


def _opened(database: str, trusted: bool, context: Context) -> Any:
    return open_database(database, context, Terms(streaming=True, timeout=QUERY_SECONDS, trusted=trusted))


def _objects(database: Database, query: str) -> Iterator[dict[str, Any]]:
    columns, rows = database.rows(query)
    for row in rows:
        yield dict(zip(columns, map(plain, row), strict=True))


class Answers:
    """An HTTP answer: one for each key where the URL says `{key}`, else a JSON object with all values."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._headers = headers

    def values(self, keys: Sequence[str] | None, context: Context) -> Values:
        if "{key}" not in self._url:
            yield from Given(self._object(context)).values(keys, context)
            return
        if keys is None:
            raise ExecutionError("CACHE_SOURCE_MISSING", "The URL asks for keys, and the job lists none.")
        for key in keys:
            yield key, self._get(self._url.replace("{key}", quote(key, safe="")), context)

    def _object(self, context: Context) -> dict[str, Any]:
        try:
            found = json.loads(self._get(self._url, context))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ExecutionError(
                "CACHE_SOURCE_ERROR", "The answer is no JSON object with the values by their keys."
            )
        return found

    def _get(self, url: str, context: Context) -> bytes:
        with (
            calls.told(context),
            calls.session(url) as (session, shut_down),
            context.closing(shut_down),
            session.get(url, headers=dict(self._headers), timeout=max(0.01, context.remaining),
                        stream=True, hooks={"response": calls.leave_body_of_redirect}) as answer,
        ):  # fmt: skip
            content = self._body(answer.iter_content(_CHUNK), context)
        context.log("INFO", masking.text(f"GET {url}: {answer.status_code}"), bytes=len(content))
        if answer.status_code >= 400:
            raise ExecutionError(f"HTTP_{answer.status_code}", f"The source answered {answer.status_code}.")
        if answer.status_code != 200:
            raise ExecutionError("CACHE_SOURCE_ERROR", f"The source answered {answer.status_code}.")
        return content

    def _body(self, chunks: Iterator[bytes], context: Context) -> bytes:
        content = bytearray()
        for chunk in chunks:
            context.check()
            content += chunk
            if len(content) > LIMIT_MB * 2**20:
                raise ExecutionError("CACHE_SOURCE_ERROR", f"The answer holds more than {LIMIT_MB} MB.")
        # An answer cut off by us, because time is up, must not pass for a short one.
        context.check()
        return bytes(content)


def _encoded(value: Any) -> bytes:
    """The value as it is stored: text as it stands, the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
