"""When a browser first paints the overview, and what a page weighs on the wire."""

import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from statistics import median
from typing import Any

from bench import machine, product, servers
from bench.seeding import OPERATOR, Size, fill

REPEATS = 10
SIZE = Size(1_000, 50_000, 500, 5_000, 20)
LIMIT_MS, LIMIT_BYTES = 1000, 200_000
PAGES = {"overview": "", "jobs": "jobs/", "runs": "runs/", "calendar": "calendar/", "new job": "jobs/new/"}
_PAINT = "performance.getEntriesByName('first-contentful-paint').map(each => each.startTime)[0]"
# What came over the wire, headers and compression included: the page itself and all that it asked for.
_BYTES = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, each) => sum + each.transferSize, 0)"""


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=REPEATS, help="visits a page (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """First contentful paint in Chromium with nothing cached, in ms from the click, and bytes received."""
    from playwright.sync_api import sync_playwright

    with servers.database(options.database or "sqlite") as url:
        product.set_up(url, pages=True)
        from django.db import connection

        fill(SIZE, say)
        with product.store(), product.web() as (_, address):
            cookies = _cookies(address)
            database = connection.vendor
            with sync_playwright() as browsers:
                chromium = browsers.chromium.launch(
                    executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"),
                    args=["--no-sandbox"],
                )
                blank = _visits(chromium, f"{address}healthz", cookies, options.repeats)
                pages = {
                    name: _visits(chromium, address + path, cookies, options.repeats)
                    for name, path in PAGES.items()
                }
                chromium.close()
        for name, found in pages.items():
            say(f"{name:12} painted after {found['paint_ms']:6.0f} ms, {found['bytes'] / 1000:6.1f} kB")
        return {
            "overview_paint_ms": pages["overview"]["paint_ms"],
            "limit_ms": LIMIT_MS,
            "raw_limit_ms": blank["paint_ms"],
            "most_bytes": max(found["bytes"] for found in pages.values()),
            "limit_bytes": LIMIT_BYTES,
            "pages": pages,
            "database": database,
            "jobs": SIZE.jobs,
            "runs": SIZE.runs,
            "load_average": machine.load_average(),
        }


def _cookies(address: str) -> list[dict[str, Any]]:
    """What makes the browser one of somebody who has signed in."""
    jar = product.signed_in(OPERATOR).cookies
    return [{"name": name, "value": value, "url": address} for name, value in jar.items()]


def _visits(chromium: Any, url: str, cookies: list[dict[str, Any]], repeats: int) -> dict[str, float]:
    """The medians of some visits, each by a browser that has never been here."""
    paints, sizes = [], []
    for _ in range(repeats):
        # What waits for the paint is evaluated in the page, which its policy forbids.
        browser = chromium.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
        browser.add_cookies(cookies)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function(f"{_PAINT} !== undefined")
        paints.append(page.evaluate(_PAINT))
        sizes.append(page.evaluate(_BYTES))
        browser.close()
    return {"paint_ms": round(median(paints), 1), "bytes": median(sizes)}
