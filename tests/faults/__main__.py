"""Run the tests of all faults and say what came of each.

python -m tests.faults            on SQLite and PostgreSQL
python -m tests.faults --write    and put the table into docs/reliability.md
"""

import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from tests.faults.matrix import MATRIX

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- the table of faults -->\n", "<!-- the end of the table -->"
PLACES = ("sqlite", "postgresql")


def main():
    parser = ArgumentParser(description="Break everything there is a test for, and tell what came of it.")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--on", default=",".join(PLACES), help=f"where, of {','.join(PLACES)}")
    told = parser.parse_args()
    seen = {place: run(place) for place in told.on.split(",")}
    text = table(seen)
    print(text)
    if told.write:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}{text}{END}{after}")
    sys.exit(any(word == "FAILED" for words in seen.values() for word in words.values()))


def run(place):
    """What came of each test in one place, by its node without parameters."""
    nodes = sorted({node for fault in MATRIX if place in fault.databases for node in fault.nodes})
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        words = ["tests/run.py", "--on", place, *nodes, "-q", f"--junitxml={file.name}"]
        subprocess.run([sys.executable, *words], cwd=ROOT, check=False)
        return read(ElementTree.parse(file.name).iter("testcase"))


def read(cases):
    words = {}
    for case in cases:
        *path, last = case.attrib["classname"].split(".")
        module, inside = ([*path, last], []) if last.startswith("test_") else (path, [last])
        name = case.attrib["name"].partition("[")[0]
        node = "::".join(["/".join(module) + ".py", *inside, name])
        bad = any(case.find(kind) is not None for kind in ("failure", "error"))
        word = "FAILED" if bad else "skipped" if case.find("skipped") is not None else "passed"
        if words.get(node) != "FAILED":
            words[node] = word
    return words


def table(seen):
    """One line a fault, as Markdown."""
    lines = [f"Run on {datetime.now(UTC):%d %B %Y}.", "", f"| | fault | {' | '.join(seen)} | not shown |"]
    lines.append("|---|---|" + "---|" * (len(seen) + 1))
    for fault in MATRIX:
        words = [verdict(fault, place, seen[place]) for place in seen]
        lines.append(f"| {fault.id} | {fault.what} | {' | '.join(words)} | {fault.missing} |")
    return "\n".join(lines) + "\n"


def verdict(fault, place, words):
    found = [words[node] for node in fault.nodes if node in words]
    if place not in fault.databases or not found:
        return "–"
    return next((bad for bad in ("FAILED", "skipped") if bad in found), "valid" if fault.live else "passed")


if __name__ == "__main__":
    main()
