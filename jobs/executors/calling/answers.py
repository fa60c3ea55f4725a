"""What an HTTP call answered, and whether it is what the job expects."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests
from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.filter import BaseExpression, FilterQuery, FunctionExtension
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import Filter

from jobs import masking
from jobs.executors import encodings
from jobs.executors.base import Context, ExecutionError, Result

BODY_LIMIT = 1_000_000
CHUNK = 64 * 1024
EXCERPT = 2_000
RETRY_AFTER_LIMIT = 3_600
_VALUES_LIMIT = 10_000
STEPS_LIMIT = 12
_QUERIES_LIMIT = 3
_PATHS = JSONPathEnvironment(strict=True)


class BadPath(ValueError):
    """This is no JSON path that Chronos follows; `str()` is the sentence for the person."""


@dataclass(frozen=True)
class Body:
    """The body up to the limit, and whether there was more."""

    content: bytes
    cut: bool
    encoding: str | None

    @property
    def text(self) -> str:
        return self.content.decode(encodings.known(self.encoding or "") or "utf-8", "replace")

    @property
    def size(self) -> str:
        return f"{'over ' if self.cut else ''}{len(self.content):,} bytes"


def read(answer: requests.Response, context: Context) -> Body:
    """The body as far as anybody needs it."""
    content = bytearray()
    cut = False
    for chunk in answer.iter_content(CHUNK):
        context.check()
        content += chunk
        if len(content) > BODY_LIMIT:
            cut = True
            break
    # An answer cut off by us, because time is up, must not pass for a short one.
    context.check()
    # A text without a word about its letters is UTF-8 nowadays, whatever the old rule says.
    said = "charset" in answer.headers.get("Content-Type", "").lower()
    return Body(bytes(content[:BODY_LIMIT]), cut, answer.encoding if said else None)


def judge(
    answer: requests.Response,
    body: Body,
    took: int,
    options: Mapping[str, Any],
    context: Context,
    hide: Callable[[Any], Any],
) -> Result:
    """Tell what came after how many milliseconds, and whether it is good.

    `hide` takes out of what is told what the call itself brought along and must stay secret.
    Raises ExecutionError with HTTP_<status>, UNEXPECTED_STATUS or UNEXPECTED_BODY.
    """
    status = f"{answer.status_code} {(answer.reason or '')[:100]}".strip()
    summary = f"{status} in {took:,} ms, {body.size}"
    good = _expected(answer.status_code, options.get("expected_statuses"))
    beginnings = {name: value[:EXCERPT] for name, value in islice(answer.headers.items(), 50)}
    headers = hide(masking.anything(beginnings))
    context.log("INFO" if good else "WARN", summary, headers=headers)
    if body.content:
        context.log("DEBUG", hide(masking.text(body.text[:EXCERPT])))
    data = {
        "status": answer.status_code,
        "bytes": len(body.content),
        "elapsed_ms": took,
        "url": masking.text(answer.url),
    }
    if not good:
        raise ExecutionError(
            f"HTTP_{answer.status_code}" if answer.status_code >= 400 else "UNEXPECTED_STATUS",
            f"{status} from {urlsplit(answer.url).hostname}",
            result=data,
            retry_after=retry_after(answer, datetime.now(UTC)),
        )
    problem = _problem(body, options, context)
    if problem:
        raise ExecutionError("UNEXPECTED_BODY", hide(masking.text(f"The answer {problem}.")), result=data)
    return Result(summary, data)


def _expected(status: int, wanted: list[int] | None) -> bool:
    return status in wanted if wanted else 200 <= status < 300


def retry_after(answer: requests.Response, now: datetime) -> float | None:
    """Seconds to wait by the header Retry-After, an hour at most; None where the server does not say."""
    said = answer.headers.get("Retry-After", "").strip()
    if answer.status_code not in (429, 503) or not said:
        return None
    if re.fullmatch(r"[0-9]{1,9}", said):
        return min(float(said), RETRY_AFTER_LIMIT)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def _problem(body: Body, options: Mapping[str, Any], context: Context) -> str | None:
    """What is wrong with the body, if anything."""
    wanted = options.get("answer_contains")
    if wanted and wanted not in body.text:
        where = f" in its first {BODY_LIMIT:,} bytes" if body.cut else ""
        return f"does not contain {wanted[:100]!r}{where}"
    if options.get("json_path"):
        return _problem_at(options["json_path"], options.get("json_equals"), body, context)
    return None


def _problem_at(path: str, wanted: str | None, body: Body, context: Context) -> str | None:
    if body.cut:
        return f"is longer than {BODY_LIMIT:,} bytes, so that its JSON cannot be read"
    try:
        document = json.loads(body.content)
    except (ValueError, RecursionError):
        return "is no JSON that can be read"
    try:
        found = list(_values(compiled(path), document, context))
    except (BadPath, JSONPathError) as error:
        return f"cannot be searched for {path}: {_first_line(error)}"
    if not found:
        return f"has nothing at {path}"
    if len(found) > _VALUES_LIMIT:
        return f"has more than {_VALUES_LIMIT:,} values at {path}"
    wrong = [value for value in found if wanted and not _is(value, wanted)]
    return f"has {_shown(wrong[0])} at {path}, not {wanted}" if wrong else None


def _values(path: JSONPath, document: Any, context: Context) -> Iterator[Any]:
    """What the path finds, up to one more than we look at."""
    if isinstance(document, str):
        # The library would read the text as JSON once more.
        yield from [] if path.segments else [document]
        return
    for match in islice(path.finditer(document), _VALUES_LIMIT + 1):
        context.check()
        yield match.obj


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:100]


def _is(value: Any, wanted: str) -> bool:
    """Whether a JSON value is what somebody typed: the text itself, or the value in JSON."""
    if isinstance(value, str):
        return value == wanted
    try:
        typed = json.loads(wanted)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, bool) or isinstance(typed, bool):
        # For Python, true is 1.
        return typed is value
    return bool(typed == value)


def compiled(text: str) -> JSONPath:
    """The path, ready to be followed.

    What could take much longer than reading the answer is left out of RFC 9535, since nothing could
    interrupt it: several selectors in one pair of brackets, .. more than once, and in filters functions,
    many values, and paths with more than one end.
    Raises BadPath.
    """
    try:
        path = _PATHS.compile(text)
    except (JSONPathError, RecursionError) as error:
        raise BadPath(
            f"This is no JSON path: {_first_line(error)}. Write it like $.status or $.items[0].id."
        ) from error
    if not isinstance(path, JSONPath) or not _is_quick(path):
        raise BadPath(
            f"Chronos follows simpler paths: up to {STEPS_LIMIT} steps, one name, number or filter in a pair"
            " of brackets, .. once, and in filters up to three values such as @.name == 'db'."
        )
    return path


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:100]


def _is_quick(path: JSONPath) -> bool:
    selectors = [each.selectors for each in path.segments]
    deep = [each for each in path.segments if isinstance(each, JSONPathRecursiveDescentSegment)]
    filters = [each[0].expression for each in selectors if isinstance(each[0], Filter)]
    parts = [part for each in filters for part in _parts(each)]
    asked = [part.path for part in parts if isinstance(part, FilterQuery)]
    return (
        len(selectors) <= STEPS_LIMIT
        and len(deep) <= 1
        and all(len(each) == 1 for each in selectors)
        and len(asked) <= _QUERIES_LIMIT
        and all(each.singular_query() for each in asked)
        and not any(isinstance(part, FunctionExtension) for part in parts)
    )


def _parts(expression: BaseExpression) -> Iterator[BaseExpression]:
    yield expression
    for each in expression.children():
        yield from _parts(each)
