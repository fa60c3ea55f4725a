"""`python -m bench.peers KIND NAME`: one measurement of one peer, as one JSON object on the last line."""

import argparse
import json
from importlib import import_module

from bench.peers import ground, measuring

PEERS = (
    "celery_peer",
    "djangoq_peer",
    "dramatiq_peer",
    "huey_peer",
    "procrastinate_peer",
    "rq_peer",
)
KINDS = {
    "throughput": ("THROUGHPUT", measuring.throughput),
    "schedules": ("SCHEDULES", measuring.schedules),
    "slow_calls": ("SLOW_CALLS", measuring.slow_calls),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name", nargs="?", help="one of the names that come without it")
    parser.add_argument("--size", type=int, help="jobs, schedules or calls (default: the peer's own)")
    options = parser.parse_args()
    attribute, measure = KINDS[options.kind]
    offers = {}
    for module in PEERS:
        offers |= getattr(import_module(f"bench.peers.{module}"), attribute, {})
    if options.name is None:
        print(json.dumps(list(offers)))
        return
    ground.make_tables()
    print(json.dumps({"peer": options.name, **measure(offers[options.name], options.size)}))


if __name__ == "__main__":
    main()
