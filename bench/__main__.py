"""`python -m bench NAME`: measure it and, on request, end with one JSON object."""

import argparse
import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

_NOT_MEASUREMENTS = {"__main__", "product", "servers"}
NAMES = sorted(
    {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])} - _NOT_MEASUREMENTS
)


def main() -> None:
    """Run one measurement: its module has `measure(database, say) -> dict`."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="end with the result as one JSON object")
    parser.add_argument("--database", metavar="URL", help="use this database instead of a throw-away one")
    options = parser.parse_args()
    measurement = import_module(f"bench.{options.name}")
    _say((measurement.__doc__ or "").splitlines()[0])
    result = measurement.measure(options.database, _say)
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name}: {json.dumps(value) if isinstance(value, dict | list) else value}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
