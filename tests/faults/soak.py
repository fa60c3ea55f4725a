"""Faults at random for as long as one likes, from a seed that is told: the same seed breaks the same things.

    python -m tests.faults.soak --minutes 30 --seed 7

Half of the time, in turns, is spent in quiet. At the end everything is healed and awaited, and the checker
and the doctor judge. SQLite has no line to cut.
"""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from secrets import randbelow

ROOT = Path(__file__).resolve().parent.parent.parent
TEST = "tests/faults/test_soak.py"


def main():
    parser = ArgumentParser(description="Break things at random and see whether anything is lost.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=randbelow(2**31))
    parser.add_argument("--on", default="postgresql", help="sqlite or postgresql")
    told = parser.parse_args()
    print(f"seed {told.seed}, {told.minutes:g} minutes on {told.on}", flush=True)
    words = [sys.executable, "tests/run.py", "--on", told.on, TEST, "-s", "-p", "no:randomly"]
    soak = {"SOAK_MINUTES": str(told.minutes), "SOAK_SEED": str(told.seed)}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | soak, check=False)
    print(f"seed {told.seed}: {'INVALID' if done.returncode else 'valid'}")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
