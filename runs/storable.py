"""Values as every database can store them."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

# PostgreSQL stores no NUL, UTF-8 no half of a surrogate pair.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# MariaDB reads JSON no deeper than 32.
DEEPEST = 20
LARGEST = 2**63
RESULT_LIMIT = 100_000
SUMMARY_LIMIT = 4_000


def text(value: object) -> str:
    """The value as text, with a mark for each character that some database refuses."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))


def plain(value: object, depth: int = 0) -> Any:
    """The value as JSON for every database; what JSON cannot say, and what lies too deep, becomes text."""
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {text(name): plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return [plain(each, depth + 1) for each in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < LARGEST else f"a number of {value.bit_length()} bits"
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return text(value)


def result(value: Mapping[str, Any]) -> str:
    """A result as JSON; of one that is too long only its summary is kept, with a mark where it was cut."""
    kept = plain(value)
    written = json.dumps(kept)
    if len(written) <= RESULT_LIMIT:
        return written
    summary = str(kept.get("summary", ""))[:SUMMARY_LIMIT]
    return json.dumps({"summary": summary, "cut": f"{len(written):,} characters"})
