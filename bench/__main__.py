"""`python -m bench NAME`: measure it and, on request, end with one JSON object."""

import argparse
import json
import signal
import sys
from importlib import import_module

NAMES = (
    "admin_lists",
    "engine",
    "held",
    "http",
    "idle",
    "latency",
    "memory",
    "pages",
    "paint",
    "schedules",
    "soak",
    "storm",
    "stream",
    "throughput",
)


def main() -> None:
    """Run one measurement.

    Its module has `measure(options, say) -> dict` and, for options of its own, `add_options(parser)`.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name in NAMES:
        module = import_module(f"bench.{name}")
        sentence = (module.__doc__ or "").splitlines()[0]
        one = names.add_parser(name, help=sentence, description=sentence)
        one.add_argument("--json", action="store_true", help="end with the result as one JSON object")
        one.add_argument(
            "--database",
            metavar="URL",
            help="a database to use, or sqlite or postgresql for a throw-away one (default: postgresql)",
        )
        getattr(module, "add_options", lambda parser: None)(one)
        one.set_defaults(measure=module.measure, sentence=sentence)
    options = parser.parse_args()
    # Or whatever was started would be left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _say(options.sentence)
    result = options.measure(options, _say)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name}: {json.dumps(value) if isinstance(value, dict | list) else value}")
    # A measurement that also checks says what is wrong.
    sys.exit(1 if result.get("problems") else 0)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
